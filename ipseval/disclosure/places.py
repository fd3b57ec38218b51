"""What the tables of centres as places rest on: facts of teams that are printed elsewhere rest on nobody."""

from collections.abc import Iterator

from ipseval.disclosure.ledger import Entry, Shown
from ipseval.disclosure.study import Study

OF_REVIEW = ("low", "high", "score")
OF_SUMMARY = (
    *("n_reviews", "mean", "first", "last", "change", "slope_per_year", "mean_low", "mean_high"),
    *("change_low", "change_high", "slope_low", "slope_high"),
)


def fidelity(study: Study) -> Iterator[Entry]:
    """Scores of reviews, and what is summed up of them: of teams, from published reviews, and of no person."""
    for table, columns in (("fidelity", OF_REVIEW), ("fidelity_summary", OF_SUMMARY)):
        for i, _ in study.rows(table):
            yield Shown(table, i, columns)
