"""`ipseval dummy`: a delivery in a cohort file's own form, which the check and the tables take like any other."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from deliveries import outcome
from ipseval import cli, pipeline
from ipseval.dummy.draw import draw
from ipseval.dummy.layouts import BACKWARDS
from ipseval.registers.layouts import LAYOUTS
from ipseval.settings import presets, read_cohort

BASE: dict[str, Any] = {
    "extracts": "delivery", "observed_from": "2012-01", "observed_until": "2016-12",
    "arms": {"reference": "K", "treatments": ["T", "U"]}, "centres": {"A": "Alta", "7": "Bodø"},
    "window": {"before": 6, "after": 12}, "randomisation": {"draws": 99},
}  # fmt: skip
KEY = {"person_id": "w19_0634_lnr"}
# What a cohort file may say; together every layout and every register.
FORMS: dict[str, dict[str, Any]] = {
    "our own names": {"covariates": ["severe", {"region": "category"}], "analyses": {
        "north": {"subgroup": {"covariate": "region", "levels": ["N"]}, "months": "follow_up"}}},
    "Norway": {
        "layouts": {"employment": [{"layout": "aa_register"}, {"layout": "a_ordningen"}],
                    "persons": {"layout": "faste_oppl"}, "education": {"layout": "bu"},
                    "benefits": {"layout": "fd_trygd", "constants": {"benefit": "aap"}}},
        "columns": {"trial": {"person_id": "lopenr", "arm": "gruppe"}, "education": KEY, "benefits": KEY},
        "values": {"trial": {"arm": {"1": "T", "2": "U", "0": "K"}}}, "checks": {"key_blanks": "stop"},
        "exclusions": {"wage_subsidy": {"measure": ["praksis"]}, "trial": {"arm": ["pilot"]}},
        "files": {"trial": "../person/liste.parquet", "wage_subsidy": "tiltak_*.parquet"},
        "dates": {"trial": {"randomised_on": "DD-MM-YYYY"}},
    },
    "Denmark": {
        "layouts": {"employment": {"layout": "bfl"}, "benefits": {"layout": "dream"}},
        "columns": {"employment": {"kind": "TYPE"}}, "outcomes": {"work": ["ordinary", "studies", "flex"]},
        "states": {"studies": {"benefits": ["dream:education"]}, "flex": {"employment": ["flex"]}},
        "numbers": {"income": {"wage_income": {"decimal": ",", "thousands": "."}}},
        "receipt": {"services": {"T": ["IPS", "IPS light"], "U": ["IPSE"]}},
    },
    "months and weeks": {
        "layouts": {"employment": {"layout": "monthly"}, "wage_subsidy": {"layout": "relative_monthly"},
                    "persons": {"layout": "persons_by_month"}, "education": {"layout": "nus2000"},
                    "benefits": {"layout": "weekly_wide", "received": ["*"]},
                    "services": {"layout": "spells_in_period", "period": "month"}},
        "files": {"employment": "jobs/jobb_*_*.parquet"}, "zone": "Europe/Oslo",
        "dates": {"trial": {"randomised_on": "days_since_1960"}, "health_contacts": {"date": {"zone": "Europe/Oslo"}},
                  "services": {"start_on": "DDMONYYYY", "end_on": "D.M.YY"}},
    },
    "spells of RAS, states of DREAM": {
        "layouts": {"employment": {"layout": "ras"}, "benefits": {"layout": "dream"},
                    "wage_subsidy": {"layout": "dream_states", "received": ["771"], "not_received": ["*"]}},
        "observed_from": "2014-01",
    },
}  # fmt: skip


def written(folder: Path, form: str, **more: Any) -> Path:
    file = folder / "north.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump({**BASE, **FORMS[form], **more}, sort_keys=False), encoding="utf-8")
    return file


def test_every_layout_is_drawn_and_every_register_tried() -> None:
    assert set(BACKWARDS) == set(LAYOUTS)
    said = [spec for form in FORMS.values() for spec in form.get("layouts", {}).values()]
    tried = {own["layout"] for spec in said for own in (spec if isinstance(spec, list) else [spec])}
    assert {*LAYOUTS, *presets()} - tried == {"spells", "spells_by_month"}  # by the panel below, and by fd_trygd


@pytest.mark.parametrize("form", [form for form in FORMS if form != "Denmark"])
def test_a_dummy_has_the_form_of_its_cohort_file_and_passes_the_check(form: str, tmp_path: Path, capsys) -> None:
    file = written(tmp_path, form)
    assert cli.main(["dummy", str(file), "--persons", "12"]) == 0
    assert "nobody in them exists" in capsys.readouterr().out
    assert cli.main(["check", str(file)]) == 0
    out = capsys.readouterr().out
    if form == "Norway":
        assert {p.name for p in (tmp_path / "delivery").glob("atmlto*")} == {
            f"atmlto{y}.parquet" for y in (2012, 2013, 2014)
        }
        assert len(list((tmp_path / "delivery").glob("ameld_statdata_*.parquet"))) == 24
        trial = pq.read_table(tmp_path / "person" / "liste.parquet").to_pandas()
        assert (
            set(trial["gruppe"]) == {"0", "1", "2", "pilot"}
            and trial["randomised_on"].str.fullmatch(r"\d\d-\d\d-\d{4}").all()
        )
        assert "blanks around a person's key" not in out  # the cohort stops at them
    if form == "our own names":
        assert "far in the future" in out and "blanks around a person's key" in out and "no person_id" in out


def test_a_dummy_goes_to_tables(tmp_path: Path, capsys) -> None:
    file = written(tmp_path, "Denmark", disclosure={"profile": "none"})
    assert cli.main(["dummy", str(file), "--persons", "30", "--out", str(tmp_path / "try")]) == 0
    copy = tmp_path / "north-dummy.yaml"
    content = yaml.safe_load(copy.read_text(encoding="utf-8"))
    assert content["extracts"] == "try" and "do not exist" in content["remark"]
    assert "IPS light" in set(pq.read_table(tmp_path / "try" / "services.parquet")["service"].to_pylist())
    made = pipeline.compute(read_cohort(copy))
    effects = made["estimate"]["effects"]
    assert set(effects["arm"].dropna()) >= {"T", "U"}
    assert "estimated" in set(effects.loc[effects["analysis"] == "pooled_unadjusted", "status"])
    assert "do not exist" in made["present"]["report"]


def test_the_same_persons_in_another_form_have_the_same_panel(tmp_path: Path) -> None:
    names = {"employer_id": "CVRNR", "kind": "TYPE"}
    bfl = {"layouts": {"employment": {"layout": "bfl"}}, "columns": {"employment": names}}
    panels = []
    for folder, more in (("plain", {}), ("bfl", bfl)):
        file = written(tmp_path / folder, "our own names", **more)
        assert cli.main(["dummy", str(file), "--persons", "12", "--plain"]) == 0
        panels.append(outcome(file).panel)
    pd.testing.assert_frame_equal(*panels)
    assert {0, 1} <= set(panels[0].filter(like="month_").to_numpy().ravel())


def test_equal_seeds_give_equal_files_and_another_seed_others(tmp_path: Path) -> None:
    cohort = read_cohort(written(tmp_path, "Denmark"))
    one, again, other = (draw(cohort, 6, seed, True) for seed in (1, 1, 2))
    assert list(one) == list(again) == list(other)
    assert all(one[name].equals(again[name]) for name in one)
    assert not one["trial.parquet"].equals(other["trial.parquet"])


@pytest.mark.parametrize(
    ("there", "options", "says"),
    [
        ("delivery/old/jobs.parquet", [], "holds a delivery already, which is not written over."),
        ("person/liste.parquet", [], "liste.parquet: is there already. Remove it, or choose --out."),
        ("north-dummy.yaml", ["--out", "elsewhere"], "is there already. Remove it: it is the cohort file of a dummy."),
    ],
)
def test_nothing_is_written_over(
    there: str, options: list[str], says: str, tmp_path: Path, capsys, monkeypatch
) -> None:
    file = written(tmp_path, "Norway")
    monkeypatch.chdir(tmp_path)
    (tmp_path / there).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / there).write_bytes(b"PAR1 whatever was delivered")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SystemExit) as stopped:
        cli.main(["dummy", str(file), "--persons", "8", *options])
    assert stopped.value.code == 1 and says in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / there).read_bytes() == b"PAR1 whatever was delivered"
