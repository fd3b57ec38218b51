"""A random cohort with everything that verify reads, as it reads it."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from cohorts import Recipe, random_cohort, write_cohort
from ipseval.clean import CLEAN
from ipseval.config import Cohort
from ipseval.pipeline import Made, analyse
from ipseval.products import REVIEWED
from ipseval.robustness import Adjustment, Robustness
from ipseval.settings import read_cohort
from ipseval.store import as_read, as_stored

Frames = dict[str, pd.DataFrame]
FEW = Robustness(("any_day",), (0,), (False,), (), {"none": Adjustment("ols", ())}, ("cr1", "cr2"))


def as_verify_reads(made: Made) -> Frames:
    """Tables by name, those of persons and the cleaned extracts among them."""
    tables = {name: as_read(made[stage][name]) for stage, names in REVIEWED.items() for name in names}
    tables |= {name: as_stored(made[stage][name]) for stage, name in (("cohort", "people"), ("panel", "panel"))}
    return tables | {f"{CLEAN}{name}": as_stored(table) for name, table in made["clean"].items()}


def measured(recipe: Recipe, seed: int, folder: Path) -> tuple[Cohort, Frames]:
    """A random cohort and its tables."""
    cohort = read_cohort(write_cohort(random_cohort(recipe, seed), folder))
    cohort = replace(cohort, randomisation=replace(cohort.randomisation, draws=49), robustness=FEW)
    return cohort, as_verify_reads(analyse(cohort))
