"""Codes that look like words of programs are codes: nothing takes them for missing, for no choice or for a number."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from deliveries import Delivery, good
from ipseval import store
from ipseval.errors import UserError
from ipseval.pipeline import measure
from ipseval.settings import read_cohort

ARMS = {"control": "none", "ips": "NA"}
CENTRES = {1: "nan", 2: "None"}
STRATA = {"a": "null", "b": "NULL"}


def delivery(is_named_so: bool) -> Delivery:
    made = good()
    n = made.tables["trial"].num_rows
    stratum = pa.array([sorted(STRATA)[i // 2 % 2] for i in range(n)])
    made.tables["trial"] = made.tables["trial"].append_column("stratum", stratum)
    made.config["analyses"] = {"mine": {"effect": "overall", "months": "follow_up", "adjust": ["stratum"]}}
    if is_named_so:
        for column, codes in (("arm", ARMS), ("centre", CENTRES), ("stratum", STRATA)):
            made.map("trial", column, codes.get)
        made.config["arms"] = {"reference": "none", "treatments": ["NA"]}
        made.config["centres"] = {"nan": "Centre 1", "None": "Centre 2"}
    return made


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    folders = [tmp_path_factory.mktemp(name) for name in ("plain", "words")]
    return [
        measure(read_cohort(delivery(way).write(folder))) for way, folder in zip((False, True), folders, strict=True)
    ]


@pytest.mark.parametrize(
    ("stage", "name"), [("estimate", "effects"), ("describe", "employment_by_month"), ("cohort", "flow")]
)
def test_numbers_are_those_of_other_names(both: list[dict], stage: str, name: str) -> None:
    plain, words = (store.as_read(made[stage][name]) for made in both)
    names = {"centre": {str(k): v for k, v in CENTRES.items()}, "arm": ARMS, "reference_arm": ARMS}
    for column in [c for c in names if c in plain]:
        plain[column] = plain[column].map(lambda code, own=names[column]: own.get(code, code), na_action="ignore")
    keys = [c for c in plain.columns if c in ("analysis", "step", "centre", "arm", "month", "month_from", "variance")]
    kept = [c for c in plain.columns if c not in ("reason", "note")]
    pd.testing.assert_frame_equal(*(t.sort_values(keys, ignore_index=True)[kept] for t in (plain, words)), rtol=1e-9)


def test_an_empty_code_stops_and_the_word_for_everybody_is_no_code(tmp_path: Path) -> None:
    made = good()
    made.map("trial", "centre", lambda code: {1: "", 2: "all"}[code])
    with pytest.raises(UserError) as refused:
        measure(read_cohort(made.write(tmp_path)))
    told = str(refused.value)
    assert "have no centre. Mend the extract: centre may not be empty." in told
    assert "Codes that several persons have: 'all'." in told
