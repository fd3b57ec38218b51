"""Files as other programs leave them: read rightly, or the run stops and says what they are."""

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.orc
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest

from deliveries import Delivery, Outcome, good, outcome
from ipseval.check import examine
from ipseval.errors import UserError
from ipseval.registers.files import locate
from ipseval.registers.row_periods import by_file
from ipseval.settings import read_cohort
from spoiling import in_files, in_months, without


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return outcome(good().write(tmp_path_factory.mktemp("good")))


def renamed(delivery: Delivery, *names: str) -> Delivery:
    """The delivery with its employment in files of other names."""
    in_files(n_files=len(names))(delivery)
    parts = [delivery.files.pop(name) for name in sorted(delivery.files)]
    delivery.files |= dict(zip(names, parts, strict=True))
    return delivery


@pytest.mark.parametrize(
    "names",
    [
        ("employment/part-0.parquet", "employment/000000_0", "employment/data.0.parq"),
        ("employment/part-00000-0b1f2c4d-2011-4a7b.c000.snappy.parquet", "employment/x/y.PARQUET"),
        ("employment.snappy.parquet",),
        ("employment.parquet.gz",),
        ("employment.pq",),
        ("EMPLOYMENT.parquet",),
        ("employment.parquet/part-0.parquet", "employment.parquet/part-1.parquet"),
        ("employment_p2013_v1.parquet", "employment_p2014_v2.parquet"),
        ("employment_p2013-01_p2014-12_v3.parquet",),
    ],
)
def test_whole_files_are_read_whatever_their_ending(names: tuple[str, ...], expected: Outcome, tmp_path: Path) -> None:
    found = outcome(renamed(good(), *names).write(tmp_path))
    pd.testing.assert_frame_equal(found.panel, expected.panel)


@pytest.mark.parametrize(
    "names", [("employment.old.parquet",), ("employment_2.parquet",), ("employment_bak/part-0.parquet",)]
)
def test_copies_under_a_like_name_are_not_the_extract(names: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"employment.parquet was not delivered"):
        outcome(renamed(good(), *names).write(tmp_path))


def test_an_extract_under_two_endings_stops(tmp_path: Path) -> None:
    delivery = good()
    delivery.files["employment.pq"] = delivery.tables["employment"]
    with pytest.raises(UserError, match=r"employment.parquet and employment.pq were both delivered"):
        outcome(delivery.write(tmp_path))


def test_the_newest_version_is_read_and_told(expected: Outcome, tmp_path: Path) -> None:
    delivery = good()
    table = delivery.tables.pop("employment")
    for version, rows in ((1, 40), (9, 80), (10, table.num_rows)):
        delivery.files[f"employment_p2013_p2015_v{version}.parquet"] = table.slice(0, rows)
    delivery.files["employment_p2013_p2015_v10__DOC.json"] = json.dumps({"datadoc": {}}).encode()
    delivery.files["employment/readme__DOC.json"] = b"{}"
    checked = examine(read_cohort(delivery.write(tmp_path)))
    (said,) = [text for _, text in checked.said if "older version" in text]
    assert said.startswith("employment_p2013_p2015_v1.parquet, employment_p2013_p2015_v9.parquet are an older version")
    assert not [text for _, text in checked.said if "DOC" in text]
    pd.testing.assert_frame_equal(outcome(tmp_path / "north.yaml").panel, expected.panel)


LEFTOVERS = ("_SUCCESS", "_metadata", "._part-0.parquet", ".part-0.parquet.crc", "_committed_123", ".DS_Store")


def test_signs_of_other_programs_are_not_read(expected: Outcome, tmp_path: Path) -> None:
    delivery = good()
    in_files()(delivery)
    delivery.files |= {f"employment/{name}": b"PAR1" for name in LEFTOVERS}
    found = outcome(delivery.write(tmp_path))
    pd.testing.assert_frame_equal(found.panel, expected.panel)
    assert found.counts("stray_file") == (0, 0, set())


