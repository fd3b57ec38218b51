#!/usr/bin/env bash
# multipy 0.16 lets Holm reject less than Bonferroni.
#
# Holm compares the smallest of m p-values with alpha / m, the next with alpha / (m - 1) and so on: whatever
# Bonferroni rejects, Holm rejects. The function counts from 0 where the formula counts from 1, so the smallest is
# compared with alpha / (m + 1), the next with alpha / m. With p = 0.015, 0.5 and 0.6 at alpha 0.05, Bonferroni
# (0.0167) rejects the first and multipy's Holm (0.0125) does not. `hochberg` counts how many p-values are below their
# lines and rejects as many of the smallest: of (0.03, 0.04, 0.045) all must go, since the largest is below 0.05 / 1;
# one goes, 0.03, which is above its own line.
#
# For a trial on registers: a primary outcome that passes the plainest correction fails the "more powerful" one.
#
# What we do: `test_holm_is_that_of_statsmodels_and_keeps_what_is_missing` in tests/test_randomisation.py.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  'multipy==0.16' 'scipy==1.17.1' 'numpy==2.4.6'
cd "$work"
MPLBACKEND=Agg venv/bin/python - <<'PY'
from importlib.metadata import version

import numpy as np
from multipy.fwer import bonferroni, hochberg, holm_bonferroni

print("multipy", version("multipy"))
p = np.array([0.015, 0.5, 0.6])
holm = (p <= 0.05 / np.array([3, 2, 1])).tolist()  # sorted; the first above its line ends it
seen = holm_bonferroni(p, alpha=0.05).tolist()
print("expected of Holm:", holm, "Bonferroni of the same package:", bonferroni(p, alpha=0.05).tolist())
print("seen of Holm:    ", seen)
assert bonferroni(p, alpha=0.05).tolist() == holm == [True, False, False]
assert seen == [False, False, False]

p = np.array([0.03, 0.04, 0.045])
step_up = [bool(p[2] <= 0.05)] * 3  # sorted; the largest below its line takes all below it along
seen = hochberg(p, alpha=0.05).tolist()
print("expected of Hochberg:", step_up)
print("seen of Hochberg:    ", seen)
assert step_up == [True, True, True]
assert seen == [True, False, False]
PY
