#!/usr/bin/env bash
# jsonstat-validator 0.4.6 passes cubes with too few or too many values, and two categories in one place.
#
# A JSON-stat data set with dimensions of 2 and 2 has four values, in an order that the dimensions give; a reader has
# no other way to know which cell a number belongs to. The validator says that it is stricter than the official one
# because it applies all limits and logical rules of the specification. It compares the sizes with the categories, but
# not with the values: three values pass, five pass, so do numbers for cells that there are not, and an index that
# gives two arms one position. pyjstat 2.4.0 cannot read the first three and reads the last as if nothing were wrong.
#
# For a trial on registers: a table by arm and month that lost a suppressed cell on the way is "valid", and every
# later number stands one cell too early.
#
# What we do: a result has one row a cell with its keys beside it, and a number that is hidden keeps its row.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  'jsonstat-validator==0.4.6' 'pyjstat==2.4.0' 'pandas==3.1.1' 'numpy==2.4.6'
cd "$work"
venv/bin/python - <<'PY'
import json
import warnings
from importlib.metadata import version

from jsonstat_validator import JSONStatValidationError, validate_jsonstat
from pyjstat import pyjstat

warnings.simplefilter("ignore")


def cube(values, arms=None):
    arm = {"category": {"index": arms or {"IPS": 0, "TAU": 1}}}
    month = {"category": {"index": {"1": 0, "2": 1}}}
    shape = {"id": ["arm", "month"], "size": [2, 2], "dimension": {"arm": arm, "month": month}}
    return {"version": "2.0", "class": "dataset", "label": "persons", **shape, "value": values}


print("jsonstat-validator", version("jsonstat-validator"), "and pyjstat", version("pyjstat"))
cases = {
    "three values in four cells": cube([10, 20, 40]),
    "five values in four cells": cube([10, 20, 30, 40, 50]),
    "a value in the eighth of four cells": cube({"0": 10, "7": 40}),
    "two arms in one position": cube([10, 20, 30, 40], {"IPS": 0, "TAU": 0}),
}
for what, data in cases.items():
    print("expected: refused,", what)
    print("seen:    ", validate_jsonstat(data))
    assert validate_jsonstat(data) is True
try:
    validate_jsonstat(cube([10, 20, 30, 40]) | {"size": [2, 3]})
    raise SystemExit("a wrong size is no longer refused")
except JSONStatValidationError:
    print("a size of 3 for two months is refused, so it does check sizes")
for what, data in cases.items():
    try:
        read = pyjstat.Dataset.read(json.dumps(data)).write("dataframe").values.tolist()
    except (IndexError, ValueError) as error:
        read = type(error).__name__
    print("pyjstat reads", what, "as", read)
    assert (read == [["IPS", "1", 10], ["IPS", "2", 20], ["TAU", "1", 30], ["TAU", "2", 40]]) == what.startswith("two")
PY
