"""What a delivery was, and how a re-delivery differs from the one used before it."""

import hashlib
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from deliveries import Delivery, good
from ipseval import cli, exchange, pipeline
from ipseval.check import check
from ipseval.contracts import EXTRACTS
from ipseval.pipeline import run
from ipseval.registers import digests, fingerprint
from ipseval.registers.fingerprint import DRIFT_COLUMNS, FINGERPRINT_COLUMNS
from ipseval.settings import read_cohort
from spoiling import configure, in_files, put, without
from test_privacy import CANARIES, CANARY, assert_nowhere


def used(delivery: Delivery, place: Path) -> dict[str, pd.DataFrame | None]:
    """Run the check stage as the workflow does, on a delivery that takes the place of the one before."""
    extracts = place / "extracts"
    for file in sorted(extracts.rglob("*"), reverse=True) if extracts.exists() else []:
        file.unlink() if file.is_file() else file.rmdir()
    cohort = read_cohort(delivery.write(place))
    folder = place / "results" / cohort.name
    made = check(cohort, fingerprint.last(exchange.last_checked(folder)), digests.ledger(folder))
    pipeline.write({"check": made}, folder)
    with exchange.candidate(folder):
        exchange.accept(folder, {"verify": "{}", "manifest": "{}"})
    return made


