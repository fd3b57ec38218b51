"""No person's value leaves by a message, a log or a result: values that cannot be mistaken are planted."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from deliveries import Delivery, good
from ipseval.errors import Fault, UserError, reported
from ipseval.pipeline import run
from ipseval.running import faults, stage
from spoiling import (
    Plant,
    as_codes,
    as_number,
    both,
    cast,
    configure,
    day,
    in_files,
    in_one_file,
    put,
    repeat,
    spells,
    without_pages,
    write_bytes,
)

CANARY = "Kanari"
NUMBER = 918273645
CANARIES = (CANARY, CANARY.lower(), str(NUMBER), "918273", "1911-11-11", "19111111", "11.11.1911")


def with_canaries(delivery: Delivery) -> None:
    """Keys and employers that cannot be mistaken for anything else."""
    for extract in [name for name in delivery.tables if "person_id" in delivery.tables[name].column_names]:
        delivery.map(extract, "person_id", lambda key: f"{CANARY}{key}")
    if "employer_id" in delivery.tables["employment"].column_names:
        delivery.map("employment", "employer_id", lambda key: f"{CANARY}{key}")


def texts(extract: str, column: str) -> Plant:
    """A column of text that is none of what was expected, and of which no two persons share one."""
    number = count()
    return lambda d: d.map(extract, column, lambda v: f"{CANARY} {v} {next(number)}")


def numbers(extract: str, column: str) -> Plant:
    """A column of numbers that are none of what was expected."""
    number = count(NUMBER * 1000)
    return lambda d: d.map(extract, column, lambda v: next(number))


PATHS: dict[str, tuple[str, Plant]] = {
    **{
        f"{kind.__name__} in {extract}.{column}": ("spells", kind(extract, column))
        for kind in (texts, numbers)
        for extract, column in (
            ("trial", "randomised_on"),
            ("trial", "arm"),
            ("trial", "centre"),
            ("persons", "sex"),
            ("persons", "birth_date"),
            ("persons", "native_born"),
            ("education", "level"),
            ("employment", "start_on"),
        )
    },
    "texts as hours": ("spells", texts("employment", "weekly_hours")),
    "months": ("monthly", texts("employment", "year_month")),
    "numbers as months": ("monthly", numbers("employment", "year_month")),
    "states": ("relative_monthly", texts("employment", "employed")),
    "relative months": ("relative_monthly", texts("employment", "month")),
    "weeks": ("weekly_wide", texts("employment", "w2")),
    "codes of weeks": (
        "weekly_wide",
        both(
            texts("employment", "w2"), configure(layouts={"employment": {"layout": "weekly_wide", "employed": ["1"]}})
        ),
    ),
    "contradicting rows": ("spells", repeat("trial", [0], randomised_on=day("1911-11-11"))),
    "contradicting births": ("spells", repeat("persons", [0], birth_date=day("1911-11-11"))),
    "randomised late": (
        "spells",
        both(put("trial", [0], randomised_on=day("2018-11-11")), as_number("trial", "randomised_on")),
    ),
    "no day of randomisation": ("spells", put("trial", [0], randomised_on=None)),
    "a day that does not exist": (
        "spells",
        both(as_codes("employment", "start_on", "%d.%m.%Y"), texts("employment", "start_on")),
    ),
    "pages missing": ("spells", write_bytes("employment.parquet", without_pages)),
    "cut off": ("spells", write_bytes("employment.parquet", lambda content: content[:-100])),
    "no Parquet": ("spells", write_bytes("persons.parquet", f"{CANARY},{NUMBER}\n".encode())),
    "types that do not meet": (
        "spells",
        both(in_files(), in_one_file("employment/part1.parquet", cast("start_on", lambda v: [f"{CANARY}{v}"]))),
    ),
    "nobody linked": ("spells", lambda d: d.map("employment", "person_id", lambda key: f"X{key}")),
    "another action": (
        "spells",
        both(
            spells("employment", "P1000", ("1911-11-11", "1911-11-10")), configure(checks={"end_before_start": "stop"})
        ),
    ),
}


@pytest.mark.parametrize("path", PATHS)
def test_a_message_holds_no_value_of_a_person(path: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    layout, plant = PATHS[path]
    delivery = good(layout)
    plant(delivery)
    with_canaries_where_possible(delivery)
    file = delivery.write(tmp_path)
    with pytest.raises(UserError) as refused:
        run(file, tmp_path / "results")
    out, err = capfd.readouterr()
    for canary in CANARIES:
        assert canary not in str(refused.value) + out + err
    assert not (tmp_path / "results").exists()


def with_canaries_where_possible(delivery: Delivery) -> None:
    """Canaries in the tables; a delivery of files keeps its own."""
    if "employment" in delivery.tables and delivery.tables["employment"]["person_id"][0].as_py():
        with_canaries(delivery)


def test_results_outside_person_hold_no_key_and_no_employer(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    delivery = good()
    with_canaries(delivery)
    delivery.tables["trial"] = delivery.tables["trial"].append_column(
        "block", pa.array([f"{CANARY}{i % 4}" for i in range(40)])
    )
    delivery.config["estimation"] = {"variances": ["cr1"]}
    delivery.config["randomisation"] = {"draws": 99}
    run(delivery.write(tmp_path), tmp_path / "results")
    assert_nowhere(tmp_path / "results", "/person/")
    out, err = capfd.readouterr()
    assert not any(canary in out + err for canary in CANARIES)
    assert any(CANARY.encode() in file.read_bytes() for file in (tmp_path / "results").rglob("person/*.parquet"))


def assert_nowhere(folder: Path, but: str = "\0") -> None:
    """No canary in any file of a folder, save those whose path holds ``but``."""
    files = [file for file in folder.rglob("*") if file.is_file() and but not in file.as_posix()]
    assert files
    for file in files:
        content = file.read_bytes()
        assert not any(canary.encode() in content for canary in CANARIES), file


def crash(value: Any) -> None:
    raise ValueError(f"could not convert {value}")


def chained(value: Any) -> None:
    try:
        crash(value)
    except ValueError as error:
        raise KeyError(value) from error


@pytest.mark.parametrize("fails", [crash, chained])
def test_an_error_of_the_program_shows_its_lines_and_no_message(
    fails: Callable[[Any], None], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IPSEVAL_DEBUG", raising=False)
    log = tmp_path / "logs" / "check.log"
    with pytest.raises(SystemExit) as stopped, stage(log):
        fails(f"{CANARY} {NUMBER}")
    assert stopped.value.code == 1
    assert capsys.readouterr() == ("", "")  # the run tells it when everything else was said
    err = faults([tmp_path])
    assert err + "\n" == log.read_text()
    assert not any(canary in err for canary in CANARIES)
    assert f"test_privacy.py:{fails.__code__.co_firstlineno + (1 if fails is crash else 4)} in {fails.__name__}" in err
    assert type_of(fails) in err
    assert "Traceback" not in err


def type_of(fails: Callable[[Any], None]) -> str:
    return "ValueError" if fails is crash else "KeyError"


def test_the_message_is_shown_on_request_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPSEVAL_DEBUG", "1")
    with pytest.raises(SystemExit), stage(tmp_path / "logs" / "check.log"):
        crash(CANARY)
    assert f"ValueError: could not convert {CANARY}" in faults([tmp_path])


def test_a_users_mistake_is_a_paragraph_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), reported():
        raise UserError([Fault("north.yaml", "a is missing.", "Add it."), Fault("south.yaml", "b is no key.")])
    assert capsys.readouterr().err == "north.yaml: a is missing. Add it.\nsouth.yaml: b is no key.\n"


def test_what_goes_well_leaves_an_empty_log(tmp_path: Path) -> None:
    with stage(tmp_path / "logs" / "check.log"):
        pass
    assert (tmp_path / "logs" / "check.log").read_text() == ""
    assert not list((tmp_path / "logs").glob("*.faults"))
