"""What rows tell beside their numbers: statuses, quantiles, shares that were trimmed, counts in tables of means."""

import math

from scipy.special import stdtrit

from attacker_estimates import agree, fixed
from attacker_models import OF_ONE_CENTRE, arms, in_regression, is_balanced, is_whole, population, sides
from attacker_reads import ALL, Reading, Row, shown

LEVEL = 0.95  # of intervals, as every page says
FEWEST = 2.0  # persons of an arm for an effect to be estimated, as docs/configuration.md says
LOW_LEVELS = ("compulsory", "upper_secondary_started")


def told(reading: Reading) -> None:
    """All of it."""
    for speak in (schooling, silences, sizes, quantiles, synthesis, events, trimmed):
        speak(reading)


def schooling(reading: Reading) -> None:
    """Less than upper secondary is the two lowest levels, where both come from the register of education."""
    if not reading.rules.is_schooling_one_source:
        return
    for where in {(row["centre"], row["arm"]) for row in reading.rows("balance")}:
        low = ("has", *where, "less_than_upper_secondary", "")
        parts = [("has", *where, "education", level) for level in LOW_LEVELS]
        if all(name in reading.system.low for name in (low, *parts)):
            reading.system.total(low, parts, "balance: schooling")
            known = [("known", *where, name) for name in ("less_than_upper_secondary", "education")]
            reading.system.total(known[0], [known[1]], "balance: schooling")


def silences(reading: Reading) -> None:
    """Why a row has no estimate: nobody or one person of an arm, or that all are alike."""
    for row in reading.rows("effects"):
        if row["estimator"] != "ols" or row["subgroup"] != ALL or population(reading, row):
            continue
        span = (int(row["month_from"]), int(row["month_to"]))
        names = {side: ("in", row["centre"], arm, *span, ()) for side, arm in sides(row)}
        for side, name in names.items():
            if row["status"] == f"too_few_{side}" and name in reading.system.low:
                reading.system.bound(name, 0.0, FEWEST - 1, "status")


def sizes(reading: Reading) -> None:
    """Persons and months of whole regressions."""
    samples = {r["analysis"]: r for r in reading.rows("effects") if r["subgroup"] == ALL and r["estimator"] == "ols"}
    rows = [(row, row) for row in samples.values() if row["centre"] == ALL or row["analysis"] not in OF_ONE_CENTRE]
    rows += [(r, samples[r["analysis"]]) for r in reading.rows("coefficients") if r["analysis"] in samples]
    for row, sample in rows:
        for column, kind in (("n_persons", "in"), ("n_obs", "watched")):
            n, names = shown(row.get(column, "")), in_regression(reading, sample, kind)
            if n is not None and names and sample["analysis"] not in OF_ONE_CENTRE:
                loose = reading.rules.base // 2
                reading.system.relate({name: 1.0 for name in names}, n - loose, n + loose, f"{column} of a regression")


def quantiles(reading: Reading) -> None:
    """An interval's half width over its error is a quantile of t, which gives the degrees of freedom."""
    for row in reading.rows("effects"):
        cells = [shown(row[c]) for c in ("ci_low", "ci_high", "std_error")]
        if row["variance"] != "cr1" or row["estimator"] != "ols" or row["subgroup"] != ALL or None in cells:
            continue
        if "Satterthwaite" in str(row["note"]) or population(reading, row):
            continue
        low, high, error = (reading.rules.around(cell) for cell in cells)
        if error[0] <= 0:
            continue
        least, most = (high[0] - low[1]) / 2 / error[1], (high[1] - low[0]) / 2 / error[0]
        few, many = degrees_of(most), degrees_of(least)
        names = in_regression(reading, row, "in")
        loose = reading.rules.base // 2 if is_of_printed_degrees(reading, row, least, most) else 0
        if names:
            reading.system.relate({n: 1.0 for n in names}, few + 1 - loose, many + 1 + loose, "effects: quantile")


def is_of_printed_degrees(reading: Reading, row: Row, least: float, most: float) -> bool:
    """Whether the interval is by the degrees of freedom that are printed, which are rounded as the counts are."""
    df = shown(row["df"])
    return bool(reading.rules.base) and df is not None and least <= stdtrit(df, (1 + LEVEL) / 2) <= most


def degrees_of(quantile: float) -> float:
    """Degrees of freedom with which t has a quantile; none give less than the normal distribution."""
    few, many = 1.0, 1e5
    if quantile <= stdtrit(many, (1 + LEVEL) / 2):
        return many
    for _ in range(80):
        middle = (few + many) / 2
        few, many = (middle, many) if stdtrit(middle, (1 + LEVEL) / 2) > quantile else (few, middle)
    return few


def synthesis(reading: Reading) -> None:
    """The persons of the centres' effects are those of the effects."""
    spans = {r["analysis"]: r for r in reading.rows("effects") if r["subgroup"] == ALL and r["centre"] != ALL}
    for row in reading.rows("centre_effects"):
        sample = spans.get(row["analysis"])
        if sample is None:
            continue
        span = (int(sample["month_from"]), int(sample["month_to"]))
        people = population(reading, sample)
        for side, arm in sides({**row, "reference_arm": sample["reference_arm"]}):
            reading.count(("in", row["centre"], arm, *span, people), row[f"n_{side}"], "centre_effects")


def events(reading: Reading) -> None:
    """First jobs until the end are those ever employed, where nobody was lost or left out."""
    for arm in arms(reading):
        rows = [r for r in reading.rows("time_to_job") if r["arm"] == arm]
        if not rows:
            continue
        first, last = int(rows[0]["month"]), int(rows[-1]["month"])
        ever = ("ever", ALL, arm, first, last, ())
        if ever in reading.system.low and is_whole(reading, arm, first) and is_balanced(reading, ALL, arm, first, last):
            jobs = [("first", arm, k) for k in range(first, last + 1)]
            reading.system.total(ever, jobs, "time_to_job: ever")
            reading.system.total(("n_events", arm), jobs, "restricted_mean: events")


def trimmed(reading: Reading) -> None:
    """The share that bounds trim is the difference of the shares observed, over the larger."""
    for row in reading.rows("missing_data"):
        share, k = shown(row["share_trimmed"]), int(row["month_to"])
        if share is None or row["method"] not in ("lee_lower", "lee_upper") or row["stratified_by"] != "none":
            continue
        sizes = [fixed(reading, ("n", ALL, arm)) or 0.0 for _, arm in sides(row)]
        agree(reading, [("seen", ALL, arm, k) for _, arm in sides(row)], sizes, trimming_share, share)


def trimming_share(observed: list[float], sizes: list[float]) -> float:
    """|q1 - q0| / max(q1, q0)."""
    return abs(observed[0] - observed[1]) / max(observed) if max(observed) else math.nan