@pytest.mark.parametrize(
    "name",
    [
        "employment/_temporary/0/task_1/part-3.parquet",
        "employment/.staging-1/part-3.parquet",
        "employment/.hive-staging_hive_1/part-3.parquet",
        "employment/part-3.parquet.crdownload",
    ],
)
def test_what_an_unfinished_job_left_stops_and_is_never_read(name: str, expected: Outcome, tmp_path: Path) -> None:
    delivery = good()
    in_files()(delivery)
    delivery.files[name] = good().tables["employment"]
    with pytest.raises(UserError, match="left by a job that did not end or a copy that was cut off"):
        outcome(delivery.write(tmp_path))
    delivery.config["checks"] = {"unfinished_write": "warn"}
    pd.testing.assert_frame_equal(outcome(delivery.write(tmp_path)).panel, expected.panel)


@pytest.mark.parametrize(
    ("mark", "kind"),
    [
        ("_delta_log/00000000000000000000.json", "a Delta table"),
        (".hoodie/hoodie.properties", "a Hudi table"),
        ("metadata/v1.metadata.json", "an Iceberg table"),
    ],
)
@pytest.mark.parametrize("data", ["", "data/", "year=2014/"])
def test_a_table_with_a_log_is_not_read_as_its_files(mark: str, kind: str, data: str, tmp_path: Path) -> None:
    delivery = renamed(good(), f"employment/{data}part-0.parquet", f"employment/{data}part-1.parquet")
    delivery.files[f"employment/{mark}"] = b"{}"
    with pytest.raises(UserError, match=f"employment/ is {kind}: which files belong to it stands in its log"):
        outcome(delivery.write(tmp_path))


def test_a_table_with_a_log_is_seen_under_a_pattern_too(tmp_path: Path) -> None:
    delivery = renamed(good(), "jobs/part-0.parquet", "jobs/part-1.parquet")
    delivery.files["jobs/_delta_log/0.json"] = b"{}"
    delivery.config["files"] = {"employment": "jobs/*.parquet"}
    with pytest.raises(UserError, match="jobs/ is a Delta table"):
        outcome(delivery.write(tmp_path))


class _Keys(pe.KmsClient):
    def __init__(self, config: object) -> None:
        pe.KmsClient.__init__(self)

    def wrap_key(self, key: bytes, master: str) -> bytes:
        return base64.b64encode(key)

    def unwrap_key(self, wrapped: bytes, master: str) -> bytes:
        return base64.b64decode(wrapped)


