#!/usr/bin/env bash
# randomization 1.0.0 randomises the second centre with other probabilities than the first.
#
# `simple(n, groups, p=...)` draws a group for each person with the probabilities p. It makes cumulative sums of p in
# the caller's own list. The next call with the same list sums the sums: (0.2, 0.3, 0.5) is drawn as (0.2, 0.5, 0.3)
# in the second centre and as (0.2, 0.7, 0.1) in the third. Nothing is raised, although the list now sums to more than
# 2. Besides, groups are numbered from 0 where p is given and from 1 where it is not.
#
# For a trial on registers: a protocol's allocation of 20 : 30 : 50 holds in the first centre only. Randomisation
# inference with the probabilities of the protocol is then wrong in every other centre, and no table of the result
# shows why.
#
# What we do: assignments are re-drawn within a centre by permuting the arms that were really assigned there, not from
# planned probabilities (`test_every_draw_keeps_the_arms_of_every_stratum` in tests/test_randomisation.py).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check 'randomization==1.0.0'
cd "$work"
venv/bin/python -W ignore - <<'PY'
from importlib.metadata import version

from randomization import simple

p, persons = [0.2, 0.3, 0.5], 100_000
drawn = []
for centre in (1, 2, 3):
    groups = simple(persons, 3, p=p, seed=centre)
    drawn.append([round(groups.count(group) / persons, 2) for group in (0, 1, 2)])
print("randomization", version("randomization"))
print("expected:", [[0.2, 0.3, 0.5]] * 3, "in three centres, and the list as it was")
print("seen:    ", drawn, "and the list is", [round(value, 6) for value in p])
for found, wrong in zip(drawn, ([0.2, 0.3, 0.5], [0.2, 0.5, 0.3], [0.2, 0.7, 0.1]), strict=True):
    assert all(abs(one - other) <= 0.01 for one, other in zip(found, wrong, strict=True))
assert [round(value, 6) for value in p] == [0.2, 0.9, 2.6]
assert set(simple(100, 3, seed=1)) == {1, 2, 3}
PY
