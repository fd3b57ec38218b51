#!/usr/bin/env bash
# pycmprsk 1.0.0 gives the cumulative incidence at a month without the events of that month.
#
# `timepoints` reads a curve at chosen times. A cumulative incidence is continuous from the right: at month 2 it holds
# the events of month 2, as `timepoints` of R's cmprsk, whose port the package is, returns it. The package returns the
# value before the step. Of four persons with an event in months 1, 2, 3 and 4 and nobody censored, half have it by
# month 2; the answer is a quarter. Between two months the answer is right, so whether a number is right depends on
# whether anybody had the event at that very time, which with months is nearly always.
#
# For a trial on registers: work by month 12 is work by month 11, in both arms alike, so that the arms do not show it.
#
# What we do: shares by month are compared with R's and with a slow count of persons (`test_curve_is_that_of_r` and
# `test_waits_and_risk_sets_are_a_slow_count` in tests/test_survival.py).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for python in python3 python3.14 python3.13 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[3-9]*/bin/python3; do
  if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 13))' 2>/dev/null; then break; fi
done # the package needs Python 3.13
"$python" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  'pycmprsk==1.0.0' 'numpy==2.5.5' 'scipy==1.18.1'
cd "$work"
venv/bin/python - <<'PY'
from importlib.metadata import version

import numpy as np
from pycmprsk import cuminc, timepoints

curve = cuminc(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 1, 1, 1]))
at = [1.0, 1.5, 2.0, 2.5, 3.0]
seen = timepoints(curve, at)["est"][0].tolist()
expected = [sum(month <= time for month in (1, 2, 3, 4)) / 4 for time in at]
print("pycmprsk", version("pycmprsk"), "at", at)
print("expected:", expected)
print("seen:    ", seen)
assert expected == [0.25, 0.25, 0.5, 0.5, 0.75]
assert np.allclose(seen, [0, 0.25, 0.25, 0.5, 0.5])
PY
