"""``ipseval check --rows``: where rows at fault stand, among what only its owner can read and nowhere else."""

import stat
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from deliveries import Delivery, good
from ipseval import cli
from ipseval.check import Checked, examine
from ipseval.registers.origins import Origins
from ipseval.settings import read_cohort
from spoiling import in_files, in_months

PERSONS = good().column("trial", "person_id")
LONE, CANARY = "P7777", "P8888"
REVERSED = (3, 17, 90)


def spoilt() -> Delivery:
    """Faults in files and rows, persons without rows, and a line that concerns nobody."""
    delivery = good()
    starts = delivery.column("employment", "start_on")
    for row in REVERSED:
        delivery.put("employment", [row], end_on=date(starts[row].year - 1, 3, 3))
    delivery.put("trial", [4, 9], arm="pilot")
    delivery.repeat("trial", [6])
    delivery.repeat("trial", [0], person_id=LONE)
    delivery.repeat("persons", [2], sex="male" if delivery.column("persons", "sex")[2] == "female" else "female")
    services = list(map(str, delivery.column("services", "start_on")))
    delivery.replace("services", "start_on", [*services[:7], "soon", *services[8:]])
    in_files()(delivery)
    return delivery


@dataclass(frozen=True)
class Told:
    """A delivery that was checked with its rows."""

    folder: Path
    cohort_file: Path
    checked: Checked
    rows: pd.DataFrame

    def cells(self, rule: str, *columns: str) -> set[tuple]:
        """Rows that a rule found, in some columns."""
        own = self.rows[self.rows["rule"] == rule]
        return set(own[list(columns)].itertuples(index=False, name=None))


def told(delivery: Delivery, folder: Path) -> Told:
    file, origins = delivery.write(folder), Origins()
    return Told(folder / "extracts", file, examine(read_cohort(file), origins), origins.table())


@pytest.fixture(scope="module")
def spoilt_told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder, delivery = tmp_path_factory.mktemp("spoilt"), spoilt()
    (folder / "person").mkdir()
    (folder / "person" / "out.csv").write_text(f"extract,key,reason\nservices,{CANARY},none\n")
    delivery.config["leave_out"] = "person/out.csv"
    return told(delivery, folder)


def test_rows_are_named_by_file_and_place_in_it(spoilt_told: Told) -> None:
    found = spoilt_told.cells("end_before_start", "file", "row", "key", "action")
    for file, row, key, action in found:
        there = pq.read_table(spoilt_told.folder / file).slice(row - 1, 1).to_pylist()[0]
        assert there["person_id"] == key
        assert there["end_on"] < there["start_on"]
        assert action == "drop"
    assert len(found) == len(REVERSED)
    assert spoilt_told.cells("undeclared_code", "file", "row", "key", "column") == {
        ("trial.parquet", 5, PERSONS[4], "arm"),
        ("trial.parquet", 10, PERSONS[9], "arm"),
    }


def test_values_that_cannot_be_read_and_rows_that_repeat_are_named(spoilt_told: Told) -> None:
    assert spoilt_told.cells("wrong_type", "file", "row", "column") == {("services.parquet", 8, "start_on")}
    (repeat,) = spoilt_told.cells("duplicate_row", "key", "row")
    assert repeat[0] == PERSONS[6]
    assert repeat[1] in (7, len(PERSONS) + 1)
    persons = pq.read_table(spoilt_told.folder / "persons.parquet")["person_id"].to_pylist()
    assert spoilt_told.cells("contradicting_rows", "key", "row") == {(persons[2], 3), (persons[2], len(persons))}


def test_persons_without_rows_and_idle_lines_are_named_without_a_place(spoilt_told: Told) -> None:
    assert spoilt_told.cells("idle_mending", "file", "key", "extract") == {("out.csv", CANARY, "services")}
    nowhere = spoilt_told.rows.query("rule == 'trial_person_nowhere'")
    assert nowhere["key"].tolist() == [LONE]
    assert nowhere["row"].isna().all()


def test_asking_for_rows_changes_nothing_that_is_found(spoilt_told: Told) -> None:
    plain, asked = examine(read_cohort(spoilt_told.cohort_file)), spoilt_told.checked
    pd.testing.assert_frame_equal(plain.quality, asked.quality)
    assert (plain.said, plain.faults) == (asked.said, asked.faults)
    for name, frame in plain.frames.items():
        assert (frame is None) == (asked.frames[name] is None)
        if frame is not None:
            pd.testing.assert_frame_equal(frame, asked.frames[name])


def test_every_file_of_months_has_its_own_rows(tmp_path: Path) -> None:
    delivery = good("monthly")
    in_months(delivery)
    name = sorted(delivery.files)[5]
    table = delivery.files[name]
    hours = [[*[20.0] * (table.num_rows - 1), 999.0]]
    delivery.files[name] = table.set_column(table.column_names.index("weekly_hours"), "weekly_hours", hours)
    found = told(delivery, tmp_path).cells("impossible_hours", "file", "row", "key")
    assert found == {(name, table.num_rows, table["person_id"].to_pylist()[-1])}


def test_of_a_layout_of_cells_all_rows_of_the_persons_are_named(tmp_path: Path) -> None:
    delivery = good("relative_monthly")
    keys = delivery.column("employment", "person_id")
    found = told(delivery, tmp_path).cells("after_death", "extract", "key", "row")
    found = {(key, row) for extract, key, row in found if extract == "employment"}
    assert found
    assert found == {(key, i + 1) for i, key in enumerate(keys) if key in {own for own, _ in found}}


def test_the_table_is_written_under_person_for_its_owner_and_told_without_keys(tmp_path: Path, capfd) -> None:
    delivery, results = good(), tmp_path / "results"
    delivery.put("employment", [3], weekly_hours=400.0)
    assert cli.main(["check", str(delivery.write(tmp_path)), "--results", str(results), "--rows"]) == 0
    out, err = capfd.readouterr()
    place = results / "north" / "person" / "rows.csv"
    assert f"written: {place}, " in out
    assert "It holds keys of persons and may not leave." in out
    assert [path for path in results.rglob("*") if path.is_file()] == [place]
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    table = pd.read_csv(place, dtype="str")
    assert table.columns.tolist() == ["extract", "file", "row", "key", "rule", "column", "action"]
    own = table[table["rule"] == "impossible_hours"].to_dict("records")
    key = delivery.column("employment", "person_id")[3]
    expected = ("employment", "employment.parquet", "4", key, "impossible_hours", "weekly_hours", "fix")
    assert own == [dict(zip(table.columns, expected, strict=True))]
    assert not [key for key in PERSONS if key in out + err]
