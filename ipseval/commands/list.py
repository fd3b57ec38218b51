"""``ipseval list``: cohorts, stages and analyses by name, with what each answers."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator

from ipseval import words
from ipseval.commands.run import COHORTS, cohort_file
from ipseval.config import Analysis, Cohort
from ipseval.errors import UserError
from ipseval.products import PRODUCTS
from ipseval.settings import read_cohort

LONGEST = 31  # letters of a name that stand in a column


def arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "cohort", type=cohort_file, nargs="?", metavar="COHORT", help="list its analyses and the question of each"
    )


def run(chosen: Namespace) -> int:
    """List the cohorts of config/cohorts and the stages of a run; of a cohort its analyses and what each answers."""
    if chosen.cohort:
        cohort = read_cohort(chosen.cohort)
        print(f"{cohort.name}: {words.one_line(cohort.title)}")
        print("\n".join(_columns((one.name, question(one, cohort)) for one in cohort.analyses)))
        return 0
    print("Cohorts (ipseval run COHORT):")
    print("\n".join(_columns((file.stem, _title(file.stem)) for file in sorted(COHORTS.glob("*.yaml")))))
    print("Stages (ipseval run COHORT --only STAGE):")
    print(f"  {', '.join(PRODUCTS)}")
    print("Analyses of a cohort: ipseval list COHORT")
    return 0


def question(analysis: Analysis, cohort: Cohort) -> str:
    """What an analysis answers, in words."""
    outcome = words.plain(analysis.outcome or cohort.outcome.primary)
    spans = analysis.windows(cohort.window)
    first, last = spans[0][0], spans[-1][1]
    when = f"in each of {words.months(first, last)}" if len(spans) > 1 else f"over {words.months(first, last)}"
    whom = " in a subgroup and in all others" if analysis.subgroup else ""
    where = ""
    if analysis.within == "centre":
        where = " in each centre, which is a regression of its own"
    elif analysis.effect == "by_centre":
        where = " in each centre, in one regression"
    centre = () if analysis.within == "centre" else ("centre",)
    held = words.listed([words.plain(name) for name in (*centre, *analysis.adjust, *analysis.time)])
    how = "" if analysis.estimator == "ols" else f", by {words.plain(analysis.estimator)}"
    return f"the effect on {outcome} {when}{whom}{where}, {f'adjusted for {held}' if held else 'not adjusted'}{how}"


def _title(name: str) -> str:
    try:
        return words.one_line(read_cohort(cohort_file(name)).title)
    except UserError:
        return "(its file has faults: ipseval check says which)"


def _columns(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield from (f"  {name:<{LONGEST}} {text}" for name, text in pairs)
