"""The same delivery written by other programs gives the same panel as pyarrow's.

Spark and R are tried where they are installed (`make writers`); the others always.
"""

import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import duckdb
import fastparquet
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from deliveries import good, outcome
from ipseval.errors import UserError

EXTRACTS = ("trial", "persons", "employment", "wage_subsidy")
DAYS = ("randomised_on", "withdrawn_on", "birth_date", "died_on", "emigrated_on", "returned_on", "start_on", "end_on")


def table(extract: str) -> pa.Table:
    return good().tables[extract]


def frame(extract: str) -> pd.DataFrame:
    """As an evaluator has it in pandas: days are times at midnight, and rows that were left out leave gaps."""
    own = table(extract).to_pandas()
    return own.assign(**{day: pd.to_datetime(own[day]).astype("datetime64[us]") for day in DAYS if day in own})


def pandas_and_pyarrow(extract: str, place: Path) -> None:
    kept = pd.concat([frame(extract).iloc[:1], frame(extract)]).set_index(pd.Index(range(7, len(frame(extract)) + 8)))
    kept.iloc[1:].to_parquet(place / f"{extract}.parquet", engine="pyarrow")


def pandas_and_fastparquet(extract: str, place: Path) -> None:
    own = frame(extract)
    texts = {name: own[name].astype(object) for name in own if own[name].dtype == "str"}
    fastparquet.write(str(place / f"{extract}.parquet"), own.assign(**texts))


def by_polars(extract: str, place: Path) -> None:
    pl.from_arrow(table(extract)).write_parquet(place / f"{extract}.parquet")


def by_duckdb(extract: str, place: Path) -> None:
    with duckdb.connect() as connection:
        connection.register("own", table(extract))
        connection.execute(f"COPY own TO '{place / extract}.parquet' (FORMAT parquet, ROW_GROUP_SIZE 50)")


def by_fastreg(extract: str, place: Path) -> None:
    """A folder a register and a folder a year in it: fastreg's layout, with files of several parts."""
    own = table(extract)
    if extract != "employment":
        (place / extract).mkdir()
        pq.write_table(own, place / extract / "part.parquet")
        return
    years = [day.year for day in own["start_on"].to_pylist()]
    for year in sorted(set(years)):
        (place / extract / f"year={year}").mkdir(parents=True)
        part = own.filter(pa.array([y == year for y in years]))
        pq.write_table(part, place / extract / f"year={year}" / "part.parquet")


@cache
def spark() -> object:
    sql = pytest.importorskip("pyspark.sql", reason="make writers installs pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    return sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()


def by_spark(extract: str, place: Path) -> None:
    rows = [tuple(row.values()) for row in table(extract).to_pylist()]
    kinds = {
        pa.string(): "string",
        pa.date32(): "date",
        pa.int64(): "bigint",
        pa.float64(): "double",
        pa.bool_(): "boolean",
    }
    schema = ", ".join(f"{f.name} {kinds[f.type]}" for f in table(extract).schema)
    spark().createDataFrame(rows, schema).repartition(2).write.parquet(str(place / f"{extract}.parquet"))  # type: ignore


def by_r(extract: str, place: Path) -> None:
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed")
    pq.write_table(table(extract), place / "own")
    code = f"x <- as.data.frame(arrow::read_parquet('own')); arrow::write_parquet(x, '{extract}.parquet')"
    done = subprocess.run(["Rscript", "-e", code], cwd=place, capture_output=True, check=False)
    (place / "own").unlink()
    if done.returncode:
        pytest.skip("R has no package arrow")


WRITERS: dict[str, Callable[[str, Path], None]] = {
    "pandas and pyarrow": pandas_and_pyarrow, "pandas and fastparquet": pandas_and_fastparquet, "polars": by_polars,
    "DuckDB": by_duckdb, "fastreg": by_fastreg, "Spark": by_spark, "R": by_r,
}  # fmt: skip


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    delivery = good()
    delivery.tables = {extract: table(extract) for extract in EXTRACTS}
    return outcome(delivery.write(tmp_path_factory.mktemp("pyarrow"))).panel


@pytest.mark.parametrize("writer", WRITERS)
def test_a_delivery_of_another_writer_gives_the_same_panel(writer: str, expected: pd.DataFrame, tmp_path: Path) -> None:
    delivery = good()
    delivery.tables = {}
    file = delivery.write(tmp_path)
    for extract in EXTRACTS:
        WRITERS[writer](extract, tmp_path / "extracts")
    pd.testing.assert_frame_equal(outcome(file).panel, expected)


def test_days_that_a_writer_wrote_wrongly_stop(tmp_path: Path) -> None:
    """The fastparquet of the lock takes days of pandas in seconds for milliseconds: 2013 becomes the first of 1970."""
    file = good().write(tmp_path)
    wrong = frame("trial").assign(randomised_on=lambda d: d["randomised_on"].astype("datetime64[s]"))
    fastparquet.write(str(tmp_path / "extracts" / "trial.parquet"), wrong.astype({"arm": object, "person_id": object}))
    with pytest.raises(UserError, match="randomised_on as a time of day in no zone that is known"):
        outcome(file)
