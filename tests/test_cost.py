"""What a further month costs: numbers that were known before, Fieller's inequality tried, and what may leave."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ipseval import store, words
from ipseval.config import Cohort
from ipseval.consistency import inconsistencies
from ipseval.cost import COLUMNS, SHARES, acceptable, cost, of_effect
from ipseval.disclosure.cells import significant
from ipseval.disclosure.derived import of_released
from ipseval.prices import priced
from ipseval.recomputed.cost import expected_cost
from ipseval.settings import ROOT, cohort_settings, read_cohort
from ipseval.tables.priced import cost as printed
from ipseval.tables.review import Review

FILE = ROOT / "config" / "cohorts" / "norway-six-centre.yaml"
RATIOS = ["ratio", "ci_low", "ci_high", *SHARES]


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return replace(read_cohort(FILE), cost=priced({"ips": 100}, [12]))


def accumulated(*effects: tuple[float, float, float], status: str = "estimated") -> pd.DataFrame:
    """Rows of effects with their intervals, by the primary variance and another."""
    rows: list[dict[str, Any]] = []
    for month, (estimate, low, high) in enumerate(effects, start=1):
        row = {
            "outcome": "ordinary_months",
            "centre": "all",
            "month_to": month,
            "arm": "ips",
            "reference_arm": "control",
        }
        row |= {"estimate": estimate, "ci_low": low, "ci_high": high, "status": status, "variance": "cr1"}
        row |= {"std_error": (high - low) / 4, "df": 60}
        rows += [row, row | {"variance": "cr2", "ci_high": high + 1}, row | {"outcome": "weekly_hours"}]
    return pd.DataFrame(rows)


def test_the_default_cohort_gives_the_numbers_that_were_worked_out_for_it(default_results: Path) -> None:
    """Worked out by others, before this table was there."""
    effects = store.read(default_results / "review" / "accumulated.csv")
    chosen = replace(read_cohort(FILE), cost=priced({"ips": 100}, [12, 24, 43]))
    found = cost(chosen, effects).set_index("by_month")
    assert found["ratio"].round(2).to_dict() == {12: 156.05, 24: 47.31, 43: 25.75}
    assert found["ci_low"].round(1).to_dict() == {12: 82.9, 24: 29.1, 43: 15.2}
    assert found["ci_high"].round(1).to_dict() == pytest.approx({12: 1323.6, 24: 126.3, 43: 85.5})
    assert set(found["variance"]) == {"cr1"} and set(found["centre"]) == {"all"}
    again = expected_cost(chosen, effects).set_index("by_month")
    assert found[RATIOS].to_numpy() == pytest.approx(again[RATIOS].to_numpy(), rel=1e-9)
    assert (default_results / "review" / "cost.csv").read_text(encoding="utf-8") == ",".join(COLUMNS) + "\n"


@pytest.mark.parametrize(
    ("price", "effect", "reach"),
    [(100, 2.0, 0.5), (100, 2.0, 1.999), (7.5, 0.3, 0.2), (100, 2.0, 3.0), (100, -1.0, 3.0), (40, 0.0, 0.1)],
)
def test_the_interval_holds_what_fieller_holds(price: float, effect: float, reach: float) -> None:
    """``(c - r e)^2 <= r^2 reach^2`` on a grid of prices; without an upper end the largest ones are among them."""
    found = of_effect(price, effect, effect - reach, effect + reach)
    r = np.geomspace(1e-3, 1e6, 4000)
    holds = (price - r * effect) ** 2 <= (r * reach) ** 2
    assert (holds == ((r >= found["ci_low"]) & (r <= found.get("ci_high", np.inf)))).all()
    assert ("ci_high" in found) == (found["status"] == "estimated") == (not holds[-1]) == (reach < effect)
    negative = -r
    if found["status"] == "estimated":
        assert not ((price - negative * effect) ** 2 <= (negative * reach) ** 2).any()


@pytest.mark.parametrize(("effect", "error", "df"), [(2.0, 0.5, 50), (0.6, 0.4, 9), (-1.0, 0.2, 30), (-0.1, 9.0, 3)])
def test_so_large_a_share_of_drawn_effects_costs_less(effect: float, error: float, df: int) -> None:
    """Effects drawn of the distribution: shares within 4 Monte-Carlo errors of those that the prices are for."""
    months = effect + error * np.random.default_rng(2).standard_t(df, 40_000)
    for name, accepted in acceptable(100, effect, error, df).items():
        share = SHARES[name]
        if np.isnan(accepted):
            assert np.mean(months > 0) < share + 4 * np.sqrt(share * (1 - share) / 40_000)
        else:
            paid = np.mean((months > 0) & (100 / months < accepted))
            assert paid == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 40_000))
    assert acceptable(0, effect, error, df) == {}


def test_what_has_no_ratio() -> None:
    nothing = pytest.approx(np.nan, nan_ok=True)
    assert of_effect(100, -1, -2, -0.1) == {"status": "fewer_months"}
    assert of_effect(0, 1, 0.5, 2) == of_effect(-3, 1, 0.5, 2) == {"status": "costs_no_more"}
    assert of_effect(100, -1, -3, 1) == {"status": "unbounded", "ratio": nothing, "ci_low": 100}
    assert of_effect(100, -1, -2, 0) == {"status": "unbounded", "ratio": nothing, "ci_low": nothing}
    assert of_effect(100, 1, 0, 2) == {"status": "unbounded", "ratio": 100, "ci_low": 50}


def test_an_arm_without_a_price_costs_nothing_and_the_reference_arm_may_cost(cohort: Cohort) -> None:
    effects = accumulated((2, 1, 4))
    for prices, expected in (({"ips": 100, "control": 30}, 35), ({"control": 30}, None), ({"ips": 5}, 2.5)):
        (row,) = cost(replace(cohort, cost=priced(prices, [1])), effects).to_dict("records")
        assert row["ratio"] == expected or (expected is None and row["status"] == "costs_no_more")
    assert (
        len(cost(replace(cohort, cost=None), effects)) == 0 == len(expected_cost(replace(cohort, cost=None), effects))
    )


def test_an_effect_that_is_none_says_why(cohort: Cohort) -> None:
    effects = accumulated((np.nan, np.nan, np.nan), status="too_few_control")
    table = cost(replace(cohort, cost=priced({"ips": 100}, [1])), effects)
    assert table[["status", "cost_difference"]].to_numpy().tolist() == [["too_few_control", 100.0]]
    assert table[["effect", *RATIOS]].isna().all(axis=None)


def test_each_ending_is_printed(cohort: Cohort) -> None:
    one = replace(cohort, cost=priced({"ips": 100}, [1, 2, 3, 4]))
    table = store.as_read(cost(one, accumulated((0.64, 0.0755, 1.2), (1, -1, 3), (-1, -4, 2), (-2, -3, -1))))
    flow = pd.DataFrame(columns=["step", "order", "centre", "arm", "n_persons", "n_excluded", "reason"])
    review = Review(one, {"cost": table, "flow": flow})
    cells = [row.cells[2] for row in printed(review).rows]
    assert [(cell.text, cell.beside, cell.reason) for cell in cells] == [
        ("156", ("83.3", "1,320"), ""),
        ("100", ("33.3", "no limit"), ""),
        (words.EN_DASH, (), "no month is gained, and no price can be told"),
        (words.EN_DASH, (), "the arm has fewer months, not more"),
    ]
    mask = pd.DataFrame(table.columns.isin(["effect", *RATIOS])[None].repeat(4, 0), table.index, table.columns)
    hidden = Review(one, review.tables, {"cost": mask})
    assert {cell.text for row in printed(hidden).rows for cell in row.cells[1:]} >= {words.HIDDEN_SIGN}
    assert not any("156" in cell.text or "83" in cell.small for row in printed(hidden).rows for cell in row.cells)
    nothing = Review(replace(cohort, cost=None), review.tables | {"cost": table[:0]})
    assert printed(nothing).notes == ("The cohort names no price of an arm.",)


def test_where_counts_are_rounded_the_ends_are_those_of_the_released_interval(cohort: Cohort) -> None:
    one = replace(cohort, cost=priced({"ips": 100}, [1, 2]))
    inside = cost(one, accumulated((2, 1, 4), (3, 2, 5)))
    effects = accumulated((2, 0.8, 5), (3, 2, 5)).astype(object)
    effects.loc[effects["month_to"] == 2, ["estimate", "ci_low", "ci_high"]] = ":"
    table = inside.astype(object)
    table.loc[1, ["effect", *RATIOS]] = ":"
    found = of_released(one, table, effects)[["effect", *RATIOS]].to_numpy().tolist()
    assert found[0][:4] == [2, 50.0, 20.0, 125.0] and found[0][4:] != table.iloc[0][[*SHARES]].tolist()
    assert found[1] == [":"] * 7


def test_a_released_price_prints_as_the_price_itself() -> None:
    draw = np.random.default_rng(1)
    for value in [*np.exp(draw.uniform(-8, 14, 2000)), 99.95, 999.5, 0.09996]:
        short = significant(value, 4)
        assert short == pytest.approx(value, rel=1e-3)
        assert words.price(short) == words.price(value), value
    assert significant(0.0, 4) == 0.0 and words.price(1323.57) == "1,320" and words.price(0.05123) == "0.0512"


def test_what_does_not_fit_is_told_at_once() -> None:
    settings = cohort_settings(FILE)
    odd = {"per_assigned": {"isp": 100}, "by_month": [12, 13]}
    assert list(inconsistencies(settings | {"cost": odd}, {})) == [
        ("cost.per_assigned names 'isp', which is no arm.", "Did you mean 'ips'?"),
        ("cost.by_month names month 13, which is not among follow.months (12, 18, 24, 43).", "Add it there."),
    ]
    assert [what for what, _ in inconsistencies(settings | {"cost": {"per_assigned": {}, "by_month": [12]}}, {})] == [
        "cost.by_month has months, and cost.per_assigned no price."
    ]
