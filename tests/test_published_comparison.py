"""The default cohort has the published tables, and notices when it loses them."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from ipseval.errors import UserError
from ipseval.pipeline import run
from ipseval.published_comparison import Number, published_comparison
from ipseval.settings import ROOT

COHORT = ROOT / "config" / "cohorts" / "norway-six-centre.yaml"


def copied(folder: Path) -> Path:
    """The default cohort with its extracts in a folder of its own."""
    settings = yaml.safe_load(COHORT.read_text(encoding="utf-8"))
    shutil.copytree(COHORT.parent / settings["extracts"], folder / "extracts")
    settings |= {"extracts": "extracts", "disclosure": {"profile": "none"}}  # nothing here is about what leaves
    settings |= {"randomisation": {"draws": 99}, "bound": {"draws": 99}}  # which nothing published rests on
    settings |= {key: str((COHORT.parent / settings[key]).resolve()) for key in ("published", "organisation")}
    file = folder / "norway-six-centre.yaml"
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def compared(default_results: Path) -> pd.DataFrame:
    return pd.read_csv(default_results / "review" / "published_comparison.csv")


def test_every_published_number_agrees(compared: pd.DataFrame) -> None:
    assert compared.loc[~compared["agrees"], "term"].tolist() == []


def test_every_printed_number_is_compared(compared: pd.DataFrame) -> None:
    sizes = compared.groupby("table").size().to_dict()
    table5 = 42 + 3 + 2 * 3  # coefficients, constants, person-months and persons of three models
    assert sizes == {"table 3": 7 * 3, "table 4": 7 * 4 + 6, "table 5": table5, "pooled": 1, "appendix B": 2 * 16}


def test_one_spell_less_breaks_the_agreement(tmp_path: Path) -> None:
    cohort = copied(tmp_path)
    file = tmp_path / "extracts" / "employment.parquet"
    spells, trial = pd.read_parquet(file), pd.read_parquet(tmp_path / "extracts" / "trial.parquet")
    days = spells.merge(trial, on="person_id").set_index(spells.index)
    after = days["start_on"] > days["randomised_on"]
    longest = (pd.to_datetime(days["end_on"]).fillna(pd.Timestamp("2018-12-31")) - pd.to_datetime(days["start_on"]))[
        after
    ]
    spells.drop(longest.idxmax()).to_parquet(file)
    with pytest.raises(UserError, match="published numbers agree does not hold"):
        run(cohort, tmp_path / "results")


@pytest.mark.parametrize(
    ("printed", "decimals", "reproduced", "agrees"),
    [
        (0.151, 3, 0.15149, True),
        (0.151, 3, 0.1516, False),
        (0.0, 3, -0.0001, True),
        (48, 0, 48, True),
        (48, 0, 49, False),
    ],
)
def test_agreement_is_to_the_printed_digit(printed: float, decimals: int, reproduced: float, agrees: bool) -> None:
    assert Number("x", printed, decimals, reproduced).agrees is agrees


def test_stars_must_agree_too() -> None:
    assert not Number("x", 0.1, 1, 0.1, stars="*", reproduced_stars="**").agrees


def test_nothing_published_is_an_empty_table() -> None:
    assert published_comparison(None, {})["published_comparison"].empty