@pytest.mark.parametrize("plain_footer", [False, True])
def test_an_encrypted_file_is_called_so(plain_footer: bool, tmp_path: Path) -> None:
    delivery = good()
    table = delivery.tables.pop("employment")
    file = delivery.write(tmp_path)
    factory = pe.CryptoFactory(lambda config: _Keys(config))
    keys = {"k": ["start_on"] if plain_footer else table.column_names}
    config = pe.EncryptionConfiguration(footer_key="k", column_keys=keys, plaintext_footer=plain_footer)
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), config)
    place = tmp_path / "extracts" / "employment.parquet"
    with pq.ParquetWriter(place, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    with pytest.raises(UserError, match=r"employment.parquet is encrypted\. Have it decrypted"):
        outcome(file)


def as_gzip(table: pa.Table, place: Path) -> None:
    place.write_bytes(gzip.compress(b"person_id\n"))


def as_archive(table: pa.Table, place: Path) -> None:
    place.write_bytes(b"PK\x03\x04" + bytes(40))


OTHERS: dict[str, Callable[[pa.Table, Path], object]] = {
    "ORC": pa.orc.write_table,
    "Arrow (Feather)": pa.feather.write_feather,
    "gzip": as_gzip,
    "a zip archive or Excel": as_archive,
}


@pytest.mark.parametrize("kind", OTHERS)
def test_another_format_under_the_name_of_parquet_is_named(kind: str, tmp_path: Path) -> None:
    delivery = good()
    table = delivery.tables.pop("employment")
    file = delivery.write(tmp_path)
    OTHERS[kind](table, tmp_path / "extracts" / "employment.parquet")
    with pytest.raises(UserError) as refused:
        outcome(file)
    assert f"employment.parquet is no Parquet but {kind}." in str(refused.value)


def test_columns_may_stand_in_the_names_of_folders_only(expected: Outcome, tmp_path: Path) -> None:
    delivery = good()
    table = delivery.tables.pop("employment").to_pandas()
    table["kind"] = table["kind"].where(table.index % 5 > 0)
    with_column, without_column = good(), delivery
    with_column.tables["employment"] = pa.Table.from_pandas(table, schema=good().tables["employment"].schema)
    whole = outcome(with_column.write(tmp_path / "whole"))
    place = tmp_path / "folders" / "extracts" / "employment"
    file = without_column.write(tmp_path / "folders")
    pq.write_to_dataset(with_column.tables["employment"], place, partition_cols=["kind"])
    assert (place / "kind=__HIVE_DEFAULT_PARTITION__").is_dir()
    pd.testing.assert_frame_equal(outcome(file).panel, whole.panel)
    jobs = [examine(read_cohort(f)).frames["employment"] for f in (file, tmp_path / "whole" / "north.yaml")]
    pd.testing.assert_frame_equal(jobs[0][jobs[1].columns], jobs[1])


def test_years_of_folders_are_whole_numbers_and_codes_keep_their_zeros(tmp_path: Path) -> None:
    delivery = good()
    persons = delivery.column("trial", "person_id")
    income = pa.table({"person_id": persons * 2, "wage_income": [float(i) for i in range(80)]})
    for year, part in ((2012, income.slice(0, 40)), (2013, income.slice(40))):
        delivery.files[f"income/year={year}/part.parquet"] = part
    services = delivery.tables.pop("services")
    delivery.files["services/service=0301/0.parquet"] = services.drop_columns("service").slice(0, 10)
    delivery.files["services/service=1103/0.parquet"] = services.drop_columns("service").slice(10)
    frames = examine(read_cohort(delivery.write(tmp_path))).frames
    assert frames["income"].groupby("year")["wage_income"].sum().to_dict() == {2012: 780.0, 2013: 2380.0}
    assert set(frames["services"]["service"].astype("str")) == {"0301", "1103"}


def test_a_column_of_the_file_itself_goes_before_that_of_a_folder(expected: Outcome, tmp_path: Path) -> None:
    delivery = renamed(good(), "employment/Kind=x/part-0.parquet", "employment/Kind=y/part-1.parquet")
    pd.testing.assert_frame_equal(outcome(delivery.write(tmp_path)).panel, expected.panel)


def test_months_may_stand_in_the_names_of_folders(tmp_path: Path) -> None:
    delivery = good("monthly")
    whole = outcome(delivery.write(tmp_path / "whole"))
    in_months(delivery)
    for name in list(delivery.files):
        year, month = name.removeprefix("employment/ameld_").removesuffix(".parquet").split("_m")
        table = delivery.files.pop(name).drop_columns("year_month")
        delivery.files[f"employment/year={year}/month={month}/part-00000-1f-2011-4a7b.parquet"] = table
    pd.testing.assert_frame_equal(outcome(delivery.write(tmp_path / "months")).panel, whole.panel)


@pytest.mark.parametrize(
    ("name", "month"),
    [
        ("employment/year=2015/month=3/part-0.parquet", "2015-03"),
        ("employment/2015/03/data.parquet", "2015-03"),
        ("employment/aar=2015/mnd=03/000000_0", "2015-03"),
        ("employment/ameld_2015_m3.parquet", "2015-03"),
        ("employment/part-00000-3b1f2c4d-2011-4a7b-8f00-c000.snappy.parquet", None),
    ],
)
def test_months_of_names(name: str, month: str | None) -> None:
    period = by_file("year_month", [name])
    assert (None if period is None else str(period.of_file[0])) == month


def test_a_delivery_of_duckdb_in_folders_is_that_of_pyarrow(expected: Outcome, tmp_path: Path) -> None:
    delivery = good()
    table = delivery.tables.pop("employment")
    file = delivery.write(tmp_path)
    with duckdb.connect() as db:
        db.register("jobs", table)
        place = tmp_path / "extracts" / "employment"
        db.execute(f"COPY (SELECT *, year(start_on) AS y FROM jobs) TO '{place}' (FORMAT parquet, PARTITION_BY y)")
    pd.testing.assert_frame_equal(outcome(file).panel, expected.panel)


def test_an_extract_that_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert locate(tmp_path / "nowhere", "employment") == []
    delivery = good()
    without("employment")(delivery)
    with pytest.raises(UserError, match=r"employment.parquet was not delivered"):
        outcome(delivery.write(tmp_path))
