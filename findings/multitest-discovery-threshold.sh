#!/usr/bin/env bash
# multiple-hypothesis-testing 0.2.2 rejects nothing when every hypothesis should be rejected.
#
# `MultiTest.fdr_control` is documented as Benjamini and Hochberg's procedure: the largest p(i) with p(i) <= q i / n,
# and all below it. It returns the last p-value before the first one above its line. So (1) where no p-value is above
# its line, that is the clearest case of all, there is no "first one" and the answer is NaN, no discovery; (2) where
# the smallest is above its line and a larger one is not, step-up rejects both and the package none.
#
# For a trial on registers: the more outcomes move, the surer it is that a list of discoveries comes back empty.
#
# What we do: adjusted p-values are compared with an independent implementation, also where all or none are small
# (`test_holm_is_that_of_statsmodels_and_keeps_what_is_missing` in tests/test_randomisation.py).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  'multiple-hypothesis-testing==0.2.2' 'scipy==1.17.1' 'numpy==2.4.6'
cd "$work"
venv/bin/python - <<'PY'
from importlib.metadata import version

import numpy as np
from multitest import MultiTest

print("multiple-hypothesis-testing", version("multiple-hypothesis-testing"))
for p, largest in (([0.001, 0.002, 0.003], 0.003), ([0.04, 0.045, 0.05, 0.9], 0.05)):
    p, line = np.array(p), 0.1 * np.arange(1, len(p) + 1) / len(p)
    rejected = p <= p[p <= line].max()  # both lists are sorted
    seen = MultiTest(p).fdr_control(0.1)
    print("p-values:", p.tolist(), "at a false discovery rate of 0.1")
    print("expected:", largest, "and", int(rejected.sum()), "discoveries")
    print("seen:    ", seen)
    assert p[rejected].max() == largest
    assert np.isnan(seen)
PY
