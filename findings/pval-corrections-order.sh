#!/usr/bin/env bash
# pval-corrections 0.1.0 takes a p-value's place in the list for its rank.
#
# The package documents Benjamini and Hochberg's adjusted p-value as p m / i, where i is the rank of the p-value. The
# code uses the position: the same three p-values give other answers in another order, the first listed is always
# multiplied by m and the last by 1. Adjusted values need not keep the order of the p-values, are not made monotone
# and can exceed 1 (so can Bonferroni's).
#
# For a trial on registers: outcomes stand in the order of a protocol. The last outcome of the list is tested without
# any correction at all.
#
# What we do: adjusted p-values do not depend on the order of rows and keep that of the statistics
# (`test_adjusted_p_is_no_smaller_and_keeps_the_order_of_the_statistics` in tests/test_randomisation.py).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile --disable-pip-version-check --no-deps 'pval-corrections==0.1.0'
cd "$work"
venv/bin/python - <<'PY'
from importlib.metadata import version

from pval_corrections import correction


def by_hand(p):
    """Smallest p(j) m / j among the p-values that are not smaller (Benjamini & Hochberg 1995)."""
    m, order = len(p), sorted(p)
    return [min(order[j] * m / (j + 1) for j in range(m) if order[j] >= value) for value in p]


print("pval-corrections", version("pval-corrections"))
for p, wrong in (([0.04, 0.01, 0.03], [0.12, 0.015, 0.03]), ([0.01, 0.03, 0.04], [0.03, 0.045, 0.04])):
    seen = [round(value, 12) for value in correction(p, "benjamini_hochberg")["padj"]]
    print("p-values:", p)
    print("expected:", [round(value, 12) for value in by_hand(p)])
    print("seen:    ", seen)
    assert seen == wrong != by_hand(p)
above = correction([0.5, 0.6, 0.7], "bonferroni")["padj"]
print("expected: at most 1 from Bonferroni of 0.5, 0.6, 0.7")
print("seen:    ", [round(value, 12) for value in above])
assert min(above) > 1
PY
