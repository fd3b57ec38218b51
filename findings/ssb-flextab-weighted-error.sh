#!/usr/bin/env bash
# ssb-flextab 0.9.2, Statistics Norway's cross tables after SAS, has a standard error that depends on the unit of
# weights.
#
# With `weight=`, STDERR is the square root of VAR / sum of weights, where VAR is the variance for reliability
# weights. That variance does not change when all weights are multiplied by a number; the sum does. Weights of 1 give
# the error of the plain mean, weights of 100 for the same persons one tenth of it, weights that sum to 1 the standard
# deviation. The package follows SAS PROC TABULATE, where VAR is sum w (x - mean)^2 / (n - 1) and the factor cancels.
# The formula stands in the documentation; each half of it is right for another kind of weight.
#
# For a trial on registers: weights that raise a sample to a population, a hundred to a person, make every mean look
# ten times as certain as it is.
#
# What we do: persons carry no weights in an estimate. Where effects of centres are averaged with weights, these sum
# to 1 before an error is computed from them (`WEIGHTS` in docs/methods.md), so their unit cannot enter.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for python in python3 python3.14 python3.13 python3.12 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python3; do
  if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then break; fi
done # the package needs Python 3.12
"$python" -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  'ssb-flextab==0.9.2' 'pandas==3.1.1' 'numpy==2.5.5'
cd "$work"
venv/bin/python - <<'PY'
from importlib.metadata import version
from math import isclose, sqrt

import pandas as pd
from ssb_flextab import flextab

months = [1.0, 2.0, 3.0, 4.0]
persons = pd.DataFrame({"arm": "ips", "months": months, "one": 1.0, "hundred": 100.0, "quarter": 0.25})
seen = {}
for weight in ("one", "hundred", "quarter"):
    table = flextab(persons, measure="months", groupby="arm", weight=weight, table="arm, months*stderr")
    seen[weight] = float(pd.DataFrame(table).iat[0, 0])
deviation = sqrt(sum((x - 2.5) ** 2 for x in months) / 3)
print("ssb-flextab", version("ssb-flextab"))
print("expected:", round(deviation / 2, 4), "whatever all weights are")
print("seen:    ", {weight: round(value, 4) for weight, value in seen.items()})
assert isclose(seen["one"], deviation / 2)
assert isclose(seen["hundred"], deviation / 20)
assert isclose(seen["quarter"], deviation)
PY
