#!/usr/bin/env bash
# pandas 3.1.1 writes the last day of a year to Stata as the first week of the next.
#
# Stata's weekly dates (%tw) have 52 weeks in every year: week 1 begins on 1 January and week 52 is the one that is
# longer, with eight days or, in leap years, nine. The number of a week is (year - 1960) * 52 + min((day - 1) // 7,
# 51) with the day of the year counted from 1. `DataFrame.to_stata` leaves out the "min": 31 December becomes week 53,
# which is week 1 of the next year, and in a leap year 30 December does so too. `read_stata` gives 1 January back.
#
# For a trial on registers: 31 December is the commonest end of a benefit decision, of a job and of a calendar year of
# follow-up. It is the one day that changes year, so counts by year are wrong and counts by week hardly show it.
#
# What we do: nothing is written to Stata. Weeks of an extract are ISO weeks by their Monday, or counted from
# randomisation (ipseval/registers/weeks.py); what year a day belongs to is asked of the day alone.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check 'pandas==3.1.1' 'numpy==2.4.6'
cd "$work"
venv/bin/python - <<'PY'
import pandas as pd

for year, wrong in ((2015, ["2015-12-31"]), (2016, ["2016-12-30", "2016-12-31"])):
    days = pd.Series(pd.date_range(f"{year}-01-01", f"{year}-12-31"))
    pd.DataFrame({"week": days}).to_stata("days.dta", write_index=False, convert_dates={"week": "tw"})
    stored = pd.read_stata("days.dta", convert_dates=False)["week"]
    back = pd.read_stata("days.dta")["week"]
    defined = (year - 1960) * 52 + ((days.dt.day_of_year - 1) // 7).clip(upper=51)
    differs = stored != defined
    print("pandas", pd.__version__, year)
    print("expected:", defined.iloc[-1], "for 31 December, week 52 of", year)
    print("seen:    ", stored.iloc[-1], "which reads back as", back.iloc[-1].date())
    assert days[differs].dt.strftime("%Y-%m-%d").tolist() == wrong
    assert str(back.iloc[-1].date()) == f"{year + 1}-01-01"
PY
