"""Units that were assigned as a whole are named, and codes that several persons have stand in a message."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from deliveries import good
from ipseval.check import examine
from ipseval.registers.clusters import check
from ipseval.registers.findings import Findings
from ipseval.settings import read_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory):
    return read_cohort(good().write(tmp_path_factory.mktemp("units")))


def trial(units: list[int], arms: list[str], **more: list) -> pd.DataFrame:
    """Persons in units of a size, each with the unit's arm."""
    block = [f"B{u}" for u, size in enumerate(units) for _ in range(size)]
    arm = [a for a, size in zip(arms, units, strict=True) for _ in range(size)]
    return pd.DataFrame(
        {"person_id": [f"P{i}" for i in range(len(arm))], "centre": "1", "arm": arm, "block": block} | more
    )


def named(rows: pd.DataFrame, cohort) -> list[str]:
    found = Findings(cohort)
    check(rows, cohort, found)
    return [sentence for _, sentence in found.said]


def test_units_with_one_arm_each_are_named_where_chance_does_not_explain_it(cohort) -> None:
    (said,) = named(trial([10] * 8, ["ips", "control"] * 4), cohort)
    assert said.startswith("80 persons are in 8 units of block with one arm each: whole units were assigned")
    assert named(trial([1] * 40, ["ips", "control"] * 20), cohort) == []  # of one person each
    assert named(trial([2] * 4, ["ips", "control"] * 2), cohort) == []  # one in sixteen by chance


def test_units_with_both_arms_or_of_other_columns_are_not(cohort) -> None:
    rows = trial([10] * 8, ["ips", "control"] * 4)
    rows.loc[0, "arm"] = "control"
    assert named(rows, cohort) == []
    rows = trial([10] * 8, ["ips"] * 8)
    assert named(rows, cohort) == []  # nobody to compare with
    renamed = trial([10] * 8, ["ips", "control"] * 4).rename(columns={"block": "cluster"})
    assert len(named(renamed, cohort)) == 1
    assert len(named(renamed.assign(block="x"), cohort)) == 1


def test_a_block_number_may_stand_in_two_centres(cohort) -> None:
    rows = trial([10] * 8, ["ips"] * 4 + ["control"] * 4)
    rows = rows.assign(block=[f"B{i // 10 % 4}" for i in range(80)], centre=["1"] * 40 + ["2"] * 40)
    assert len(named(rows, cohort)) == 1


def test_a_cluster_is_read_and_undeclared_codes_of_several_persons_are_told(tmp_path: Path) -> None:
    delivery = good()
    arms = delivery.column("trial", "arm")
    own = pa.array([f"{arm} {i % 3}" for i, arm in enumerate(arms)])
    delivery.tables["trial"] = delivery.tables["trial"].append_column("cluster", own)
    centres = [7 if i < 3 else 9 if i == 3 else c for i, c in enumerate(delivery.column("trial", "centre"))]
    delivery.replace("trial", "centre", centres)
    checked = examine(read_cohort(delivery.write(tmp_path)))
    (fault,) = map(str, checked.faults)
    assert fault.endswith("Add it to centres or to exclusions. Codes that several persons have: '7'.")
    assert [text for _, text in checked.said if "units of cluster with one arm each" in text]
