"""Groups of a register's codes: named in a cohort file, read as the codes themselves."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import yaml

from deliveries import good, outcome
from ipseval.code_groups import members
from ipseval.errors import UserError
from ipseval.settings import ROOT, cohort_settings, groups, read_cohort, read_yaml

WEEKS = [f"Y_{year:02d}{week:02d}" for year in range(12, 16) for week in range(1, 53)]


def with_dream(folder: Path, **said: Any) -> Path:
    """The good trial with DREAM in capitals: every person has one code in all weeks of 2013 and nothing else."""
    delivery = good()
    persons = delivery.column("trial", "person_id")
    codes = ["651", "652", "771", "111", "997", "12345"]  # the last is in no group
    columns = {"PNR": persons} | {
        week: [codes[i % 6] if week.startswith("Y_13") else None for i in range(len(persons))] for week in WEEKS
    }
    delivery.files["dream2015.parquet"] = pa.table({k: pa.array(v, pa.string()) for k, v in columns.items()})
    delivery.config |= {"layouts": {"employment": {"layout": "spells"}, "benefits": {"layout": "dream"}}, **said}
    delivery.config |= {"observed_from": "2012-01", "window": {"before": 6, "after": 12}}
    return delivery.write(folder)


def test_a_state_by_a_group_is_that_of_its_codes_and_no_code_is_typed(tmp_path: Path) -> None:
    states = {"studies": {"benefits": ["dream:education"]}}
    by_group = outcome(with_dream(tmp_path, states=states, outcomes={"either": ["studies"]})).panel
    # By hand: who has 651 or 652 in every week of 2013 studies in its months, as long as alive and in the country.
    trial, persons = (good().tables[name].to_pandas() for name in ("trial", "persons"))
    left = set(persons.loc[persons[["died_on", "emigrated_on"]].notna().any(axis=1), "person_id"])
    own = by_group[by_group["outcome"] == "either"].set_index("person_id")
    n_seen = 0
    for i, person in enumerate(trial["person_id"]):
        zero = pd.Period(trial["randomised_on"][i], "M")
        for k in range(-6, 13) if person not in left else ():
            if (zero + k).year == 2013 and 1 < (zero + k).month < 12:
                assert own.loc[person, f"month_{k}"] == int(i % 6 < 2)
                n_seen += 1
    assert n_seen > 50


def test_not_all_codes_of_a_group_need_occur_but_typed_ones_do(tmp_path: Path) -> None:
    rows = [{"person_id": key, "benefit": "783", "start_on": "2013-01-01", "end_on": None} for key in
            good().column("trial", "person_id")[:9]]  # fmt: skip

    def written(folder: str, codes: list[str]) -> Path:
        delivery = good()
        delivery.tables["benefits"] = pa.Table.from_pylist(rows)
        delivery.config["states"] = {"ill": {"benefits": codes}}
        return delivery.write(tmp_path / folder)

    assert outcome(written("group", ["dream:health_related"])).counts("code_not_found") == (0, 0, set())
    for folder, codes in (("typed", ["dream:health_related", "7831"]), ("none", ["dream:education"])):
        with pytest.raises(UserError, match=r"states\.ill\.benefits"):
            outcome(written(folder, codes))


def test_groups_stand_wherever_codes_do_and_a_code_goes_before_its_group(tmp_path: Path) -> None:
    mapping = {"dream:health_related": "health", "771": "flexible job"}
    layout = {"layout": "weekly_wide", "prefix": "y_", "weeks": "calendar", "received": ["dream:health_related"],
              "not_received": ["*"]}  # fmt: skip
    config = {
        "extracts": ".", "arms": {"reference": "a", "treatments": ["b"]}, "centres": {1: "One"},
        "values": {"benefits": {"benefit": mapping}}, "exclusions": {"benefits": {"benefit": ["dream:outside", "x:y"]}},
        "layouts": {"benefits": layout},
    }  # fmt: skip
    file = tmp_path / "north.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    cohort = read_cohort(file)
    health = [str(c) for c in groups()["dream"]["health_related"]["codes"]]
    expected = {code: "flexible job" if code == "771" else "health" for code in health}
    assert cohort.values["benefits"]["benefit"] == expected
    assert cohort.exclusions["benefits"]["benefit"] == ["997", "998", "999", "x:y"]
    assert cohort.layouts["benefits"]["received"] == health
    config["exclusions"] = {"benefits": {"benefit": ["dream:educatoin"]}}
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    with pytest.raises(
        UserError, match=r"names 'dream:educatoin', which is no group\. Did you mean 'dream:education'\?"
    ):
        cohort_settings(file)


def test_every_group_has_codes_a_meaning_and_a_source() -> None:
    for register, own in read_yaml(ROOT / "config" / "code_groups.yaml").items():
        for name, group in own.items():
            assert set(group) == {"meaning", "codes", "source"}
            codes = members(f"{register}:{name}", groups())
            assert codes and len(set(codes)) == len(codes) and all(len(c) == 3 and c.isdigit() for c in codes)
    assert members("dream:education", groups()) == ["651", "652"]  # as the source has it
    assert members("651", groups()) is None and members(651, groups()) is None
