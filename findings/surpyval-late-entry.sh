#!/usr/bin/env bash
# surpyval 0.10.10 counts who enters in a month as at risk of that month's events; R, lifelines and scikit-survival do
# not.
#
# With late entry (`tl`) a person is at risk from the time after entry: an event at month 1 cannot happen to somebody
# who entered at month 1. Three persons are there from 0, one of them has the event at 1, three more enter at 1. The
# share without the event after 1 is 2/3 by lifelines (and R's survival and scikit-survival), 5/6 by surpyval, which
# counts six at risk. In continuous time nobody enters at the very time of an event and all four agree, as in the
# manuals' examples; in months it is the rule.
#
# For a trial on registers: persons enter when they move to a register's area or turn 18, in months. The risk of
# leaving work is too small in every month with entries, and by more in the arm with more of them.
#
# What we do: risk sets are counted as a slow count of persons does (`test_waits_and_risk_sets_are_a_slow_count` in
# tests/test_survival.py), and curves are R's.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  'surpyval==0.10.10' 'lifelines==0.30.3' 'pandas==2.3.3' 'numpy==2.4.6' 'scipy==1.17.1'
cd "$work"
MPLBACKEND=Agg venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import lifelines
import numpy as np
import surpyval

entry = np.array([0.0, 0, 0, 1, 1, 1])
month = np.array([1.0, 2, 2, 2, 2, 2])
event = np.array([1, 0, 0, 0, 0, 0])
fitted = lifelines.KaplanMeierFitter().fit(month, event, entry=entry)
expected = float(fitted.survival_function_.loc[1].iloc[0])
model = surpyval.KaplanMeier.fit(x=month, c=1 - event, tl=entry)
seen = float(model.R[model.x == 1][0])
print("surpyval", version("surpyval"))
print("expected:", round(expected, 4), "as lifelines", lifelines.__version__, "has it, by hand 2/3")
print("seen:    ", round(seen, 4))
assert abs(expected - 2 / 3) < 1e-12
assert abs(seen - 5 / 6) < 1e-12
PY
