"""All stages in one process: what Snakemake runs rule by rule, for notebooks and tests."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ipseval import exchange, running, store
from ipseval.bound import bound
from ipseval.check import check
from ipseval.clean import clean, needed
from ipseval.cohort import select
from ipseval.config import Cohort
from ipseval.contracts import EXTRACTS
from ipseval.describe import describe
from ipseval.disclosure import released
from ipseval.estimate import estimate
from ipseval.follow import follow
from ipseval.panel import panel
from ipseval.placebo import placebo
from ipseval.present import present
from ipseval.products import COMPARED, PLACES, PRESENTED, PRODUCTS, PROTECTED, REVIEWED, SHOWN, place, verified
from ipseval.protect import protect
from ipseval.published_comparison import published_comparison
from ipseval.randomise import randomise
from ipseval.receive import receive
from ipseval.registers import fingerprint
from ipseval.registers.fingerprint import Last
from ipseval.release import release
from ipseval.settings import read_cohort, read_yaml
from ipseval.synthesise import synthesise
from ipseval.vary import vary
from ipseval.verify import verify

Made = dict[str, dict[str, Any]]


def run(cohort_file: str | Path, results: str | Path) -> dict[str, Any]:
    """Run every stage for one cohort and write its tables under ``results/<cohort>/``.

    Parameters
    ----------
    cohort_file : str or Path
        The cohort's YAML file.
    results : str or Path
        Folder of the results.

    Returns
    -------
    dict
        Every table by name.

    Raises
    ------
    UserError
        Every fault of the configuration or of the extracts; nothing is written then.
    """
    cohort = read_cohort(cohort_file)
    folder = Path(results) / cohort.name
    exchange.finish(folder)
    last = fingerprint.last(exchange.last_checked(folder))
    made = compute(cohort, last)
    if differs := fingerprint.note(cohort, last, made["check"]):
        print(differs, file=sys.stderr)
    with running.run([folder], PLACES):
        _leave(cohort, made, folder)
    return {name: content for contents in made.values() for name, content in contents.items()}


def _leave(cohort: Cohort, made: Made, folder: Path) -> None:
    """Write what every stage made, verify it, and give it the place of the last verified set."""
    for file in PLACES:  # as Snakemake does, so that what is ended halfway is made again
        (folder / file).unlink(missing_ok=True)
    pages = {stage: exchange.marked(made[stage], PRODUCTS[stage], cohort.language) for stage in SHOWN}
    write(made | pages, folder)
    written = {name: store.read(folder / file) for name, file in verified().items()}
    with exchange.candidate(folder) as candidate:
        made["verify"] = verify(cohort, written, candidate / "review")
        exchange.accept(folder, made["verify"])
    write({"verify": made["verify"]}, folder)


def write(made: Made, folder: Path) -> None:
    """Write what stages made where they leave it below a cohort's folder of results."""
    for stage, contents in made.items():
        store.write_all({name: folder / place(stage, name) for name in PRODUCTS[stage]}, contents)


def measure(cohort: Cohort, last: Last | None = None) -> Made:
    """What the stages from ``check`` to ``estimate`` make, by stage and name; nothing is written."""
    made: Made = {"check": check(cohort, last)}
    made["clean"] = clean(_read(made["check"], EXTRACTS))
    cleaned = _read(made["clean"], EXTRACTS)
    made["cohort"] = select(cohort, cleaned)
    people = _read(made["cohort"], ("people",))["people"]
    made["panel"] = panel(cohort, people, cleaned)
    months = _read(made["panel"], ("panel",))["panel"]
    made["describe"] = describe(cohort, people, months)
    made["estimate"] = estimate(cohort, people, months)
    return made


def _read(contents: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Tables of persons as later stages read them from the files of the stage that made them."""
    return {name: store.as_stored(contents[name]) for name in names}


def analyse(cohort: Cohort, last: Last | None = None) -> Made:
    """What the stages from ``check`` to ``published_comparison`` make, by stage and name; nothing is written."""
    made = measure(cohort, last)
    people = made["cohort"]["people"]
    made["randomise"] = randomise(cohort, people, made["panel"]["panel"], made["estimate"]["effects"])
    made["synthesise"] = synthesise(cohort, people, made["panel"]["panel"], made["estimate"]["effects"])
    employment, services = needed(made["clean"], "employment"), made["clean"]["services"]
    made["follow"] = follow(cohort, people, made["panel"]["panel"], employment, services)
    made["receive"] = receive(cohort, people, made["panel"]["panel"], services)
    made["placebo"] = placebo(cohort, people, made["panel"]["panel"])
    made["bound"] = bound(cohort, people, made["panel"]["panel"])
    made["vary"] = vary(cohort, people, made["clean"])
    published = read_yaml(cohort.published) if cohort.published else None
    compared = {n: made[stage][n] for stage, names in COMPARED.items() for n in names}
    made["published_comparison"] = published_comparison(published, compared)
    return made


def persons_of(made: Made) -> dict[str, pd.DataFrame]:
    """What ``protect`` needs of persons, to put effects of centres together anew."""
    return {"people": made["cohort"]["people"], "panel": made["panel"]["panel"], "effects": made["estimate"]["effects"]}


def compute(cohort: Cohort, last: Last | None = None) -> Made:
    """What every stage but ``verify`` makes, by stage and name; nothing is written."""
    made = analyse(cohort, last)
    inside = {n: made[stage][n] for stage, names in PRESENTED.items() for n in names}
    made["present"] = present(cohort, inside)
    review = {n: made[stage][n] for stage, names in REVIEWED.items() for n in names}
    made["protect"] = protect(cohort, review, released.read_all(cohort.earlier), persons_of(made))
    protected = {name: store.as_csv(made["protect"][name]) for names in PROTECTED.values() for name in names}
    made["release"] = release(cohort, protected)
    return made
