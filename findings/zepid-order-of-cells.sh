#!/usr/bin/env bash
# zEpid 0.9.1 documents the cells of a two by two table in another order than it computes with.
#
# `risk_ratio(a, b, c, d)` says that b counts unexposed persons with the outcome and c exposed persons without it. The
# formula above that list, and the code, are a / (a + b) over c / (c + d): there b are exposed without and c unexposed
# with it. Who follows the list with 3 of 10 against 1 of 10 passes 3, 1, 7, 9 and gets 1.71 where the ratio is 3.
# Everything in the answer is plausible; the odds ratio is the same in both orders, so a check by that one passes. The
# risk difference and the number needed to treat carry the same list.
#
# For a trial on registers: a ratio from a table of counts, the smallest computation there is, in the paper's
# abstract.
#
# What we do: shares are computed from persons with their arm and outcome named, never from four numbers in an order.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  'zepid==0.9.1' 'statsmodels==0.15.0' 'pandas==3.1.1' 'numpy==2.4.6' 'scipy==1.17.1'
cd "$work"
MPLBACKEND=Agg venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

from zepid.calc import odds_ratio, risk_difference, risk_ratio

exposed_with, unexposed_with, exposed_without, unexposed_without = 3, 1, 7, 9
as_listed = (exposed_with, unexposed_with, exposed_without, unexposed_without)
as_computed = (exposed_with, exposed_without, unexposed_with, unexposed_without)
seen = [round(float(f(*as_listed).point_estimate), 4) for f in (risk_ratio, risk_difference, odds_ratio)]
right = [round(float(f(*as_computed).point_estimate), 4) for f in (risk_ratio, risk_difference, odds_ratio)]
for function in (risk_ratio, risk_difference):
    told = " ".join(function.__doc__.split())
    assert "b : integer, float Count of unexposed individuals with outcome" in told
    assert "c : integer, float Count of exposed individuals without outcome" in told
print("zEpid", version("zepid"), "ratio, difference and odds ratio of 3/10 against 1/10")
print("expected:", [round((3 / 10) / (1 / 10), 4), round(3 / 10 - 1 / 10, 4), round(3 * 9 / (7 * 1), 4)])
print("seen:    ", seen, "in the order of the list of parameters")
assert right == [3.0, 0.2, 3.8571]
assert seen == [1.7143, 0.3125, 3.8571]
PY
