"""Codes and covariates that a cohort file names and that the delivery does not have: a fault with the nearest."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from deliveries import Delivery, good
from ipseval.check import Checked, examine
from ipseval.check import check as stage_check
from ipseval.clean import clean
from ipseval.cohort import select
from ipseval.config import from_settings
from ipseval.contracts import EXTRACTS
from ipseval.errors import UserError
from ipseval.settings import cohort_settings, for_stage, read_cohort

WARN = {"checks": {"code_not_found": "warn"}}
Plant = Callable[[Delivery], Any]


def coded() -> Delivery:
    """A good delivery with jobs of status 01 (four persons in five) and 02 (the others)."""
    d = good()
    n = d.tables["employment"].num_rows
    status = ["01" if int(key.removeprefix("P")) % 5 else "02" for key in d.column("employment", "person_id")]
    d.tables["employment"] = d.tables["employment"].append_column("status", pa.array(status))
    assert n > 100
    return d


def checked(folder: Path, plant: Plant = lambda d: None, **config: Any) -> Checked:
    """What the check finds when the cohort file says more."""
    d = coded()
    plant(d)
    d.config.update(config)
    return examine(read_cohort(d.write(folder)))


SPELLED = [
    ({"exclusions": {"employment": {"status": ["1"]}}}, "'1' of exclusions.employment.status is the", "01"),
    ({"exclusions": {"trial": {"arm": ["contol"]}}}, "'contol' of exclusions.trial.arm is the arm", "control"),
    ({"values": {"persons": {"sex": {"femal": "female"}}}}, "'femal' of values.persons.sex is the sex", "female"),
    ({"values": {"services": {"service": {"ipss": "x"}}}}, "'ipss' of values.services.service is the service", "ips"),
    ({"states": {"s": {"services": ["ips", "ipss"]}}}, "'ipss' of states.s.services is the service of no row", "ips"),
    ({"receipt": {"services": {"ips": ["isp"]}}}, "'isp' of receipt.services.ips is the service of no row", "ips"),
    (
        {"layouts": {"employment": {"layout": "spells", "exclusions": {"status": ["1"]}}}},
        "'1' of layouts.employment.exclusions.status is the status of no row",
        "01",
    ),
    (
        {"layouts": {"employment": [{"layout": "spells", "values": {"status": {"1": "x", "01": "y"}}}]}},
        "'1' of layouts.employment.values.status is the status of no row",
        "01",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("config", "says", "near"), SPELLED)
def test_a_code_that_no_row_has_is_a_fault_with_the_nearest(
    config: dict[str, Any], says: str, near: str, tmp_path: Path
) -> None:
    (fault,) = checked(tmp_path, **config).faults
    assert fault.what.startswith(says)
    assert fault.remedy.endswith(f"set checks: {{code_not_found: warn}}. Did you mean '{near}'?")


@pytest.mark.parametrize(("config", "says", "near"), SPELLED)
def test_the_cohort_file_may_ask_for_a_warning(config: dict[str, Any], says: str, near: str, tmp_path: Path) -> None:
    found = checked(tmp_path, **config, **WARN)
    assert not found.faults
    assert any(sentence.startswith(says) for _, sentence in found.said)


def test_codes_that_rows_have_are_no_fault_whatever_defaults_and_registers_name(tmp_path: Path) -> None:
    found = checked(
        tmp_path,
        values={"services": {"service": {"ips": "IPS", "*": "none"}}},
        exclusions={"employment": {"status": ["02"]}, "services": {"service": ["IPS"]}},
        layouts={
            "employment": {"layout": "a_ordningen", "files": "employment.parquet", "columns": SAME},
        },
        observed_from="2015-01",
    )
    assert "code_not_found" not in set(found.quality["rule"])


SAME = {name: name for name in ("person_id", "employer_id", "start_on", "end_on", "weekly_hours", "kind", "status")}


def test_a_code_may_stand_in_any_part_of_an_extract(tmp_path: Path) -> None:
    def plant(d: Delivery) -> None:
        parts = d.split("employment", lambda row: row["status"] or "")
        d.files |= {f"{status}.parquet": part for status, part in parts.items()}

    parts = [{"layout": "spells", "files": "01.parquet"}, {"layout": "spells", "files": "02.parquet"}]
    said = {"exclusions": {"employment": {"status": ["02"]}}, "layouts": {"employment": parts}}
    assert not checked(tmp_path / "a", plant, **said).faults
    own = [parts[0] | {"exclusions": {"status": ["02"]}}, parts[1]]
    (fault,) = checked(tmp_path / "b", plant, layouts={"employment": own}).faults
    assert fault.what == "'02' of layouts.employment.exclusions.status is the status of no row of 01.parquet."


def test_a_code_of_others_than_the_trials_persons_is_only_noted(tmp_path: Path) -> None:
    def plant(d: Delivery) -> None:
        d.repeat("employment", [0, 1, 2], person_id="somebody", status="03")

    found = checked(tmp_path, plant, exclusions={"employment": {"status": ["03"]}})
    assert not found.faults
    said = "'03' of exclusions.employment.status is the status of nobody in the trial list (nobody is concerned)."
    assert ("warn", said) in found.said


def test_a_code_that_two_persons_share_is_not_suggested(tmp_path: Path) -> None:
    def plant(d: Delivery) -> None:
        rows = d.column("employment", "person_id")
        first = [rows.index(key) for key in sorted(set(rows))[:2]]
        d.put("employment", first, status="secret")

    (fault,) = checked(tmp_path, plant, exclusions={"employment": {"status": ["secre"]}}).faults
    assert "secret" not in str(fault)
    assert fault.remedy.endswith("It has: 01, 02.")


def test_an_arm_that_nobody_is_in_is_a_fault(tmp_path: Path) -> None:
    arms = {"reference": "control", "treatments": ["ips", "ipse"]}
    (fault,) = checked(tmp_path / "a", arms=arms).faults
    assert fault.what == "1 of 3 arms declared under arms has nobody in trial.parquet."
    assert not checked(tmp_path / "b", arms=arms, checks={"empty_arm": "warn"}).faults


@pytest.mark.parametrize("column", ["person_id", "start_on", "end_on", "weekly_hours"])
def test_a_constant_may_stand_for_a_code_only(column: str, tmp_path: Path) -> None:
    layout = {"layout": "spells", "constants": {column: "2015-01-01"}}
    (fault,) = checked(tmp_path, layouts={"employment": layout}).faults
    assert fault.what == f"constants.employment.{column} names a column that holds no codes."
    assert fault.remedy == "Columns with codes: employer_id, status, kind."


ASKED = {
    "adjust": {"analyses": {"mine": {"months": [0, 3], "adjust": ["wage_income"]}}},
    "subgroup": {"analyses": {"mine": {"months": [0, 3], "subgroup": {"covariate": "wage_income", "below": 3}}}},
    "bound": {"bound": {"covariates": ["age", "wage_income"]}},
    "receipt": {"receipt": {"adjust": ["wage_income"]}},
    "robustness": {"robustness": {"adjustment": {"rich": {"adjust": ["wage_income"]}}}},
}


@pytest.mark.parametrize("place", ASKED)
def test_a_covariate_that_is_asked_for_and_not_delivered_stops_the_run(place: str, tmp_path: Path) -> None:
    (fault,) = checked(tmp_path / "a", **ASKED[place]).faults
    assert fault.what == "'wage_income' is asked for as a covariate, and what was delivered does not give it."
    assert not checked(tmp_path / "b", **ASKED[place], checks={"covariate_not_delivered": "warn"}).faults
    settings = cohort_settings(tmp_path / "a" / "north.yaml")  # stage by stage, as they see the settings
    frames = stage_check(from_settings(for_stage(settings, "check")))
    with pytest.raises(UserError, match="wage_income"):
        select(from_settings(for_stage(settings, "cohort")), clean({name: frames[name] for name in EXTRACTS}))


def test_what_every_cohort_is_asked_for_and_what_an_analysis_requires_may_lack(tmp_path: Path) -> None:
    mine = {"months": [0, 3], "adjust": ["wage_income"], "requires": ["wage_income"]}
    found = checked(tmp_path, analyses={"mine": mine})
    assert not found.faults
    assert "covariate_not_delivered" not in set(found.quality["rule"])
