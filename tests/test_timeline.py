"""The time line: months after an event counted by hand and once more by other code; what cannot be is refused."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml

from ipseval.config import Cohort
from ipseval.errors import UserError
from ipseval.places.timeline import months_after, read_timeline, timeline_tables
from ipseval.recomputed.places import expected_exposure
from ipseval.settings import read_cohort

HEAD = "centre,event,date,team,value,source\n"


def cohort_of(folder: Path, rows: str, **window: int) -> Cohort:
    (folder / "events.csv").write_text(HEAD + rows, encoding="utf-8")
    content = {
        "extracts": "x",
        "arms": {"reference": "control", "treatments": ["ips"]},
        "centres": {1: "København", 2: "Frederiksberg"},
        "timeline": "events.csv",
        "window": window or {"before": 1, "after": 3},
    }
    (folder / "cohort.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return read_cohort(folder / "cohort.yaml")


def people_of(*rows: tuple[str, str, str]) -> pd.DataFrame:
    people = pd.DataFrame(rows, columns=["centre", "arm", "randomised_on"])
    return people.assign(randomised_on=pd.to_datetime(people["randomised_on"]))


@pytest.mark.parametrize(
    ("on", "month"),
    [
        ("2015-02-15", "2015-03"),
        ("2015-02-01", "2015-02"),
        ("2015-02", "2015-03"),
        ("2015", "2016-01"),
        ("2015-12-31", "2016-01"),
    ],
)
def test_the_first_month_after_an_event(on: str, month: str) -> None:
    assert str(np.datetime64("1970-01", "M") + months_after(on)[0]) == month


def test_months_after_an_event_by_hand(tmp_path: Path) -> None:
    """Months 0 to 3 are 2015-01..04 of the first person, and 2014-10..2015-01 of the second, without the last."""
    cohort = cohort_of(tmp_path, "1,team_change,2015-02-15,2,,\n1,closed,2014,,,\n1,inclusion_stop,2012,,,\n")
    people = people_of(("1", "ips", "2015-01-20"), ("1", "ips", "2014-10-02"), ("2", "ips", "2015-01-01"))
    states = np.array([[0, 0, 1, 1, 0], [0, 0, 0, 0, -1], [0, 0, 0, 0, 0]], np.int8)
    tables = timeline_tables(cohort, people, states)
    found = tables["exposure"].set_index(["event", "arm"])
    numbers = ["n_persons", "n_person_months", "n_months_after", "n_persons_after", "n_persons_before"]
    assert found.loc[("team_change", "ips"), numbers].tolist() == [2, 7, 2, 1, 2]  # March and April of the first
    assert found.loc[("team_change", "ips"), "share_after"] == pytest.approx(2 / 7)
    closed = found.loc[("closed", "ips")]
    assert closed["status"] == "known_to_the_year" and np.isnan(
        closed["share_after"]
    )  # three months of 2014 are followed
    assert found.loc[("inclusion_stop", "ips"), "share_after"] == 1  # whenever in 2012 it was
    assert found.loc[("team_change", "control"), ["n_persons", "n_person_months"]].tolist() == [0, 0]
    assert tables["timeline"][["centre", "event", "on"]].to_numpy().tolist() == [
        ["1", "inclusion_stop", "2012"], ["1", "closed", "2014"], ["1", "team_change", "2015-02-15"],
    ]  # fmt: skip
    assert tables["timeline"]["team"].tolist()[-1] == "2"


def test_other_code_counts_the_same(tmp_path: Path) -> None:
    rows = "1,a,2014-03-01,,,\n1,b,2014-08,,,\n1,c,2014,,,\n2,d,2015-01-17,,,\n2,e,2019,,,\n"
    cohort, rng = cohort_of(tmp_path, rows, before=2, after=9), np.random.default_rng(1)
    days = pd.Timestamp("2013-06-01") + pd.to_timedelta(rng.integers(0, 600, 60), unit="D")
    people = pd.DataFrame({"centre": rng.choice(["1", "2"], 60), "arm": rng.choice(["control", "ips"], 60)})
    people = people.assign(randomised_on=days)
    states = rng.choice([-1, 0, 1], (60, 12)).astype(np.int8)

    def here(centre: str, arm: str) -> np.ndarray:
        return ((people["centre"] == centre) & (people["arm"] == arm)).to_numpy()

    study = SimpleNamespace(cohort=cohort, people=people, primary=states, here=here)
    ours, theirs = timeline_tables(cohort, people, states)["exposure"], expected_exposure(study)
    assert len(ours) == 10 and set(ours["status"]) == {"counted", "known_to_the_year"}
    pd.testing.assert_frame_equal(ours, theirs[list(ours)], check_dtype=False)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("3,start,2012-10,,,\n", "centre is '3', which is no centre."),
        ("1,,2012-10,,,\n", "event is empty."),
        ("1,start,10-2012,,,\n", "date is '10-2012'. Write YYYY-MM-DD, YYYY-MM or YYYY."),
        ("1,start,,,,\n", "date is ''."),
        ("1,start,2012,Odense,,\n", "team is 'Odense', which is no centre."),
        ("1,start,2012,,,\nKøbenhavn,start,2012,,,\n", "line 3: start of centre 1 stands twice."),
    ],
)
def test_what_cannot_be_is_refused(rows: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as raised:
        cohort_of(tmp_path, rows)
    assert says in str(raised.value)


def test_the_published_events_are_read(tmp_path: Path) -> None:
    """Bonfils 2019: dates as precise as the source; the team of København served Frederiksberg until June 2015."""
    rows = (
        "København,start,2012-10,,,Bonfils\nKøbenhavn,inclusion_stop,2016-02,,,Bonfils\n"
        "Frederiksberg,start,2013-03,København,,Bonfils\nFrederiksberg,team_change,2015-06,Frederiksberg,,Bonfils\n"
        "Frederiksberg,inclusion_stop,2015,,,Bonfils\n"
    )
    cohort = cohort_of(
        tmp_path, rows.replace("Frederiksberg,inclusion_stop,2015,,", "Frederiksberg,follow_up_end,2016,,")
    )
    events = read_timeline(tmp_path / "events.csv", cohort.centres)
    assert [(e.centre, e.event, e.on, e.team) for e in events] == [
        ("1", "start", "2012-10", ""), ("1", "inclusion_stop", "2016-02", ""),
        ("2", "start", "2013-03", "1"), ("2", "team_change", "2015-06", "2"), ("2", "follow_up_end", "2016", ""),
    ]  # fmt: skip
