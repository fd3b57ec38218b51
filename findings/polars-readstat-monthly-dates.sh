#!/usr/bin/env bash
# polars-readstat 0.25.0 reads a Stata month as if it were a day.
#
# Stata counts a variable of the format %tm in months since January 1960, %tq in quarters, %th in half-years, %tw in
# weeks and %ty in years; only %td counts days. January 2015 is stored as (2015 - 1960) * 12 = 660. The package gives
# every one of these formats the type "date" and counts days: 660 days after 1 January 1960 is 22 October 1961. The
# whole register year 2015 then lies within twelve days of 1961, there is no warning, and the type says that all is
# well. pandas reads the same file as 1 January 2015; pyreadstat gives 660.0 and leaves the format to the reader.
#
# For a trial on registers: monthly wage files that passed through Stata often carry %tm. Read this way, every wage
# falls before every randomisation, so nobody seems to work after it: an effect of zero that looks measured.
#
# What we do: extracts come as Parquet. An employment register in which nobody starts a job in any month of the trial
# is named by the check (`no_start_in_trial`, "months counted from 1960, read as days" in tests/test_registers.py);
# what lies before a person's birth is dropped and counted.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  'polars-readstat==0.25.0' 'polars==2.1.0' 'pyreadstat==1.3.7' 'pandas==3.1.1' 'numpy==2.4.6'
cd "$work"
venv/bin/python - <<'PY'
from datetime import date
from importlib.metadata import version

import pandas as pd
import polars_readstat
import pyreadstat

months = pd.DataFrame({"month": pd.to_datetime(["2015-01-31", "2015-12-31"])})
months.to_stata("wages.dta", write_index=False, convert_dates={"month": "tm"})
by_pandas = [stamp.date() for stamp in pd.read_stata("wages.dta")["month"]]
stored = pyreadstat.read_dta("wages.dta")[0]["month"].tolist()
seen = polars_readstat.scan_readstat("wages.dta").collect()["month"].to_list()
print("polars-readstat", version("polars-readstat"))
print("expected:", [date(2015, 1, 1), date(2015, 12, 1)], "as pandas", pd.__version__, "reads it; stored is", stored)
print("seen:    ", seen)
assert by_pandas == [date(2015, 1, 1), date(2015, 12, 1)]
assert stored == [660.0, 671.0]
assert seen == [date(1961, 10, 22), date(1961, 11, 2)]
PY