def review(place: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(place / "results" / "north" / "review" / f"{name}.csv", dtype=str, keep_default_na=False)


def drift_of(place: Path, extract: str) -> dict[str, str]:
    (row,) = review(place, "drift").query("extract == @extract").to_dict("records")
    return {str(key): value for key, value in row.items() if value and key != "extract"}


def bytes_of(place: Path) -> dict[str, bytes]:
    files = (file for file in (place / "results").rglob("*") if file.is_file() and file.parent.name != "logs")
    return {file.as_posix(): file.read_bytes() for file in files}


def changed() -> Delivery:
    """The good delivery with two levels changed, three completed levels more, and a person less in education."""
    delivery = good()
    gone = delivery.column("education", "person_id")[-1]
    keys = delivery.column("education", "person_id")
    delivery.tables["education"] = delivery.tables["education"].filter([key != gone for key in keys])
    levels = delivery.column("education", "level")
    put("education", [0], level=(levels[0] + 1) % 9)(delivery)
    put("education", [1], level=(levels[1] + 2) % 9)(delivery)
    delivery.repeat("education", [2, 2, 3], level=8)
    return delivery


def test_a_fingerprint_holds_checksum_rows_and_schema_of_each_file(tmp_path: Path) -> None:
    delivery = good()
    in_files()(delivery)
    used(delivery, tmp_path)
    found = review(tmp_path, "fingerprint")
    assert tuple(found.columns) == FINGERPRINT_COLUMNS
    files = found[found["file"] != "all"].set_index("file")
    assert set(files.index) == {"employment/part0.parquet", "employment/part1.parquet", "employment/part2.parquet"} | {
        f"{name}.parquet" for name in delivery.tables
    }
    for name, row in files.iterrows():
        content = (tmp_path / "extracts" / str(name)).read_bytes()
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
        assert row["n_bytes"] == str(len(content))
    assert files.loc["trial.parquet", "n_rows"] == "40"
    assert files.loc["trial.parquet", "schema"].startswith(
        "person_id string; centre int64; arm string; randomised_on date32"
    )
    whole = found[found["file"] == "all"].set_index("extract")
    assert whole.loc["employment", "n_rows"] == str(good().tables["employment"].num_rows)
    assert whole.loc["trial", "n_trial_persons"] == "40"


def test_months_are_told_when_three_persons_share_them(tmp_path: Path) -> None:
    used(good(), tmp_path)
    days = zip(good().column("trial", "person_id"), good().column("trial", "randomised_on"), strict=True)
    n_persons = Counter(f"{day:%Y-%m}" for _, day in days)
    shared = sorted(month for month, n in n_persons.items() if n >= 3)
    assert min(n_persons) < shared[0] or max(n_persons) > shared[-1]
    row = review(tmp_path, "fingerprint").query("extract == 'trial' and file == 'all'").iloc[0]
    assert (row["first_month"], row["last_month"]) == (shared[0], shared[-1])


def test_the_first_delivery_is_compared_with_nothing(tmp_path: Path) -> None:
    used(good(), tmp_path)
    found = review(tmp_path, "drift")
    assert tuple(found.columns) == DRIFT_COLUMNS
    assert list(found["extract"]) == list(EXTRACTS)
    assert set(found["status"]) == {"first_delivery"}
    assert (found[list(DRIFT_COLUMNS[2:])] == "").all(axis=None)


def counted(delivery: Delivery) -> Counter[tuple[str, ...]]:
    """Rows of education, as often as they stand in it."""
    return Counter(tuple(map(str, row.values())) for row in delivery.tables["education"].to_pylist())


def test_a_redelivery_is_compared_row_by_row(tmp_path: Path) -> None:
    used(good(), tmp_path)
    before, now = (
        Counter(map(tuple, d.tables["education"].to_pandas().astype(str).to_numpy())) for d in (good(), changed())
    )
    added, removed = now - before, before - now
    gone = {key for key, *_ in before} - {key for key, *_ in now}
    differing = {key for key, *_ in (*added, *removed)} - gone
    assert (len(gone), added.total()) == (1, 5)
    used(changed(), tmp_path)
    assert drift_of(tmp_path, "education") == {
        "status": "changed", "n_files_before": "1", "n_files": "1", "n_files_changed": "1",
        "n_rows_before": str(before.total()), "n_rows": str(now.total()),
        "n_trial_rows_before": str(before.total()), "n_trial_rows": str(now.total()),
        "n_trial_rows_added": "5", "n_trial_rows_removed": str(removed.total()),
        "n_trial_persons_before": str(len({key for key, *_ in before})),
        "n_trial_persons": str(len({key for key, *_ in now})),
        "n_trial_persons_added": "0", "n_trial_persons_removed": "1", "n_trial_persons_changed": str(len(differing)),
    }  # fmt: skip
    assert drift_of(tmp_path, "employment")["status"] == "same"
    assert drift_of(tmp_path, "employment")["n_trial_rows_added"] == "0"
    assert drift_of(tmp_path, "income") == {"status": "not_delivered"}


def test_a_second_run_on_the_same_files_writes_the_same_bytes(tmp_path: Path) -> None:
    used(good(), tmp_path)
    first = bytes_of(tmp_path)
    used(good(), tmp_path)
    assert bytes_of(tmp_path) == first
    used(changed(), tmp_path)
    second = bytes_of(tmp_path)
    assert second != first
    used(changed(), tmp_path)
    assert bytes_of(tmp_path) == second


def test_going_back_to_the_delivery_before_is_the_same_drift_the_other_way(tmp_path: Path) -> None:
    used(good(), tmp_path)
    used(changed(), tmp_path)
    there = drift_of(tmp_path, "education")
    used(good(), tmp_path)
    back = drift_of(tmp_path, "education")
    assert back["n_trial_rows_added"] == there["n_trial_rows_removed"]
    assert back["n_trial_rows_removed"] == there["n_trial_rows_added"]
    assert back["n_trial_persons_added"] == there["n_trial_persons_removed"] == "1"
    assert back["n_trial_persons_changed"] == there["n_trial_persons_changed"]


def test_other_names_of_the_same_files_are_no_drift(tmp_path: Path) -> None:
    delivery = good()
    in_files()(delivery)
    used(delivery, tmp_path)
    drift = (tmp_path / "results/north/review/drift.csv").read_bytes()
    renamed = good()
    in_files()(renamed)
    renamed.files = {name.replace("part", "teil"): table for name, table in renamed.files.items()}
    used(renamed, tmp_path)
    assert (tmp_path / "results/north/review/drift.csv").read_bytes() == drift
    assert "employment/teil1.parquet" in set(review(tmp_path, "fingerprint")["file"])


def test_another_choice_on_the_same_files_is_no_drift(tmp_path: Path) -> None:
    used(good(), tmp_path)
    used(changed(), tmp_path)
    drift = (tmp_path / "results/north/review/drift.csv").read_bytes()
    other = changed()
    configure(checks={"open_end": "warn"}, observed_until="2015-11")(other)
    used(other, tmp_path)
    assert (tmp_path / "results/north/review/drift.csv").read_bytes() == drift


def test_rows_read_under_another_choice_are_not_compared(tmp_path: Path) -> None:
    used(good(), tmp_path)
    other = changed()
    configure(observed_until="2015-11")(other)
    used(other, tmp_path)
    found = drift_of(tmp_path, "education")
    assert found["status"] == "settings_changed"
    assert found["n_rows"] == str(other.tables["education"].num_rows)
    assert "n_trial_rows_added" not in found


def test_extracts_that_come_and_go_and_columns_that_do(tmp_path: Path) -> None:
    first = good()
    first.tables["persons"] = first.tables["persons"].drop_columns(["native_born"])
    used(first, tmp_path)
    second = good()
    without("education")(second)
    used(second, tmp_path)
    assert drift_of(tmp_path, "education")["status"] == "gone"
    persons = drift_of(tmp_path, "persons")
    assert (persons["columns_added"], persons["n_trial_persons_changed"]) == ("native_born", "0")
    used(good(), tmp_path)
    assert drift_of(tmp_path, "education")["status"] == "new"


@pytest.mark.parametrize("layout", ["monthly", "relative_monthly", "weekly_wide"])
def test_a_redelivery_with_the_same_rows_in_other_bytes_has_no_changed_person(layout: str, tmp_path: Path) -> None:
    """In every layout what was stored and what is in memory compare as equal, empty cells and dates too."""
    used(good(layout), tmp_path)
    again = good(layout)
    for extract, table in again.tables.items():
        again.tables[extract] = table.take(list(reversed(range(table.num_rows))))
    used(again, tmp_path)
    for extract in again.tables:
        found = drift_of(tmp_path, extract)
        assert found["status"] == "changed"
        assert {found[f"n_trial_{key}"] for key in ("rows_added", "rows_removed", "persons_changed")} == {"0"}


# --- what is told


def with_canaries(delivery: Delivery) -> Delivery:
    for extract in delivery.tables:
        delivery.map(extract, "person_id", lambda key: f"{CANARY}{key}")
    return delivery


def test_the_run_tells_of_another_delivery_in_counts_only(tmp_path: Path, capfd) -> None:
    used(with_canaries(good()), tmp_path)
    delivery = with_canaries(changed())
    configure(estimation={"variances": ["cr1"]}, randomisation={"draws": 99})(delivery)
    file = delivery.write(tmp_path)
    capfd.readouterr()
    run(file, tmp_path / "results")
    _, err = capfd.readouterr()
    assert "north, check: this delivery is not the one that was used last (review/drift.csv).\n" in err
    assert "of the trial's 5 added and " in err
    assert not any(canary in err for canary in CANARIES)
    assert_nowhere(tmp_path / "results", "/person/")
    assert cli.main(["check", str(file), "--results", str(tmp_path / "results")]) == 0
    assert "north: the same delivery as the one that was used last.\n" in capfd.readouterr().out


def test_the_command_compares_with_the_results_and_leaves_them(tmp_path: Path, capsys) -> None:
    used(good(), tmp_path)
    before = bytes_of(tmp_path)
    options = ["check", str(tmp_path / "north.yaml"), "--results", str(tmp_path / "results")]
    assert cli.main(options) == 0
    assert "north: the same delivery as the one that was used last.\n" in capsys.readouterr().out
    changed().write(tmp_path)
    assert cli.main(options) == 0
    out, err = capsys.readouterr()
    assert "north, check: education: " in out
    assert "of the trial's 5 added and " in out
    assert "north, checksums: 6 of 6 files" in err
    assert bytes_of(tmp_path) == before
