"""Checks that compare every column of every table with what comes of cleaned spells by another way."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from ipseval.estimation.invariants import Check
from ipseval.published_comparison import published_comparison
from ipseval.randomise import assignments
from ipseval.recomputed.achieved import expected_achieved
from ipseval.recomputed.comparison import Expected
from ipseval.recomputed.cost import expected_cost
from ipseval.recomputed.descriptions import (
    expected_balance,
    expected_employment,
    expected_inclusion,
    expected_subsidies,
)
from ipseval.recomputed.effects import expected_counts, expected_effects
from ipseval.recomputed.event_study import expected_event_study
from ipseval.recomputed.missing import expected_missing_data
from ipseval.recomputed.places import expected_exposure, expected_organisation_tests
from ipseval.recomputed.receipt import expected_receipt
from ipseval.recomputed.redrawn import CELL, draws_are_of_the_design, expected_bands, expected_rows, redrawn
from ipseval.recomputed.sample import Given, Months, of_some, study_of
from ipseval.recomputed.specifications import expected_specifications
from ipseval.recomputed.study import Study
from ipseval.recomputed.sums import expected_accumulated
from ipseval.recomputed.synthesis import expected_synthesis
from ipseval.recomputed.waiting import expected_waiting
from ipseval.settings import read_yaml

# Combinations that are estimated again: all where they are so few times persons, else so many, and the least.
SPECIFICATIONS, LEAST_SPECIFICATIONS = 40_000, 8
EFFECT = ["analysis", "subgroup", "centre", "month_from", "month_to", "arm", "variance"]
LABELS = {
    "flow": ["step", "centre", "arm"],
    "inclusion": ["centre"],
    "wage_subsidy": ["centre", "arm"],
    "employment_by_month": ["centre", "arm", "month"],
    "balance": ["variable", "level", "centre", "arm"],
    "effects": EFFECT,
    "coefficients": ["analysis", "term", "variance"],
    "randomisation": CELL,
    "bands": ["analysis", "arm", "month"],
    "heterogeneity": ["analysis", "arm"],
    "centre_effects": ["analysis", "arm", "centre"],
    "pooled_effects": ["analysis", "arm", "weighting"],
    "exposure": ["centre", "event", "on", "arm"],
    "organisation_tests": ["characteristic", "arm"],
    "time_to_job": ["arm", "month"],
    "restricted_mean": ["measure", "arm"],
    "accumulated": ["outcome", "month_to", "arm", "variance"],
    "achieved": ["outcome", "measure", "by_month", "centre", "arm", "adjustment", "variance"],
    "cost": ["by_month", "centre", "arm"],
    "specifications": [
        "month_rule",
        "min_weekly_hours",
        "exclude_wage_subsidy",
        "time",
        "adjustment",
        "variance",
        "arm",
    ],
    "receipt": ["service", "month_from", "month_to", "centre", "arm"],
    "complier_effects": ["month_from", "month_to", "arm"],
    "event_study": ["arm", "month_from"],
    "placebo": ["arm"],
    "missing_data": ["method", "month_from", "month_to", "arm", "variance"],
    "published_comparison": ["table", "term"],
}  # columns that say which row a cell is in
# Numbers that a table may have of no row, where nothing could be estimated.
NUMBERS = ["estimate", "std_error", "ci_low", "ci_high", "statistic", "p_value", "survival", "share_with_job"]
NUMBERS += ["share_low", "share_high"]
Compare = Callable[[pd.DataFrame], tuple[int, str]]


def comparisons(given: Given, made_of: Months | None) -> Iterator[tuple[str, Compare]]:
    """Every table's name, and what compares it with what it should be.

    Parameters
    ----------
    given : Given
    made_of : pair, or None
        Months of everybody; None: those of the panel.
    """
    study, cohort, cleaned = study_of(given, made_of), given.cohort, given.cleaned
    employment = cleaned["employment"]
    assert employment is not None
    made = _descriptions(study, given.people)
    made["effects"], made["coefficients"] = expected_effects(study)
    names = "heterogeneity", "centre_effects", "pooled_effects"
    made |= dict(zip(names, expected_synthesis(study, made["effects"]), strict=True))
    made["organisation_tests"] = expected_organisation_tests(cohort, made["centre_effects"])
    made["time_to_job"], made["restricted_mean"] = expected_waiting(study, employment)
    made["accumulated"] = expected_accumulated(study, employment)
    made["cost"] = expected_cost(cohort, made["accumulated"])
    made["achieved"] = expected_achieved(study, employment, cleaned["services"])
    made["receipt"], made["complier_effects"] = expected_receipt(study, cleaned["services"])
    made["event_study"], made["placebo"] = expected_event_study(study)
    made["missing_data"] = expected_missing_data(study)
    if not given.is_sample:
        published = read_yaml(cohort.published) if cohort.published else None
        made |= published_comparison(published, made)
    for name, expected in made.items():
        yield name, _against(name, expected)
    most = max(LEAST_SPECIFICATIONS, SPECIFICATIONS // max(1, len(study.people)))
    specifications, is_made = expected_specifications(study, given.people, cleaned, most)
    yield "specifications", _of_some("specifications", specifications, is_made)
    yield from _of_draws(study, made["effects"])


def _against(name: str, expected: pd.DataFrame) -> Compare:
    nobodys = {number: np.nan for number in NUMBERS if number not in expected}
    return Expected(f"{name}.csv", expected.assign(**nobodys), LABELS[name]).differences


def _of_some(name: str, expected: pd.DataFrame, is_made: np.ndarray) -> Compare:
    """Rows that were made again by every column, the others by what they are of."""
    if is_made.all():
        return _against(name, expected)

    def compare(found: pd.DataFrame) -> tuple[int, str]:
        if len(found) != len(expected):
            return _against(name, expected)(found)
        of_made = expected.where(pd.Series(is_made), found.reindex(columns=expected.columns))
        labels = expected[[*LABELS[name][:5], "is_main"]]
        return _against(name, of_made.assign(**labels))(found)

    return compare


# --- draws -------------------------------------------------------------------------------------


def _of_draws(study: Study, effects: pd.DataFrame) -> Iterator[tuple[str, Compare]]:
    """The tests by re-drawn assignment and the bands."""
    drawn = {arm: assignments(study.cohort, study.people, arm)[:] for arm in study.cohort.arms.treatments}
    n_odd = sum(draws_are_of_the_design(study, arm, own) for arm, own in drawn.items())
    estimated = set(effects.loc[effects["status"] == "estimated", CELL].itertuples(index=False, name=None))
    found = redrawn(study, drawn, estimated)
    rows, bands = expected_rows(study, effects, found), expected_bands(study, found)

    draws, p = study.cohort.randomisation.draws, ["p_value", "p_adjusted"]
    whole = _against("randomisation", rows)
    is_whole = bool((rows["n_draws"].dropna() == draws).all())

    def tests(table: pd.DataFrame) -> tuple[int, str]:
        if n_odd:
            return n_odd, f"randomisation.csv: {n_odd} draws are not of the design"
        if is_whole or len(table) != len(rows) or not set(p) <= set(table):
            return whole(table)
        return _against("randomisation", _likely(table, rows, draws))(table)

    yield "randomisation", tests
    yield "bands", lambda table: _bands(study, table, bands)


def _likely(table: pd.DataFrame, rows: pd.DataFrame, draws: int) -> pd.DataFrame:
    """The rows with p as written where draws that were made again agree with it, else with what they say.

    Of all draws p must be a whole number. Those on the effect's own side are at most p of them, and half of it at
    least, for the other side is no likelier: of the draws that are looked at their number is hypergeometric. So is that
    of the draws whose largest |t| reaches an adjusted p.
    """
    from scipy.stats import hypergeom

    p, adjusted = table["p_value"].astype(float), table["p_adjusted"].astype(float)
    n, size, beyond, together = (rows[c].astype(float) for c in ("n_draws", "size", "n_beyond", "n_together"))
    k, of_family = (p * (draws + 1)).round() - 1, (adjusted * (draws + 1)).round() - 1
    is_whole = (k + 1 - p * (draws + 1)).abs() < WHOLE
    is_likely = is_whole & (hypergeom.sf(beyond - 1, draws, k, n) > UNLIKELY)
    is_likely &= hypergeom.cdf(beyond, draws, np.floor(k / 2), n) > UNLIKELY
    low = (hypergeom.cdf(together, draws, of_family, n) > UNLIKELY) | (adjusted == p)
    high = hypergeom.sf(together - 1, draws, of_family, n) * size > UNLIKELY
    is_adjusted = (of_family + 1 - adjusted * (draws + 1)).abs() < WHOLE
    is_adjusted &= ((size > 1) & low & high & (adjusted >= p - WHOLE)) | ((size == 1) & (adjusted == p))
    is_exact = n == draws
    return rows.assign(
        p_value=rows["p_value"].where(is_exact | ~is_likely, p),
        p_adjusted=rows["p_adjusted"].where(is_exact | ~is_adjusted, adjusted),
    )


WHOLE, UNLIKELY = 1e-6, 1e-9


def _bands(study: Study, table: pd.DataFrame, expected: pd.DataFrame) -> tuple[int, str]:
    """Bands by their month: the critical value is the draw that the level asks for, or one that draws agree with."""
    label = LABELS["bands"]
    if len(table) != len(expected) or not {"critical_value", *label} <= set(table):
        return _against("bands", expected.drop(columns="largest", errors="ignore"))(table)
    table, expected = (t.sort_values(label, kind="stable").reset_index(drop=True) for t in (table, expected))
    if not len(table):
        return 0, ""
    draws, level = study.cohort.randomisation.draws, study.cohort.estimation.confidence_level
    rank = int(np.ceil((draws + 1) * level - TIE))
    first = table.groupby("family")["critical_value"].transform("first").astype(float)
    critical = [_critical(c, largest, draws, rank) for c, largest in zip(first, expected["largest"], strict=True)]
    c = np.array(critical, dtype=float)
    ends = {"band_low": expected["estimate"] - c * expected["std_error"]}
    ends["band_high"] = expected["estimate"] + c * expected["std_error"]
    return _against("bands", expected.assign(critical_value=c, **ends).drop(columns="largest"))(table)


TIE = 1e-9


def _critical(written: float, largest: np.ndarray, draws: int, rank: int) -> float:
    from scipy.stats import hypergeom

    if len(largest) == draws:
        found = largest[rank - 1] if rank <= draws else np.inf
        return float(found) if np.isfinite(found) else np.nan
    if np.isnan(written):
        return written
    below = int((largest < written * (1 - TIE)).sum())
    is_likely = min(
        hypergeom.cdf(below, draws, rank - 1, len(largest)), hypergeom.sf(below - 1, draws, rank - 1, len(largest))
    )
    return written if is_likely > UNLIKELY else float(np.quantile(largest, min(rank / draws, 1.0)))


# --- the checks --------------------------------------------------------------------------------


def checks_of_tables(whole: Given, made_of: Months | None) -> list[Check]:
    """A check a table; of many persons on a sample, whose tables are made again, and of everybody what is counted.

    Parameters
    ----------
    whole : Given
    made_of : pair, or None
        Months of everybody, from cleaned spells; of many persons not used.
    """
    some = of_some(whole, int(whole.cohort.verify["max_persons"]))
    of = f"{int(some.people['is_analysed'].sum())} persons" + (" of a sample" if some.is_sample else "")
    found = []
    for name, compare in comparisons(some, None if some.is_sample else made_of):
        n, where = compare(some.tables[name])
        found.append(Check(f"{name}.csv comes out again", n == 0, where or f"{len(some.tables[name])} rows, {of}"))
    return found + (checks_of_everybody(whole) if some.is_sample else [])


def checks_of_everybody(whole: Given) -> list[Check]:
    """Descriptions of everybody, and what effects count, from the panel."""
    study = study_of(whole)
    counted = expected_counts(study)
    found = []
    for name, expected in (_descriptions(study, whole.people) | {"effects": counted}).items():
        table = whole.tables[name]
        n, where = _against(name, expected)(table[[c for c in table if c in expected]])
        found.append(Check(f"{name}.csv counts everybody", n == 0, where or f"{len(table)} rows"))
    return found


def _descriptions(study: Study, people: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {
        "inclusion": expected_inclusion(study, people),
        "wage_subsidy": expected_subsidies(study),
        "employment_by_month": expected_employment(study),
        "balance": expected_balance(study),
        "exposure": expected_exposure(study),
    }
