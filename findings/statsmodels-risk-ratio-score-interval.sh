#!/usr/bin/env bash
# statsmodels 0.15.0 gives a risk ratio of two identical arms an interval that leaves out 1.
#
# `confint_proportions_2indep(..., compare="ratio", method="score")` inverts the score test: the interval is the set
# of ratios that the test does not reject. With 10 of 10 in both arms the ratio is 1 and the interval must hold 1; it
# begins just above. With 10 of 10 against 5 of 10 it begins at 1.333, while `test_proportions_2indep` of the same
# package does not reject 1.3 (p = 0.065). The search ends where the statistic cannot be computed: a share of 1 under
# the null.
#
# For a trial on registers: arms in which everybody has the outcome are common in small centres and in cumulated
# shares ("any contact with the employment office"). There a difference is declared that the data cannot show.
#
# What we do: no interval is taken from this function. Effects are differences of shares from regressions; where
# nobody differs within the arms the row has the status `no_variation` and no interval (docs/methods.md).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  'statsmodels==0.15.0' 'scipy==1.17.1' 'numpy==2.4.6' 'pandas==2.3.3'
cd "$work"
venv/bin/python - <<'PY'
import warnings

import statsmodels
from statsmodels.stats.proportion import confint_proportions_2indep, test_proportions_2indep

warnings.simplefilter("ignore")
how = {"compare": "ratio", "method": "score"}
low, high = confint_proportions_2indep(10, 10, 10, 10, **how)
print("statsmodels", statsmodels.__version__)
print("expected: 10/10 against 10/10 has an interval with 1 inside")
print(f"seen:     {low:.9f} to {high:.4f}")
assert 1 < low < 1.000001 < high

low, high = confint_proportions_2indep(10, 10, 5, 10, **how)
p = {ratio: float(test_proportions_2indep(10, 10, 5, 10, value=ratio, **how).pvalue) for ratio in (1.2, 1.3)}
print(f"expected: 10/10 against 5/10 begins where p is 0.05, between 1.2 (p = {p[1.2]:.4f}) and 1.3 (p = {p[1.3]:.4f})")
print(f"seen:     {low:.4f} to {high:.4f}")
assert p[1.2] < 0.05 < p[1.3]
assert round(low, 4) == 1.3333
PY
