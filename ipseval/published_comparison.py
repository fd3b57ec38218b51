"""Stage published_comparison: printed numbers beside the reproduced ones.

A registry of printed tables; each yields what was printed, to how many decimals, and what the run has in its place.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ipseval.estimation.design import ALL
from ipseval.terms import assigned, of_centre
from ipseval.words import stars

COLUMNS = ["table", "term", "printed", "reproduced", "difference", "agrees"]
PUBLISHED_VARIANCE = "cr1"

Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Number:
    """A printed number and what was reproduced.

    Parameters
    ----------
    term : str
    printed : float
    decimals : int
        To which it was printed.
    reproduced : float
        At full precision.
    stars, reproduced_stars : str
        As printed, and by the reproduced p-value.
    """

    term: str
    printed: float
    decimals: int
    reproduced: float
    stars: str = ""
    reproduced_stars: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the reproduced number prints as the printed one, stars included."""
        same = f"{self.reproduced:.{self.decimals}f}" == f"{self.printed:.{self.decimals}f}"
        zero = abs(self.printed) + abs(round(self.reproduced, self.decimals)) == 0  # "-0.000" prints 0
        return (same or zero) and self.stars == self.reproduced_stars


def published_comparison(published: Mapping[str, Any] | None, tables: Tables) -> dict[str, pd.DataFrame]:
    """Compare the run with published tables.

    Parameters
    ----------
    published : mapping or None
        Content of the file that the cohort names under ``published``; None: nothing was published.
    tables : mapping
        ``inclusion``, ``wage_subsidy``, ``balance``, ``effects`` and ``coefficients``.

    Returns
    -------
    dict
        ``published_comparison``: one row a number; empty when nothing was published.
    """
    rows = [
        (name, n.term, f"{n.printed:.{n.decimals}f}{n.stars}", n.reproduced, n.reproduced - n.printed, n.agrees)
        for name, compare in COMPARISONS.items()
        for n in (compare(published, tables) if published else ())
    ]
    return {"published_comparison": pd.DataFrame(rows, columns=COLUMNS)}


def agreement(compared: pd.DataFrame) -> str:
    """One line on how many numbers agree; nothing when nothing was published."""
    n, total = int(compared["agrees"].sum()), len(compared)
    return f"published tables: {n} of {total} numbers agree\n" if total else ""


def _by(frame: pd.DataFrame, *keys: str) -> dict[Any, dict[Any, Any]]:
    """Rows by key (a tuple when there are several)."""
    return {tuple(row[key] for key in keys) if len(keys) > 1 else row[keys[0]]: row for row in frame.to_dict("records")}


def _table3(published: Mapping[str, Any], tables: Tables) -> Iterator[Number]:
    inclusion = _by(tables["inclusion"], "centre")
    for centre, (randomised, analysed, share) in published["table3_inclusion"].items():
        row = inclusion[str(centre)]
        yield Number(f"centre[{centre}]: randomised", randomised, 0, row["n_randomised"])
        yield Number(f"centre[{centre}]: not in work", analysed, 0, row["n_analysed"])
        yield Number(f"centre[{centre}]: share", share, 2, row["share"])


def _table4(published: Mapping[str, Any], tables: Tables) -> Iterator[Number]:
    subsidy = _by(tables["wage_subsidy"], "centre", "arm")
    for centre, arms in published["table4_wage_subsidy"].items():
        for arm in ("control", "ips"):
            row = subsidy[str(centre), arm]
            yield Number(f"centre[{centre}]: {arm}, persons", arms[arm][0], 0, row["n_persons"])
            yield Number(f"centre[{centre}]: {arm}, subsidised months", arms[arm][1], 0, row["n_subsidised"])
        if "difference" in arms:
            difference = subsidy[str(centre), "ips"]["share"] - subsidy[str(centre), "control"]["share"]
            yield Number(f"centre[{centre}]: difference", arms["difference"], 3, difference)


