"""Check the extracts against the published tables: ``python -m tools.twin.check FOLDER``.

The check has its own way from spells to stars and shares no estimator with the search.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from tools.twin.published import Printed, load, printed_coefficients, printed_constants
from tools.twin.readback import Readback, clustered, panel, read
from tools.twin.soundness import appendix_b, edge_cases, shape, sound_form

FOLDER = Path("data/norway-six-centre")


class Line(NamedTuple):
    """One target: where it is printed, what it is, printed and reached value, agreement."""

    table: str
    name: str
    printed: str
    reached: str
    agrees: bool


def run(folder: Path) -> int:
    """Print every target and what the extracts give; 0 when all agree, else 1."""
    data, published = read(folder), load()
    lines = [Line(*line) for line in _lines(data, published)]
    for line in lines:
        mark = "yes" if line.agrees else "NO"
        print(f"{line.table:11} {line.name:46} {line.printed:>16} {line.reached:>16}  {mark}")
    totals = pd.DataFrame(lines).groupby("table", sort=False)["agrees"].agg(["sum", "count"])
    for table, row in totals.iterrows():
        print(f"{table}: {row['sum']} of {row['count']} agree")
    return 0 if all(line.agrees for line in lines) else 1


def _lines(data: Readback, published: dict[str, Any]) -> Iterator[tuple[str, str, str, str, bool]]:
    yield from _table3(data, published)
    yield from _table4(data, published)
    yield from _table5(data, published)
    yield from _follow_up(data)
    yield from appendix_b(data, published)
    yield from shape(data)
    yield from sound_form(data)
    yield from edge_cases(data)


def _table3(data: Readback, published: dict[str, Any]) -> Iterator[tuple[str, str, str, str, bool]]:
    everybody, analysed = data.persons["centre"], data.analysed["centre"]
    for centre, (n_randomised, n_analysed, share) in published["table3_inclusion"].items():
        here = [len(c) if centre == "all" else int((c == str(centre)).sum()) for c in (everybody, analysed)]
        reached = f"{here[0]} {here[1]} {here[1] / here[0]:.2f}"
        printed = f"{n_randomised} {n_analysed} {share:.2f}"
        yield "table 3", f"centre {centre}", printed, reached, printed == reached


def _table4(data: Readback, published: dict[str, Any]) -> Iterator[tuple[str, str, str, str, bool]]:
    analysed = data.analysed
    months = data.subsidised.loc[analysed.index, list(range(1, 13))].sum(axis=1)
    for centre, row in published["table4_wage_subsidy"].items():
        for arm in ("control", "ips"):
            here = (analysed["arm"] == arm) & ((analysed["centre"] == str(centre)) | (centre == "all"))
            printed, reached = row[arm], [int(here.sum()), int(months[here].sum())]
            yield (
                "table 4",
                f"centre {centre} {arm}",
                str(printed),
                str(reached),
                printed == reached,
            )


def _table5(data: Readback, published: dict[str, Any]) -> Iterator[tuple[str, str, str, str, bool]]:
    models = published["table5_effects"]["models"]
    for model in (1, 2, 3):
        rows = panel(data, data.analysed)
        names = models[str(model)]["covariates"]
        rows = rows.dropna(subset=names)
        n_printed = [models[str(model)]["n_obs"], models[str(model)]["n_persons"]]
        n_reached = [len(rows), rows["person_id"].nunique()]
        yield "table 5 N", f"model {model}", str(n_printed), str(n_reached), n_printed == n_reached
        found = clustered(rows, {name: rows[name] for name in names} | centre_terms(rows))
        for entry in printed_coefficients(published) + printed_constants(published):
            if entry.model == model:
                yield _coefficient(entry, found, n_reached[1])


def centre_terms(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Centre dummies (centre 1 is the base) and an effect in each centre."""
    terms = {f"centre_{c}": (rows["centre"] == str(c)).astype(float) for c in range(2, 7)}
    effects = {f"ips_x_centre_{c}": (rows["centre"] == str(c)) * rows["ips"] for c in range(1, 7)}
    return terms | effects


def _coefficient(entry: Printed, found: pd.DataFrame, n_persons: int) -> tuple[str, str, str, str, bool]:
    """Compare one coefficient to the third decimal, with its stars."""
    estimate = float(found["estimate"][entry.term])
    p = 2 * stats.t.sf(abs(float(found["t"][entry.term])), n_persons - 1)
    is_constant = entry.term == "constant"
    stars = "" if is_constant else "*" * int(np.sum(p < np.array([0.10, 0.05, 0.01])))
    table = "constants" if is_constant else "table 5"
    agrees = f"{estimate:.3f}{stars}" == entry.text
    return table, f"model {entry.model} {entry.term}", entry.text, f"{estimate:.5f}{stars}", agrees


def _follow_up(data: Readback) -> Iterator[tuple[str, str, str, str, bool]]:
    """Compare the pooled effect and the share of all randomised at work in month 18."""
    rows = panel(data, data.analysed)
    effect = pooled_effect(rows)
    yield "pooled", "effect", "0.088", f"{effect:.5f}", f"{effect:.3f}" == "0.088"
    for arm, share in (("ips", 0.37), ("control", 0.27)):
        reached = data.outcome.loc[data.persons["arm"] == arm, 18].mean()
        close = abs(reached - share) < 0.01
        yield "month 18", f"all randomised, {arm}", f"{share:.2f}", f"{reached:.3f}", close
    groups = {
        "age below 31": (rows["age"] < 31, rows["age"] >= 31),
        "below upper secondary": tuple(rows["less_than_upper_secondary"] == v for v in (1, 0)),
        "severe mental illness": tuple(rows["severe_mental_illness"] == v for v in (1, 0)),
    }
    for name, (inside, outside) in groups.items():
        pair = [pooled_effect(rows[inside]), pooled_effect(rows[outside])]
        text = f"{pair[0]:.3f} {pair[1]:.3f}"
        yield "subgroups", name, "larger", text, pair[0] > pair[1]


def pooled_effect(rows: pd.DataFrame) -> float:
    """Effect of assignment with centre, age, sex and calendar held."""
    terms = {f"centre_{c}": (rows["centre"] == str(c)).astype(float) for c in range(2, 7)}
    found = clustered(rows, {name: rows[name] for name in ("ips", "age", "female")} | terms)
    return float(found["estimate"]["ips"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    sys.exit(run(parser.parse_args().folder))
