#!/usr/bin/env bash
# ssb-vaskify 0.0.6, Statistics Norway's functions for data editing, ignores the strata of its quartile control.
#
# `Detect.quartile_error(strata_var=...)` documents a variable "defining strata within which quartiles are
# calculated". The limits are computed from all rows; the strata only enter a ratio that no flag uses. Nine persons in
# part-time work are paid 10 to 18 and one 60; the limit within part-time is 23.5 and flags the 60. The package
# compares everybody with 177, a limit set by those in full-time work, flags nobody in part-time and says nothing
# about the strata.
#
# For a trial on registers: a wage that is wrong by a factor of four passes wherever the group it belongs to is the
# smaller or the poorer one, which is where participants of such trials are.
#
# What we do: no value is judged by other persons' values. Those that cannot be are counted and named by the check.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for python in python3 python3.14 python3.13 python3.12 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python3; do
  if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then break; fi
done # the package needs Python 3.12
"$python" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  'ssb-vaskify==0.0.6' 'pandas==3.1.1' 'numpy==2.5.5'
cd "$work"
venv/bin/python - <<'PY'
from importlib.metadata import version

import pandas as pd
from vaskify import Detect

pay = {"full": [*range(100, 109), 200], "part": [*range(10, 19), 60]}
rows = [(sector, float(value)) for sector, values in pay.items() for value in values]
persons = pd.DataFrame(rows, columns=["sector", "pay"]).assign(id=[str(row) for row in range(20)])


def flagged(data, **strata):
    found = Detect(data.reset_index(drop=True), "id").quartile_error(x_var="pay", **strata)
    return found.loc[found["flag_quartile"] == 1, "pay"].tolist(), round(float(found["upper_limit"].iloc[-1]), 6)


alone = {sector: flagged(group.copy()) for sector, group in persons.groupby("sector")}
seen, limit = flagged(persons.copy(), strata_var="sector")
print("ssb-vaskify", version("ssb-vaskify"))
print("expected:", {sector: found[0] for sector, found in alone.items()}, "as each sector alone gives")
print("seen:    ", seen, "with one limit of", limit)
assert alone == {"full": ([200.0], 113.5), "part": ([60.0], 23.5)}
assert (seen, limit) == ([200.0], 177.0)
PY
