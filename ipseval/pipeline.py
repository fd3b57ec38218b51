"""All stages in one process: what Snakemake runs rule by rule, for notebooks and tests."""

from pathlib import Path

from ipseval import store
from ipseval.check import check
from ipseval.clean import clean
from ipseval.cohort import select
from ipseval.config import Cohort
from ipseval.contracts import EXTRACTS
from ipseval.describe import describe
from ipseval.estimate import estimate
from ipseval.panel import panel
from ipseval.settings import read_cohort


def run(cohort_file: str | Path, results: str | Path) -> dict[str, store.Content]:
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
    made = compute(read_cohort(cohort_file))
    folder = Path(results) / Path(cohort_file).stem
    for stage, files in store.PRODUCTS.items():
        store.write_all({name: folder / file for name, file in files.items()}, made[stage])
    return {name: content for contents in made.values() for name, content in contents.items()}


def compute(cohort: Cohort) -> dict[str, dict[str, store.Content]]:
    """The tables of every stage, by stage and name; nothing is written."""
    checked = check(cohort)
    cleaned = clean({name: checked[name] for name in EXTRACTS})
    selected = select(cohort, cleaned)
    months = panel(cohort, selected["people"], cleaned)
    described = describe(cohort, selected["people"], months["panel"])
    estimated = estimate(cohort, selected["people"], months["panel"])
    return {
        "check": checked,
        "clean": cleaned,
        "cohort": selected,
        "panel": months,
        "describe": described,
        "estimate": estimated,
    }
