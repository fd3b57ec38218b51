#!/usr/bin/env bash
# umbra-k 0.1.0 gives persons whose age is not known the exact age of another person.
#
# The package makes groups of at least k persons and replaces a value by the range of its group, so that nobody can be
# told from k - 1 others. Missing ages are sorted last, into a group with the oldest, and the range is computed from
# the ages that are known. With k = 3, two missing ages and one of 60 make a group of three that is released as
# "60.0": a single value, not a range. Two persons get an age that nobody reported, and the one who is 60 is released
# exactly.
#
# For a trial on registers: values are missing for the few who emigrated or died, those a release must protect first.
#
# What we do: how many values are not known is a count of its own, protected together with the known ones
# (ipseval/disclosure/characteristics.py, tests/test_protect.py); nothing is filled from another person.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check \
  'umbra-k==0.1.0' 'pandas==2.3.3' 'numpy==1.26.4' 'scikit-learn==1.9.1' 'scipy==1.17.1'
cd "$work"
venv/bin/python - <<'PY'
from importlib.metadata import version

import pandas as pd
from umbra_k import MondrianAnonymizer

ages = [None, 22, 24, 26, 28, 30, 50, None, 54, 56, 58, 60]
persons = pd.DataFrame({"age": ages})
released = MondrianAnonymizer(k=3, quasi_id=["age"]).fit_transform(persons)["age"]
unknown = released[persons["age"].isna()].tolist()
print("umbra-k", version("umbra-k"))
print("expected: a range that says that ages are missing, for the three persons of the last group")
print("seen:    ", unknown, "for those who are missing,", released.iloc[-1], "for the person of 60")
assert unknown == ["60.0", "60.0"] and released.iloc[-1] == "60.0"
assert (released == "60.0").sum() == 3 and persons["age"].eq(60).sum() == 1
PY
