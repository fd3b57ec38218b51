"""What the tables of centres as places rest on: facts of teams that are printed elsewhere rest on nobody."""

from collections.abc import Iterator

from ipseval.disclosure.derived import together
from ipseval.disclosure.ledger import Entry, Shown
from ipseval.disclosure.regressed import Effects
from ipseval.disclosure.study import Study

OF_REVIEW = ("low", "high", "score")
OF_SUMMARY = (
    *("n_reviews", "mean", "first", "last", "change", "slope_per_year", "mean_low", "mean_high"),
    *("change_low", "change_high", "slope_low", "slope_high"),
)

OF_EFFECTS = ("mean_group", "mean_other", "difference", "n_as_large", "p_value")
OF_GROUPS = ("n_assignments", "smallest_p", "n_centres_group", "n_centres_other", "n_compared")


def organisation(study: Study) -> Iterator[Entry]:
    """What is printed of the centres: texts and codes, and no number."""
    yield from ()


def organisation_tests(study: Study) -> Iterator[Entry]:
    """Tests of two groups of centres: what comes of the centres' effects leaves where all that are pooled may leave."""
    known = Effects(study)
    for i, row in study.rows("organisation_tests"):
        rests = together(study, known, row["analysis"], row["arm"])
        yield Shown("organisation_tests", i, OF_EFFECTS, rests.keys, rests.fewest)
        yield Shown("organisation_tests", i, OF_GROUPS)


def fidelity(study: Study) -> Iterator[Entry]:
    """Scores of reviews, and what is summed up of them: of teams, from published reviews, and of no person."""
    for table, columns in (("fidelity", OF_REVIEW), ("fidelity_summary", OF_SUMMARY)):
        for i, _ in study.rows(table):
            yield Shown(table, i, columns)
