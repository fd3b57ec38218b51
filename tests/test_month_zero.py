"""Month 0 begins with the day of randomisation; in layouts by month eligibility is judged by the month before."""

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from ipseval.pipeline import measure
from ipseval.settings import for_stage, read_cohort

DAY = dt.date(2012, 3, 20)
TRIAL = {"centre": "A", "randomised_on": DAY, "age": 40.0, "female": 1.0}
ARMS = {"a": "ips", "b": "control", "c": "ips", "d": "control", "e": "ips", "f": "control"}


def spell(person: str, start: dt.date, end: dt.date | None, employer: str = "E") -> dict[str, Any]:
    return {"person_id": person, "employer_id": employer, "start_on": start, "end_on": end, "weekly_hours": 20.0}


def made(folder: Path, rows: list[dict[str, Any]], **config: Any) -> dict[str, Any]:
    """The stages up to the panel for six persons and these rows of employment."""
    trial = pd.DataFrame([{"person_id": p, "arm": arm, **TRIAL} for p, arm in ARMS.items()])
    (folder / "extracts").mkdir()
    for name, frame in {"trial": trial, "employment": pd.DataFrame(rows)}.items():
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), folder / "extracts" / f"{name}.parquet")
    content: dict[str, Any] = {
        "extracts": "extracts",
        "arms": {"reference": "control", "treatments": ["ips"]},
        "centres": {"A": "A"},
        "observed_from": "2011-01",
        "observed_until": "2013-12",
        "window": {"before": 1, "after": 2},
        "follow": {"months": [2]},
        "bound": {"months": [2]},
        "receipt": {"split_month": 1},
        "outcome": {"exclude_wage_subsidy": False, **config.pop("outcome", {})},
        **config,
    }
    (folder / "small.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    stages = measure(read_cohort(folder / "small.yaml"))
    panel = stages["panel"]["panel"].query("outcome == 'ordinary_employment'").set_index("person_id")
    return {"month_0": panel["month_0"], "month_-1": panel["month_-1"], **stages["cohort"]}


ENDED, ON_THE_DAY, LATER = dt.date(2012, 3, 19), DAY, dt.date(2012, 3, 28)
START = dt.date(2012, 3, 1)


@pytest.mark.parametrize(
    ("rule", "expected"), [("any_day", [0, 1, 1, 0, 1, 0]), ({"min_days": 18}, [0, 1, 0, 0, 1, 0])]
)
def test_a_job_that_was_over_before_the_day_is_no_outcome(rule: Any, expected: list[int], tmp_path: Path) -> None:
    """Ended the day before; on the day; a new job after it; nothing; one that went on without a gap; long ago."""
    rows = [
        spell("a", START, ENDED),
        spell("b", START, ON_THE_DAY),
        spell("c", START, ENDED), spell("c", LATER, None, "F"),
        spell("e", START, ENDED), spell("e", DAY, LATER),
        spell("f", dt.date(2011, 5, 1), dt.date(2012, 2, 1)),
    ]  # fmt: skip
    eligible = {"not_employed_at_randomisation": False}
    found = made(tmp_path, rows, outcome={"month_rule": rule}, eligibility=eligible)
    assert found["month_0"].tolist() == expected
    assert found["month_-1"].tolist() == [0, 0, 0, 0, 0, 1 if rule == "any_day" else 0]


def monthly(person: str, month: int) -> dict[str, Any]:
    return {"person_id": person, "employer_id": "E", "year_month": month, "employed": 1, "weekly_hours": 20.0}


def test_who_finds_work_in_the_month_is_kept_in_a_layout_by_month(tmp_path: Path) -> None:
    rows = [monthly("a", 201203), monthly("c", 201203), monthly("b", 201202), monthly("d", 201204)]
    found = made(tmp_path, rows, layouts={"employment": {"layout": "monthly"}})
    people = found["people"].set_index("person_id")["is_analysed"]
    assert people.to_dict() == {"a": True, "b": False, "c": True, "d": True, "e": True, "f": True}
    step = found["flow"].query("step == 'employed_at_randomisation' and centre == 'all'").set_index("arm")
    assert step["n_not_known"].to_dict() == {"control": 0, "ips": 2, "all": 2}
    assert step["n_excluded"].to_dict() == {"control": 1, "ips": 0, "all": 1}
    assert "in the month before randomisation" in step["reason"].iloc[0]
    assert "2 persons are kept whose job may have begun" in step["reason"].iloc[0]
    assert step["reason"].iloc[0].endswith("control 0, ips 2")


def test_a_month_before_that_was_not_delivered_is_not_known(tmp_path: Path) -> None:
    rows = [{"person_id": p, "month": k, "employed": int(p == "a")} for p in "abcdef" for k in range(3)]
    rows += [{"person_id": "b", "month": -1, "employed": 1}, {"person_id": "d", "month": -1, "employed": 0}]
    layout = {"employment": {"layout": "relative_monthly"}}
    found = made(tmp_path, rows, layouts=layout, window={"before": 1, "after": 2})
    assert not found["people"].set_index("person_id")["is_analysed"]["b"]
    step = found["flow"].query("step == 'employed_at_randomisation' and centre == 'all'").set_index("arm")
    assert step["n_not_known"].to_dict() == {"control": 1, "ips": 3, "all": 4}
    assert "4 persons whose employment then is not known are kept: control 1, ips 3" in step["reason"].iloc[0]


def test_the_stage_reads_the_layout_that_eligibility_depends_on() -> None:
    """Snakemake gives a stage the settings that it names: the default layout in its place would be one of days."""
    settings = {"name": "north", "layouts": {"employment": {"layout": "monthly"}}}
    assert for_stage(settings, "cohort")["layouts"] == settings["layouts"]
