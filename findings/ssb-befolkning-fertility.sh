#!/usr/bin/env bash
# ssb-befolkning-fagfunksjoner 0.4.2 computes a total fertility that depends on how ages are grouped.
#
# Total fertility is the number of children of a woman who lives through all ages at today's rates: the sum of yearly
# rates over single years of age, and with groups of five years five times the sum of the groups' rates.
# `samlet_fruktbarhet` adds the groups' rates as they are. With 100 births per 1,000 women at each age from 20 to 29
# the answer is 1,000 by single years and 200 in five-year groups. A grouping by county multiplies it by the number of
# counties instead: rates of the same women are added once a county. Groups without a birth have a missing rate, not
# 0.
#
# For a trial on registers: the same mistake waits in every sum of rates over periods: months of follow-up that are
# grouped by quarter need the width of the group in the sum.
#
# What we do: work is counted by person and month and then averaged over persons; no rates of groups are added.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for python in python3 python3.14 python3.13 python3.12 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python3; do
  if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then break; fi
done # the package needs Python 3.12
"$python" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  'pandas==3.1.1' 'numpy==2.5.5'
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check --no-deps 'ssb-befolkning-fagfunksjoner==0.4.2'
cd "$work"
venv/bin/python - <<'PY'
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path

import pandas as pd

# The module by itself: importing the package brings in a hundred others for a cloud that is not there.
home = Path(find_spec("ssb_befolkning_fagfunksjoner").submodule_search_locations[0])
module = run_path(str(home / "demographics" / "birth_rates.py"))
foedselsrate = module["foedselsrate"]
samlet_fruktbarhet = module["samlet_fruktbarhet"]

age = [year for year in range(20, 30) for _ in range(100)]
women = pd.DataFrame({"alder": age, "kjoenn": "2", "fylke": ["03", "46"] * 500})
births = women.groupby("alder").head(10)
ages = {"min_alder": 20, "maks_alder": 29}
seen = {
    "single years": samlet_fruktbarhet(women, women, births, **ages),
    "five years": samlet_fruktbarhet(women, women, births, **ages, aldersgruppering=5),
    "by county": samlet_fruktbarhet(women, women, births, **ages, grupperingsvariabler="fylke"),
}
expected = sum(1000 * 10 / 100 for _ in range(20, 30))
print("ssb-befolkning-fagfunksjoner", version("ssb-befolkning-fagfunksjoner"))
print("expected:", expected, "children of 1,000 women, however ages and places are grouped")
print("seen:    ", {how: round(value, 6) for how, value in seen.items()})
assert round(seen["single years"], 6) == expected == 1000
assert round(seen["five years"], 6) == 200
assert round(seen["by county"], 6) == 2000

of_one = births[births["fylke"] == "03"]
rates = foedselsrate(women, women, of_one, **ages, aldersgruppering=5, grupperingsvariabler="fylke")
without = rates.loc[rates["fylke"] == "46", "foedselsrate"]
print("expected: a rate of 0 in the county without births")
print("seen:    ", without.tolist())
assert without.isna().all() and len(without) == 2
PY
