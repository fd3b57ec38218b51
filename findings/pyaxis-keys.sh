#!/usr/bin/env bash
# pyaxis 0.4.3 takes the keys of a PX file for data, and numbers move to other cells.
#
# The PX format of the Nordic statistical offices may write each row of its data with keys: KEYS("arm")=CODES says
# that the row begins with the code of its arm in quotation marks, and rows of nothing but zeros are left out. pyaxis
# splits all of it at blanks and fills the cells in order. A table of three arms by two months whose second row is
# zero is two rows of a key and two numbers, six pieces for six cells: it is read without an error, IPS in month 2
# gets the number of month 1, TAU gets a number of IPS, and the arm that had none has some. Where the pieces do not
# fit, it does raise.
#
# For a trial on registers: tables of a statistical office are read for comparison (employment by county and age), and
# those with many empty rows are the ones written with keys.
#
# What we do: no PX file is read. Tables are joined to others by their keys, never by position.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  'pyaxis==0.4.3' 'pandas==3.1.1' 'numpy==2.4.6'
cd "$work"
cat >table.px <<'PX'
CHARSET="ANSI";
AXIS-VERSION="2013";
LANGUAGE="en";
DECIMALS=0;
MATRIX="T1";
SUBJECT-CODE="WORK";
SUBJECT-AREA="Work";
TITLE="Persons in work by arm and month";
UNITS="persons";
CONTENTS="Persons in work";
STUB="arm";
HEADING="month";
VALUES("arm")="IPS","TAU","Waiting list";
VALUES("month")="1","2";
CODES("arm")="I","T","W";
CODES("month")="1","2";
KEYS("arm")=CODES;
DATA=
"I", 11 12 
"W", 31 32 
;
PX
venv/bin/python - <<'PY'
from importlib.metadata import version

from pyaxis import pyaxis

table = pyaxis.parse(uri="table.px", encoding="latin-1")["DATA"]
seen = {(arm, month): cell for arm, month, cell in table.itertuples(index=False)}
expected = {("IPS", "1"): 11, ("IPS", "2"): 12, ("TAU", "1"): 0, ("TAU", "2"): 0}
expected |= {("Waiting list", "1"): 31, ("Waiting list", "2"): 32}
print("pyaxis", version("pyaxis"))
print("expected:", expected)
print("seen:    ", seen)
assert list(seen.values()) == ['"I",', "11", "12", '"W",', "31", "32"]
assert seen["IPS", "2"] == "11" and seen["TAU", "1"] == "12" and seen["Waiting list", "2"] == "32"
PY
