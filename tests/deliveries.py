"""A good small delivery of each layout, in memory, and what a test needs to spoil and to read it."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from cohorts import Recipe, random_cohort, schema_of
from ipseval.check import check
from ipseval.clean import clean
from ipseval.cohort import select
from ipseval.contracts import EXTRACTS
from ipseval.panel import panel
from ipseval.settings import read_cohort

N_PERSONS = 40
SEED = 5


@dataclass
class Delivery:
    """Extracts as tables, and the cohort file; ``files`` are written as they are, after the tables."""

    tables: dict[str, pa.Table]
    config: dict[str, Any]
    files: dict[str, pa.Table | bytes | Callable[[bytes], bytes]] = field(default_factory=dict)

    def column(self, extract: str, name: str) -> list[Any]:
        """Values of a column."""
        return self.tables[extract][name].to_pylist()

    def replace(
        self, extract: str, name: str, values: Sequence[Any] | pa.Array, kind: pa.DataType | None = None
    ) -> None:
        """Put other values, perhaps of another type, in the place of a column."""
        table = self.tables[extract]
        array = values if isinstance(values, pa.Array) else pa.array(values, kind)
        self.tables[extract] = table.set_column(table.column_names.index(name), name, array)

    def put(self, extract: str, rows: Sequence[int], **values: Any) -> None:
        """Put values into some rows, in the columns' own types."""
        for name, value in values.items():
            column = self.column(extract, name)
            for row in rows:
                column[row] = value
            self.replace(extract, name, column, self.tables[extract][name].type)

    def map(self, extract: str, name: str, function: Callable[[Any], Any], kind: pa.DataType | None = None) -> None:
        """Put a function of each value that is there into its place."""
        self.replace(extract, name, [None if v is None else function(v) for v in self.column(extract, name)], kind)

    def append(self, extract: str, rows: Sequence[dict[str, Any]]) -> None:
        """Add rows; a column that a row does not name is empty."""
        more = pa.Table.from_pylist(list(rows), schema=self.tables[extract].schema)
        self.tables[extract] = pa.concat_tables([self.tables[extract], more])

    def repeat(self, extract: str, rows: Sequence[int], **changed: Any) -> None:
        """Add some rows again, changed or not."""
        known = self.tables[extract].take(list(rows)).to_pylist()
        self.append(extract, [row | changed for row in known])

    def split(self, extract: str, number: Callable[[dict[str, Any]], Any]) -> dict[Any, pa.Table]:
        """Take an extract out and return its rows by a number, to be put into ``files``."""
        table = self.tables.pop(extract)
        numbers = [number(row) for row in table.to_pylist()]
        return {n: table.filter(pa.array([m == n for m in numbers])) for n in sorted(set(numbers))}

    def write(self, folder: Path) -> Path:
        """Write extracts and cohort file; returns the path of the cohort file."""
        place = folder / "extracts"
        place.mkdir(parents=True, exist_ok=True)
        for extract, table in self.tables.items():
            pq.write_table(table, place / f"{extract}.parquet")
        for name, content in self.files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, pa.Table):
                pq.write_table(content, place / name)
            else:
                old = content if isinstance(content, bytes) else content((place / name).read_bytes())
                (place / name).write_bytes(old)
        file = folder / "north.yaml"
        file.write_text(yaml.safe_dump(self.config, sort_keys=False), encoding="utf-8")
        return file


@cache
def _made(layout: str) -> Delivery:
    recipe = Recipe(
        n_persons=N_PERSONS,
        layout=layout,
        observed_until="2015-12",
        not_employed_at_randomisation=False,
        has_services=True,
    )
    cohort = random_cohort(recipe, SEED)
    tables = {}
    for name, frame in cohort.extracts.items():
        rows = [{c: None if pd.isna(v) else v for c, v in row.items()} for row in frame.to_dict("records")]
        tables[name] = pa.Table.from_pylist(rows, schema=pa.schema(schema_of(name, rows, layout)))
    return Delivery(tables, cohort.config)


def good(layout: str = "spells") -> Delivery:
    """A delivery of 40 persons in 2 centres that is as registers are, but without a fault that stops."""
    made = _made(layout)
    return Delivery(dict(made.tables), deepcopy(made.config))


@dataclass(frozen=True)
class Outcome:
    """What the stages up to the panel make of a delivery."""

    quality: pd.DataFrame
    people: pd.DataFrame
    panel: pd.DataFrame

    def counts(self, rule: str, extract: str | None = None) -> tuple[int, int, set[str]]:
        """Rows, persons and actions of a rule's findings."""
        rows = self.quality[(self.quality["rule"] == rule) & (extract is None or self.quality["extract"] == extract)]
        return int(rows["n_rows"].sum()), int(rows["n_persons"].sum()), set(rows["action"])


def outcome(file: Path) -> Outcome:
    """Check, clean, select and make the panel, in one process; nothing is written."""
    cohort = read_cohort(file)
    checked = check(cohort)
    cleaned = clean({name: checked[name] for name in EXTRACTS})
    people = select(cohort, cleaned)["people"]
    return Outcome(checked["quality"], people, panel(cohort, people, cleaned)["panel"])