def _table5(published: Mapping[str, Any], tables: Tables) -> Iterator[Number]:
    printed = published["table5_effects"]
    coefficients = tables["coefficients"]
    by_model = _by(coefficients[coefficients["variance"] == PUBLISHED_VARIANCE], "analysis", "term")
    for term, models in printed["coefficients"].items():
        for model, text in enumerate(models, start=1):
            if text is not None:
                row = by_model[f"table5_model_{model}", _our_term(term)]
                number = text.rstrip("*")
                marks = text[len(number) :]
                yield Number(f"model {model}: {term}", float(number), 3, row["estimate"], marks, _stars(term, row))
    for model, size in printed["models"].items():
        row = by_model[f"table5_model_{model}", "intercept"]
        yield Number(f"model {model}: person-months", size["n_obs"], 0, row["n_obs"])
        yield Number(f"model {model}: persons", size["n_persons"], 0, row["n_persons"])


def _stars(term: str, row: Mapping[Any, Any]) -> str:
    """No star is printed at a constant."""
    return "" if term == "constant" else stars(row["p_value"])


def _our_term(term: str) -> str:
    """``ips_x_centre_2`` -> ``assigned[ips]:centre[2]`` and so on."""
    name, _, centre = term.rpartition("_")
    if name in ("centre", "ips_x_centre"):
        return assigned("ips", centre) if name == "ips_x_centre" else of_centre(centre)
    return {"constant": "intercept", "born_in_norway": "native_born"}.get(term, term)


def _pooled(published: Mapping[str, Any], tables: Tables) -> Iterator[Number]:
    if "pooled_effect" in published:
        effects = tables["effects"]
        pooled = _by(effects[effects["analysis"] == "pooled"], "arm", "variance")
        yield Number("pooled effect", published["pooled_effect"], 3, pooled["ips", PUBLISHED_VARIANCE]["estimate"])


# characteristic as printed -> (variable, level, divisor, decimals)
CHARACTERISTICS = {
    "severe_mental_illness": ("severe_mental_illness", "", 1, 2),
    "age": ("age", "", 1, 1),
    "female": ("female", "", 1, 2),
    "born_in_norway": ("native_born", "", 1, 2),
    "compulsory_school_only": ("education", "compulsory", 1, 2),
    "upper_secondary_started_not_completed": ("education", "upper_secondary_started", 1, 2),
    "upper_secondary_completed": ("education", "upper_secondary", 1, 2),
    "higher_education": ("education", "higher", 1, 2),
    "wage_income_2012_thousand_nok": ("wage_income", "", 1000, 1),
    "disability_pension": ("benefit", "disability_pension", 1, 2),
    "work_assessment_allowance": ("benefit", "work_assessment_allowance", 1, 2),
    "social_assistance": ("benefit", "social_assistance", 1, 2),
    "unemployment_benefit": ("benefit", "unemployment_benefit", 1, 2),
    "outpatient_consultations_per_month": ("health_contacts_per_month", "outpatient", 1, 2),
    "day_treatments_per_month": ("health_contacts_per_month", "day", 1, 2),
    "admissions_per_month": ("health_contacts_per_month", "inpatient", 1, 2),
}


def _appendix_b(published: Mapping[str, Any], tables: Tables) -> Iterator[Number]:
    """Lowest and highest centre mean of each characteristic, both arms together."""
    balance = tables["balance"].fillna({"level": ""})
    balance = balance[balance["centre"] != ALL]
    for name, (low, high) in published["appendix_b_range_over_centres"].items():
        variable, level, divisor, decimals = CHARACTERISTICS[name]
        rows = balance[(balance["variable"] == variable) & (balance["level"] == level)]
        sums = (rows["mean"].fillna(0) * rows["n"]).groupby(rows["centre"]).sum()
        means = sums / rows.groupby("centre")["n"].sum() / divisor
        yield Number(f"{name}: lowest", low, decimals, means.min() if len(means) else math.nan)
        yield Number(f"{name}: highest", high, decimals, means.max() if len(means) else math.nan)


COMPARISONS: dict[str, Callable[[Mapping[str, Any], Tables], Iterator[Number]]] = {
    "table 3": _table3,
    "table 4": _table4,
    "table 5": _table5,
    "pooled": _pooled,
    "appendix B": _appendix_b,
}
