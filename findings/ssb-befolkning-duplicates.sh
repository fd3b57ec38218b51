#!/usr/bin/env bash
# ssb-befolkning-fagfunksjoner 0.4.2, Statistics Norway's functions for population data, finds no doubled open spells.
#
# `dublettsjekk(data, variables)` promises a table of the values that occur twice or more and how often. It looks for
# the doubled rows by the variables named, then counts whole rows, and counting leaves out every row with a missing
# value. (1) Two identical rows whose end date is missing, as in every spell that is still open, are not in the answer
# at all: the check of a file with doubles comes back empty. (2) Rows with the same id and different other columns
# come back each with a count of 1, in a table that is said to hold what occurs at least twice.
#
# For a trial on registers: a delivery that was put together twice doubles exactly the spells that matter for the last
# months of follow-up, and the office's own check passes it.
#
# What we do: a person twice is found with missing values counting as equal (`_one_row` in ipseval/check.py), and
# spells of one job that overlap are counted and merged with a missing end as open ("a spell without an end, twice" in
# tests/test_registers.py).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for python in python3 python3.14 python3.13 python3.12 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python3; do
  if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then break; fi
done # the package needs Python 3.12
"$python" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  'pandas==3.1.1' 'numpy==2.5.5' 'tabulate==0.9.0'
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
module = run_path(str(home / "demographics" / "dublettsjekk.py"))
dublettsjekk = module["dublettsjekk"]

closed = [("b", "2015-01-01", "2015-02-28"), ("b", "2015-03-01", "2015-04-30")]
spells = pd.DataFrame([("a", "2015-01-01", None)] * 2 + closed, columns=["id", "start", "end"])
print("ssb-befolkning-fagfunksjoner", version("ssb-befolkning-fagfunksjoner"))
seen = dublettsjekk(spells)
print("expected: the spell of a, twice:", int(spells.duplicated(keep=False).sum()), "rows")
print("seen:    ", len(seen), "values")
assert spells.duplicated(keep=False).tolist() == [True, True, False, False]
assert seen.empty

seen = dublettsjekk(spells, ["id"])
print("expected: a and b, twice each")
print("seen:    ", list(zip(seen["id"], seen["antall"], strict=True)))
assert list(zip(seen["id"], seen["antall"], strict=True)) == [("b", 1), ("b", 1)]
PY
