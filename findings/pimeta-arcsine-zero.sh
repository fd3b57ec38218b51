#!/usr/bin/env bash
# pimeta 1.1.0 adds half a person to every cell for arcsine differences, which metafor, its model, does not.
#
# The package calls itself a faithful port of R's metafor that reproduces it to floating-point tolerance. For the
# difference of arcsines of square roots (measure "AS") metafor leaves a table with an empty cell as it is: that such
# tables need no correction is why the measure is used. pimeta adds 1/2 to all four cells. 0 of 10 against 2 of 10 is
# asin(0) - asin(sqrt(0.2)) = -0.4636 and has the variance 1/40 + 1/40 = 0.05; pimeta gives -0.2821 and 0.0455. Tables
# without an empty cell agree to the last digit, so a comparison on the usual examples finds nothing.
#
# For a trial on registers: rare outcomes by centre. A centre without events is drawn to no effect by two fifths, and
# counts for a person more than it has.
#
# What we do: centres are pooled from differences of shares without a correction for empty cells; the pooled numbers
# are compared with frozen ones of metafor itself (tests/test_heterogeneity.py), not with ports of it.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  'pimeta==1.1.0' 'numpy==2.4.6' 'scipy==1.17.1' 'matplotlib==3.11.2'
cd "$work"
MPLBACKEND=Agg venv/bin/python - <<'PY'
from importlib.metadata import version
from math import asin, sqrt

import numpy as np
import pimeta

found = pimeta.escalc("AS", ai=[0, 5], bi=[10, 5], ci=[2, 2], di=[8, 8])
expected = [asin(0) - asin(sqrt(0.2)), asin(sqrt(0.5)) - asin(sqrt(0.2))]
print("pimeta", version("pimeta"), "0/10 against 2/10, and 5/10 against 2/10")
print("expected:", np.round(expected, 4), "variances", [0.05, 0.05])
print("seen:    ", np.round(found.yi, 4), "variances", np.round(found.vi, 4))
assert np.allclose(found.yi, [asin(sqrt(0.5 / 11)) - asin(sqrt(2.5 / 11)), expected[1]])
assert np.allclose(found.vi, [1 / 44 + 1 / 44, 0.05])
assert round(float(found.yi[0]), 4) == -0.2821 and round(expected[0], 4) == -0.4636
PY
