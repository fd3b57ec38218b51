#!/usr/bin/env bash
# kaplanmeier 0.2.0 draws a band of 5 per cent where it is asked for one of 95.
#
# `kaplanmeier.plot(..., cii_alpha=0.05)`, the default, documents `cii_alpha` as the confidence interval and hands 1 -
# cii_alpha = 0.95 to lifelines, whose `alpha` is the share left out. The band in the figure covers the truth one time
# in twenty. It looks like a very large study: around a share of 0.675 of 20 persons it reaches from 0.668 to 0.682,
# where 95 per cent is 0.413 to 0.840. (The way to draw without lifelines, `methodtype="custom"`, has another fault:
# persons censored in the month of an event leave the risk set before it.)
#
# For a trial on registers: two arms whose bands do not touch, in a figure that was never checked against a number.
#
# What we do: curves and bands are compared with R's survival (`test_curve_is_that_of_r` in tests/test_survival.py).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  'kaplanmeier==0.2.0' 'lifelines==0.30.3' 'matplotlib==3.11.2' 'pandas==2.3.3' 'numpy==2.4.6' 'scipy==1.17.1'
cd "$work"
MPLBACKEND=Agg venv/bin/python - <<'PY'
import warnings
from importlib.metadata import version

import kaplanmeier
import numpy as np
from lifelines import KaplanMeierFitter
from matplotlib.collections import PolyCollection

warnings.simplefilter("ignore")
time = np.tile(np.arange(1.0, 11.0), 4)
event = np.tile([1, 0, 1, 1, 0, 1, 1, 0, 1, 1], 4)
arm = np.repeat(["a", "b"], 20)
figure, _ = kaplanmeier.plot(kaplanmeier.fit(time, event, arm, verbose=0), visible=False, cii_alpha=0.05)
bands = [part for part in figure.axes[0].collections if isinstance(part, PolyCollection)]
corners = bands[0].get_paths()[0].vertices
seen = sorted({round(float(y), 3) for x, y in corners if x == 4} & {round(float(y), 3) for x, y in corners if x == 5})
fitted = KaplanMeierFitter().fit(time[:20], event[:20], alpha=0.05)
expected = [round(float(limit), 3) for limit in fitted.confidence_interval_.loc[4]]
print("kaplanmeier", version("kaplanmeier"), "after month 4, at a share of", round(float(fitted.predict(4)), 3))
print("expected:", expected)
print("seen:    ", seen)
assert expected == [0.413, 0.840]
assert seen == [0.668, 0.682]
PY
