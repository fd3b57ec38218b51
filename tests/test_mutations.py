"""Whatever is wrong in a column of a result, verify notices it, and says in which file, column and row it is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from cohorts import Recipe, random_cohort, write_cohort
from ipseval.config import Cohort
from ipseval.describe import describe
from ipseval.pipeline import analyse
from ipseval.products import REVIEWED
from ipseval.published_comparison import published_comparison
from ipseval.recomputed.checks import LABELS, LEAST_SPECIFICATIONS, Compare, checks_of_everybody, comparisons
from ipseval.recomputed.comparison import Expected
from ipseval.recomputed.panel import months_of
from ipseval.recomputed.persons import expected_people
from ipseval.recomputed.persons_checked import checks_of_persons, panel_check, people_check
from ipseval.recomputed.sample import Given, given
from ipseval.settings import read_cohort
from ipseval.store import as_read
from ipseval.verify import recomputed_checks
from measured import FEW, Frames, as_verify_reads

# Results that no check knows another way to, and why.
NOT_KNOWN = {
    "quality": "counts rows of the delivery as it came, which verify does not read again; check has its own tests",
    "organisation": "a file beside the cohort file, as it is; tests/test_organisation.py",
    "timeline": "a file beside the cohort file, as it is; tests/test_timeline.py",
    "fidelity": "sums of a file beside the cohort file, and nothing of persons; tests/test_fidelity.py enumerates them",
    "fidelity_summary": "means and slopes of it; tests/test_fidelity.py has numpy's",
}
TABLES = sorted({name for names in REVIEWED.values() for name in names} - set(NOT_KNOWN))


@dataclass(frozen=True)
class Run:
    """A whole run of a small trial: three arms, strata, missing covariates and months, services, printed numbers."""

    cohort: Cohort
    tables: Frames
    given: Given
    compare: dict[str, Compare]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("mutations")
    recipe = Recipe(
        n_persons=80, n_centres=3, treatments=("ips", "ipse"), before=4, after=5, share_leaving=0.25,
        after_death="missing", has_services=True,
        has_places=True,
    )  # fmt: skip
    file = write_cohort(random_cohort(recipe, 4), folder)
    trial = pd.read_parquet(folder / "extracts" / "trial.parquet")
    trial.assign(stratum=["aba"[i % 3] for i in range(len(trial))]).to_parquet(folder / "extracts" / "trial.parquet")
    settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    chosen = {"receipt": {"split_month": 3}, "event_study": {"period_months": 2}, "follow": {"months": [3, 5]}}
    chosen |= {"bound": {"months": [2, 5], "draws": 99}}
    file.write_text(yaml.safe_dump(settings | chosen), encoding="utf-8")
    ways = {**FEW.adjustment, "lin": replace(FEW.adjustment["none"], estimator="lin", adjust=("age", "female"))}
    grid = {"month_rule": ("any_day", "reference_week"), "min_weekly_hours": (0, 20), "exclude_wage_subsidy": (True,)}
    few = replace(FEW, adjustment=ways, **grid)
    cohort = replace(read_cohort(file), robustness=few)
    tables = as_verify_reads(analyse(cohort))
    published = printed(tables)
    (folder / "published.yaml").write_text(yaml.safe_dump(published), encoding="utf-8")
    cohort = replace(cohort, published=folder / "published.yaml")
    tables |= published_comparison(published, tables)
    own = given(cohort, tables)
    checks, months = checks_of_persons(own, len(own.people))
    assert [check for check in checks if not check.passed] == []
    return Run(cohort, tables, own, dict(comparisons(own, months)))


def printed(tables: Frames) -> dict[str, Any]:
    """Numbers as a paper would print them."""
    inclusion = tables["inclusion"].set_index("centre")
    effects = tables["effects"].query("analysis == 'pooled' and arm == 'ips' and variance == 'cr1'")
    female = tables["balance"].query("variable == 'female' and centre != 'all'")
    sums = (female["mean"] * female["n"]).groupby(female["centre"]).sum() / female.groupby("centre")["n"].sum()
    rows = inclusion[["n_randomised", "n_analysed", "share"]].to_dict("index")
    return {
        "table3_inclusion": {
            c: [int(r["n_randomised"]), int(r["n_analysed"]), round(r["share"], 2)] for c, r in rows.items()
        },
        "table4_wage_subsidy": {},
        "table5_effects": {"coefficients": {}, "models": {}},
        "pooled_effect": round(float(effects["estimate"].iloc[0]), 3),
        "appendix_b_range_over_centres": {"female": [round(float(sums.min()), 2), round(float(sums.max()), 2)]},
    }


def mutations(column: pd.Series) -> Iterator[tuple[str, pd.Series]]:
    """A cell shifted or another text, two unequal cells swapped, and the column reversed; where they change it."""
    known = column[column.notna()] if column.notna().any() else column
    at = known.index[len(known) // 2]
    changed = column.astype(object)
    if pd.api.types.is_bool_dtype(column.dtype):
        changed[at] = not column[at]
    elif pd.api.types.is_datetime64_any_dtype(column.dtype):
        changed[at] = pd.Timestamp("2001-02-03")
    elif pd.api.types.is_numeric_dtype(column.dtype):
        is_whole = (known % 1 == 0).all()
        changed[at] = 1.0 if pd.isna(column[at]) else float(column[at]) + (1 if is_whole else 0.001)
    else:
        changed[at] = "something else"
    yield "shifted", changed.infer_objects()
    distinct = known.drop_duplicates()
    i, j = distinct.index[0], distinct.index[-1]
    if pd.api.types.is_float_dtype(column.dtype) and known.notna().any():
        i, j = known.astype(float).idxmin(), known.astype(float).idxmax()
    swapped, turned = column.copy(), pd.Series(column.to_numpy()[::-1], column.index)
    swapped[i], swapped[j] = column[j], column[i]
    for how, other in (("swapped", swapped), ("reversed", turned)):
        if not same_to_the_eye(other, column):
            yield how, other


def same_to_the_eye(column: pd.Series, other: pd.Series) -> bool:
    """Whether two columns are equal, or but for rounding."""
    if pd.api.types.is_float_dtype(column.dtype):
        return bool(np.allclose(column, other, rtol=0, atol=1e-6, equal_nan=True))
    one, two = (c.astype(object).where(c.notna(), "") for c in (column, other))
    return one.equals(two)


def test_every_result_is_compared(run: Run) -> None:
    assert set(run.compare) | {"flow"} == set(TABLES)
    assert all(len(run.tables[name]) for name in TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_every_column_of_a_result_is_known(run: Run, name: str) -> None:
    table = run.tables[name]
    compare = run.compare[name] if name != "flow" else of_flow(run)
    assert compare(table) == (0, "")
    blind = [
        f"{column} {how}"
        for column in table
        for how, changed in mutations(table[column])
        if not compare(table.assign(**{column: changed}))[0]
    ]
    assert blind == []


def test_every_combination_of_choices_is_estimated_again(run: Run) -> None:
    """A cell of any of them, not of some that are evenly spread."""
    table, compare = run.tables["specifications"], run.compare["specifications"]
    estimated = table.index[table["status"] == "estimated"]
    assert len(estimated) > 2 * len(run.cohort.arms.treatments) * LEAST_SPECIFICATIONS
    for column in ("estimate", "std_error"):
        changed = [table[column].mask(table.index == row, table[column] + 0.001) for row in estimated]
        assert all(compare(table.assign(**{column: values}))[0] for values in changed)


def of_flow(run: Run) -> Compare:
    _, flow = expected_people(run.cohort, run.given.cleaned)
    return Expected("flow.csv", flow, LABELS["flow"]).differences


@pytest.mark.parametrize("name", TABLES)
def test_lost_rows_and_columns_nobody_knows_are_noticed(run: Run, name: str) -> None:
    table, compare = run.tables[name], run.compare.get(name) or of_flow(run)
    assert compare(table.iloc[:-1])[0]
    assert compare(table.assign(surplus=1))[0]


def test_every_column_of_the_persons_is_known(run: Run) -> None:
    people, cleaned = run.given.people, run.given.cleaned
    expected, _ = expected_people(run.cohort, cleaned)
    blind = [
        f"{column} {how}"
        for column in people
        for how, changed in mutations(people[column])
        if people_check(people.assign(**{str(column): changed}), expected, cleaned).passed
    ]
    assert blind == []


def test_every_month_of_the_panel_is_known(run: Run) -> None:
    """Also that of an outcome of which the results say nothing."""
    own, made = run.given, months_of(run.cohort, run.given.people, run.given.cleaned)
    blind = []
    for row in own.panel.groupby("outcome").head(2).index:
        for month in ("month_-4", "month_0", "month_5"):
            panel = own.panel.copy()
            panel.loc[row, month] = 0 if panel.loc[row, month] else 1
            if panel_check(replace(own, panel=panel), own.people, made, is_whole=True).passed:
                blind.append((row, month))
    assert blind == []
    lost = own.panel[own.panel["outcome"] != "employment"]
    assert not panel_check(replace(own, panel=lost), own.people, made, is_whole=True).passed
    assert not panel_check(replace(own, panel=own.panel.iloc[1:]), own.people, made, is_whole=True).passed


def test_what_begins_with_a_wrong_panel_is_noticed(run: Run) -> None:
    """All months a month late, and the descriptions made of it: they agree with the panel, and not with the spells."""
    own, made = run.given, months_of(run.cohort, run.given.people, run.given.cleaned)
    months = [c for c in own.panel if str(c).startswith("month_")]
    panel = own.panel.copy()
    panel[months] = np.roll(panel[months].to_numpy(), 1, axis=1)
    assert not panel_check(replace(own, panel=panel), own.people, made, is_whole=True).passed
    of_it = describe(run.cohort, own.people, panel)
    assert run.compare["employment_by_month"](as_read(of_it["employment_by_month"]))[0]
    assert run.compare["wage_subsidy"](as_read(of_it["wage_subsidy"]))[0]


def test_a_message_names_file_column_and_row(run: Run) -> None:
    effects = run.tables["effects"].copy()
    row = effects.index[(effects["analysis"] == "pooled") & (effects["arm"] == "ipse")][0]
    effects.loc[row, "mean_control"] = 0.25
    n, text = run.compare["effects"](effects)
    where = f"effects.csv, column mean_control, row {row + 2} (analysis pooled, subgroup all, centre all, month_from 0"
    assert n == 1
    assert text.startswith(where)
    assert ": 0.25 where 0." in text
    assert text.endswith(" is expected")


def test_messages_tell_nothing_of_persons(run: Run) -> None:
    people, cleaned = run.given.people.copy(), run.given.cleaned
    people.loc[3, "age"] += 1.5
    assert people_check(people, expected_people(run.cohort, cleaned)[0], cleaned).detail == "1 values of age differ"


def test_of_many_persons_a_sample_is_compared(run: Run) -> None:
    """Its tables are made again by the stages; all persons are still counted."""
    checks = recomputed_checks(replace(run.cohort, verify={"max_persons": 30}), run.tables)
    assert [check for check in checks if not check.passed] == []
    told = {check.name: check.detail for check in checks}
    assert "30 persons of a sample" in told["effects.csv comes out again"]
    effects = run.tables["effects"].copy()
    effects.loc[5, "n_control_months"] += 1
    whole = replace(run.given, tables=run.tables | {"effects": effects})
    assert [check.name for check in checks_of_everybody(whole) if not check.passed] == ["effects.csv counts everybody"]


@pytest.mark.parametrize(("df", "shift", "is_noticed"), [(1.5, 1e-6, False), (1.5, 1e-4, True), (140.5, 1e-6, True)])
def test_fewer_digits_are_asked_for_where_a_person_decides_a_term_nearly_alone(
    df: float, shift: float, is_noticed: bool
) -> None:
    table = pd.DataFrame({"estimate": [0.2], "df": [df], "p_value": [0.3]})
    found = table.assign(p_value=table["p_value"] + shift)
    assert (Expected("effects.csv", table, []).differences(found)[0] > 0) == is_noticed
    assert Expected("effects.csv", table, []).differences(table.assign(estimate=0.2 + 1e-6))[0] == 1
