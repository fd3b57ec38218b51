"""Leaks planted in a protected release: the attacker finds every one, so that its silence means something.

What protection hid is put back in some columns as it would be printed, and nothing else.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pytest

import attacker_attack
from attacker_reads import DECIMALS
from cohorts import Recipe, random_cohort, write_cohort
from ipseval import protect
from ipseval.config import Cohort
from ipseval.disclosure.cells import shortened
from ipseval.disclosure.keys import Key
from ipseval.disclosure.ledger import Entry, Relation, Within
from ipseval.disclosure.study import Study
from ipseval.settings import read_cohort
from test_attack import DRAWS, IS_LONG, RULES, Tables, released_of, review_of, texts

HIDDEN = ":"
Columns = Mapping[str, tuple[str, ...]]  # table -> columns that are put back
PLANTED: dict[str, Columns] = {
    "persons excluded in a step": {"flow": ("n_excluded",)},
    "persons left after a step": {"flow": ("n_persons",)},
    "persons of whom a covariate is known": {"balance": ("n",)},
    "persons who lack a covariate": {"balance": ("n_missing",)},
    "shares of a covariate": {"balance": ("mean",)},
    "spread of a covariate": {"balance": ("sd",)},
    "standardised differences": {"balance": ("n", "smd")},
    "persons in a job in a month": {"employment_by_month": ("n_employed",)},
    "share in a job in a month": {"employment_by_month": ("share",)},
    "persons who received a service": {"receipt": ("n_received",)},
    "persons who began with a service": {"receipt": ("n_started",)},
    "share that received a service": {"receipt": ("share",)},
    "complete cases of a centre": {"effects": ("n_assigned", "n_control")},
    "months of complete cases": {"effects": ("n_assigned_months", "n_control_months")},
    "persons ever in a job": {"effects": ("n_assigned_ever", "n_control_ever")},
    "mean of the reference arm": {"effects": ("mean_control",)},
    "mean of an arm": {"effects": ("mean_assigned",)},
    "effects of a centre in a month": {"effects": ("estimate",)},
    "errors of a centre in a month": {"effects": ("std_error",)},
    "effects that are tested by re-drawn assignment": {"randomisation": ("estimate",)},
    "persons of the centres' effects": {"centre_effects": ("n_assigned", "n_control")},
}


# Parts of protect that this trial needs: tables whose relations, and numbers whose own protection, are taken away.
RELATIONS = ("balance", "flow", "employment_by_month", "receipt", "effects", "event_study", "missing_data")
NUMBERS = ("Employed", "Left", "Others", "With")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """A trial in three centres in which covariates are missing."""
    recipe = Recipe(n_persons=150, n_centres=3, before=2, after=4, share_missing=0.05, has_services=True)
    drawn = random_cohort(recipe, seed=4)
    drawn.config.update(DRAWS)
    return read_cohort(write_cohort(drawn, tmp_path_factory.mktemp("planted")))


@pytest.fixture(scope="module")
def made(cohort: Cohort) -> tuple[Tables, Tables]:
    """Its tables for review, and its release."""
    review = review_of(cohort)
    return review, released_of(cohort, review, "dst")


def planted(released: Tables, review: Tables, columns: Columns) -> Tables:
    """A release in which what was hidden in some columns stands again."""
    spoiled = dict(released)
    for table, names in columns.items():
        frame, true = released[table].copy(), review[table].reset_index(drop=True)
        for name in names:
            put_back = [
                shortened(v, DECIMALS) if isinstance(v, float) and math.isfinite(v) else v for v in true[name].tolist()
            ]
            frame[name] = frame[name].mask(frame[name] == HIDDEN, pd.Series(put_back, dtype=object))
        spoiled[table] = frame
    return spoiled


def test_the_release_itself_withstands(made: tuple[Tables, Tables]) -> None:
    review, released = made
    assert attacker_attack.attack(texts(released), texts(review), RULES["dst"]) == []


@pytest.mark.parametrize("leak", PLANTED)
def test_a_planted_leak_is_found(made: tuple[Tables, Tables], leak: str) -> None:
    review, released = made
    spoiled = planted(released, review, PLANTED[leak])
    assert attacker_attack.attack(texts(spoiled), texts(review), RULES["dst"])


@pytest.mark.parametrize("table", RELATIONS if IS_LONG else RELATIONS[:1])
def test_a_relation_that_protect_does_not_know_is_found(
    cohort: Cohort, made: tuple[Tables, Tables], table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without what ties the numbers of a table together, hidden ones come back."""
    spoken = protect.RELEASED[table]

    def without(study: Study) -> Iterator[Entry]:
        return (entry for entry in spoken(study) if not isinstance(entry, (Relation, Within)))

    less = {name: without if speak is spoken else speak for name, speak in protect.RELEASED.items()}
    monkeypatch.setattr(protect, "RELEASED", less)
    review, _ = made
    assert attacker_attack.attack(texts(released_of(cohort, review, "dst")), texts(review), RULES["dst"])


@pytest.mark.parametrize("number", NUMBERS if IS_LONG else NUMBERS[:1])
def test_numbers_that_protect_leaves_alone_are_found(
    cohort: Cohort, made: tuple[Tables, Tables], number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    primary = protect.primary

    def less(*known: Any) -> dict[Key, str]:
        return {key: why for key, why in primary(*known).items() if type(key).__name__ != number}

    monkeypatch.setattr(protect, "primary", less)
    review, _ = made
    assert attacker_attack.attack(texts(released_of(cohort, review, "dst")), texts(review), RULES["dst"])
