#!/usr/bin/env bash
# pyspssio 0.6.0 turns every date after 2262 in an SPSS file into a missing one.
#
# An SPSS file stores a date as seconds since October 1582 and has room for the year 9999. The package computes
# nanoseconds, which 64 bits hold only to April 2262, casts what does not fit and returns it as missing. Nothing is
# raised; numpy says "invalid value encountered in cast" on the way, which names neither file, column nor row.
# pyreadstat reads the same file as written.
#
# For a trial on registers: 9999-12-31 is the usual end of a spell that is still open. "Open" and "end not known" are
# different answers, and a reader that makes one of the other cannot be corrected afterwards.
#
# What we do: extracts come as Parquet, where such a date survives. An end of 9999-12-31 and an end that is missing
# are two rules of the check, `sentinel_date` and `open_end` (tests/test_registers.py), each counted under its name.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  'pyspssio==0.6.0' 'pyreadstat==1.3.7' 'pandas==3.1.1' 'numpy==2.4.6'
cd "$work"
venv/bin/python - <<'PY'
import warnings
from datetime import date
from importlib.metadata import version

import pandas as pd
import pyreadstat
import pyspssio

ends = [date(2015, 1, 31), date(2262, 4, 1), date(2300, 1, 1), date(9999, 12, 31)]
pyreadstat.write_sav(pd.DataFrame({"row": [1, 2, 3, 4], "end": ends}), "spells.sav")
by_pyreadstat = pyreadstat.read_sav("spells.sav")[0]["end"].tolist()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    end = pyspssio.read_sav("spells.sav")[0]["end"]
print("pyspssio", version("pyspssio"))
print("expected:", [str(day) for day in by_pyreadstat], "as pyreadstat reads it")
print("seen:    ", end.astype(str).tolist())
assert by_pyreadstat == ends
assert end.isna().tolist() == [False, False, True, True]
assert end[:2].dt.date.tolist() == ends[:2]
PY
