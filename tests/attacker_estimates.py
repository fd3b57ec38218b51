"""What an outsider reads in the tables of models: estimates that are sums of counts."""

import itertools
import math
import re
from collections.abc import Callable, Iterator

import numpy as np

from attacker import REAL, Name, settle
from attacker_models import OF_NOBODY, Where, arms, has, is_adjusted, is_balanced, population, sides
from attacker_reads import ALL, DECIMALS, Reading, Row, shown

MONTHS = 1  # decimals of mean months, which are rounded to the nearest


def estimates(reading: Reading) -> None:
    """Every estimate that somebody can work out from counts, after these have been narrowed down."""
    settle(reading.system)
    for speak in (
        *(centre_contrasts, coefficients, pooled, event_study, trimming, restricted_mean, pairs),
        achieved,
    ):
        speak(reading)


# --- estimates that are sums of counts ---------------------------------------------------------


def fixed(reading: Reading, name: Name) -> float | None:
    """A number that is known for certain."""
    return reading.system.low[name] if reading.system.is_fixed(name) else None


def effect(reading: Reading, *key: object) -> Name:
    """The estimate of an analysis, whichever table prints it."""
    return (REAL, *key)


def tell(reading: Reading, name: Name, row: Row, decimals: int = DECIMALS) -> None:
    """Bounds of an estimate from its row: itself, or the middle of its interval."""
    reading.system.number(name)
    estimate, low, high = (shown(row.get(c, "")) for c in ("estimate", "ci_low", "ci_high"))
    if estimate is not None:
        reading.system.bound(name, *reading.rules.around(estimate, decimals), "estimate")
    elif low is not None and high is not None:
        ends = zip(reading.rules.around(low, decimals), reading.rules.around(high, decimals), strict=True)
        reading.system.bound(name, *(sum(pair) / 2 for pair in ends), "middle of the interval")


def is_everybody(reading: Reading, centre: str, first: int, last: int) -> bool:
    """Whether every arm of a centre is observed in full and its size is certain."""
    return all(
        is_balanced(reading, centre, a, first, last) and fixed(reading, ("n", centre, a)) is not None
        for a in arms(reading)
    )


def mean_of(reading: Reading, centre: str, arm: str, first: int, last: int, sign: float) -> dict[Name, float]:
    """Terms of the mean of the outcome in an arm."""
    n = fixed(reading, ("n", centre, arm)) or math.nan
    return {("job", centre, arm, k): sign / (n * (last - first + 1)) for k in range(first, last + 1)}


def differ(reading: Reading, name: Name, centre: str, row: Row, source: str) -> None:
    """An estimate that is the difference of two means."""
    first, last = int(row["month_from"]), int(row["month_to"])
    if not is_everybody(reading, centre, first, last):
        return
    n = [fixed(reading, ("n", centre, a)) for _, a in sides(row)]
    if not all(n):
        return
    terms = mean_of(reading, centre, row["arm"], first, last, 1.0)
    terms |= mean_of(reading, centre, row["reference_arm"], first, last, -1.0)
    reading.system.relate({**terms, name: -1.0}, 0.0, 0.0, source)


def centre_contrasts(reading: Reading) -> None:
    """Unadjusted effects within a centre, in every table that prints them."""
    done = set()
    for table in ("effects", "randomisation", "centre_effects", "bands"):
        for row in reading.rows(table):
            if row["analysis"] not in ("centre_unadjusted", "by_centre_month") or row.get("variance") == "cr2":
                continue
            if table == "centre_effects":
                sample = next(r for r in reading.rows("effects") if r["analysis"] == row["analysis"])
                row = {**row, **{c: sample[c] for c in ("month_from", "month_to", "reference_arm")}}
            name = effect(reading, row["analysis"], row["centre"], row["month_from"], row["month_to"], row["arm"])
            tell(reading, name, row)
            if name not in done:
                differ(reading, name, row["centre"], row, f"{row['analysis']}: difference of means")
            done.add(name)


def trimming(reading: Reading) -> None:
    """Bounds of a month in which nobody is missing: the difference of the means of the whole trial."""
    for row in reading.rows("missing_data"):
        if row["method"] in ("lee_lower", "lee_upper"):
            name = effect(reading, "lee", row["month_from"], row["arm"])
            first, last = int(row["month_from"]), int(row["month_to"])
            if not is_everybody(reading, ALL, first, last):
                continue
            if row["stratified_by"] == "none":
                tell(reading, name, row)
                differ(reading, name, ALL, row, "missing_data: bound of a month")
            elif row["stratified_by"] == "centre" and (weights := by_centre(reading, row, first, last)):
                tell(reading, name, row)
                terms: dict[Name, float] = {name: -1.0}
                for (c, a), w in weights.items():
                    terms |= mean_of(reading, c, a, first, last, w)
                reading.system.relate(terms, 0.0, 0.0, "missing_data: bound of a month over centres")


def by_centre(reading: Reading, row: Row, first: int, last: int) -> dict[Where, float] | None:
    """What the means of an arm and of the reference arm in every centre count in a difference over centres."""
    both, places = (row["arm"], row["reference_arm"]), centres(reading)
    if not all(is_everybody(reading, c, first, last) for c in places):
        return None
    n = {(c, a): fixed(reading, ("n", c, a)) or 0.0 for c in places for a in both}
    raw = {c: 1 / (1 / n[c, both[0]] + 1 / n[c, both[1]]) for c in places if min(n[c, a] for a in both) >= 2}
    whole = sum(raw.values())
    return {(c, a): sign * w / whole for c, w in raw.items() for a, sign in zip(both, (1.0, -1.0), strict=True)}


def least_squares(reading: Reading, arm: str, reference: str) -> dict[Where, float]:
    """What the means of cells count in the effect of an arm, by least squares on arms and centres."""
    cells = [(c, a) for c in centres(reading) for a in arms(reading) if fixed(reading, ("n", c, a))]
    treated = [a for a in arms(reading) if a != reference]
    root = np.sqrt([fixed(reading, ("n", *cell)) for cell in cells])
    X = [[a == t for t in treated] + [c == d for d in centres(reading)] for c, a in cells]
    solved = np.linalg.lstsq(np.array(X, float) * root[:, None], np.diag(root), rcond=None)[0]
    return dict(zip(cells, solved[treated.index(arm)], strict=True))


def centres(reading: Reading) -> list[str]:
    """All centres."""
    return sorted({r["centre"] for r in reading.rows("employment_by_month")} - {ALL})


def coefficients(reading: Reading) -> None:
    """Least squares: the residuals of each centre, arm and month add up to nothing."""
    sample = {r["analysis"]: r for r in reading.rows("effects") if r["subgroup"] == ALL}
    for analysis in ("adjustment_none", "adjustment_additive", "adjustment_history", "pooled_unadjusted"):
        rows = [r for r in reading.rows("coefficients") if r["analysis"] == analysis]
        row = sample.get(analysis)
        if not rows or row is None or population(reading, row):
            continue
        first, last = int(row["month_from"]), int(row["month_to"])
        if not all(is_everybody(reading, c, first, last) for c in centres(reading)):
            continue
        for r in rows:
            tell(reading, (REAL, analysis, r["term"]), r)
        normal_equations(reading, analysis, {r["term"] for r in rows}, first, last)


def normal_equations(reading: Reading, analysis: str, terms: set[str], first: int, last: int) -> None:
    """One equation a centre, one an arm, one a month."""
    system, months = reading.system, range(first, last + 1)
    cells = list(itertools.product(centres(reading), arms(reading)))
    is_by_month = any(t.startswith("month_since") for t in terms)
    for what, chosen in grouped(cells):
        left = {("job", c, a, k): 1.0 for c, a in chosen for k in months}
        right, slack = fitted(reading, analysis, terms, chosen, months)
        if right is not None and what:
            system.relate(
                {**left, **{n: -f for n, f in right.items()}}, -slack, slack, f"{analysis}: normal equation {what}"
            )
    if is_by_month:
        for k in months:
            left = {("job", c, a, k): 1.0 for c, a in cells}
            right, slack = fitted(reading, analysis, terms, cells, range(k, k + 1))
            if right is not None:
                system.relate({**left, **{n: -f for n, f in right.items()}}, -slack, slack, f"{analysis}: month {k}")


def grouped(cells: list[Where]) -> Iterator[tuple[str, list[Where]]]:
    """Cells of a centre, cells of an arm."""
    for axis in (0, 1):
        for value in sorted({cell[axis] for cell in cells}):
            yield value, [cell for cell in cells if cell[axis] == value]


def fitted(
    reading: Reading, analysis: str, terms: set[str], cells: list[Where], months: range
) -> tuple[dict[Name, float] | None, float]:
    """Sum of the fitted values over persons of cells and months, as terms of the coefficients."""
    out: dict[Name, float] = {}
    slack = 1e-6
    means = {
        (r["centre"], r["arm"], r["variable"]): shown(r["mean"]) for r in reading.rows("balance") if not r["level"]
    }
    for centre, arm in cells:
        n = reading.system.low["n", centre, arm]
        for term in terms:
            name, inside = (REAL, analysis, term), re.search(r"\[(.*)\]$", term)
            if term == "intercept":
                factor = n * len(months)
            elif inside and ":" not in term:
                level, kind = inside[1], term.split("[")[0]
                if kind in ("centre", "assigned"):
                    factor = n * len(months) * (level == (centre if kind == "centre" else arm))
                else:
                    factor = n * (int(level) in months)
            elif means.get((centre, arm, term)) is not None:
                factor = n * len(months) * means[centre, arm, term]
                bound = max(abs(reading.system.low[name]), abs(reading.system.high[name]))
                is_rounded = reading.rules.base and 0 <= means[centre, arm, term] <= 1
                slack += (4.5 if is_rounded else n * reading.rules.off(means[centre, arm, term])) * len(months) * bound
            else:
                return None, 0.0
            if factor:
                out[name] = out.get(name, 0.0) + factor
    return out, slack


def pooled(reading: Reading) -> None:
    """Means of the centres' unadjusted effects with weights that anybody can work out."""
    sample = next((r for r in reading.rows("effects") if r["analysis"] == "centre_unadjusted"), None)
    for row in reading.rows("pooled_effects"):
        if (
            sample is None
            or row["analysis"] != "centre_unadjusted"
            or row["weighting"] not in ("overlap", "persons", "centres", "precision")
        ):
            continue
        if len(arms(reading)) > 2 or int(shown(row["n_centres"]) or 0) != len(centres(reading)):
            continue
        name = (REAL, "pooled", row["weighting"], row["arm"])
        tell(reading, name, row)
        weights = {c: weight(reading, row, sample, c) for c in centres(reading)}
        if None in weights.values():
            continue
        whole = sum(weights.values())
        loose = 2 * sum(map(reading.rules.off, weights.values())) if row["weighting"] == "precision" else 0.0
        terms = {
            effect(reading, "centre_unadjusted", c, sample["month_from"], sample["month_to"], row["arm"]): w / whole
            for c, w in weights.items()
        }
        reading.system.relate({**terms, name: -1.0}, -loose, loose, f"pooled_effects: {row['weighting']}")


def weight(reading: Reading, row: Row, sample: Row, centre: str) -> float | None:
    """The weight of a centre: equal, by its persons, or as printed."""
    if row["weighting"] == "centres":
        return 1.0
    if row["weighting"] in ("overlap", "persons"):
        one, other = (fixed(reading, ("n", centre, a)) for a in (row["arm"], sample["reference_arm"]))
        if not (one and other):
            return None
        return one * other / (one + other) if row["weighting"] == "overlap" else one + other
    for r in reading.rows("centre_effects"):
        if (r["analysis"], r["arm"], r["centre"]) == (row["analysis"], row["arm"], centre):
            return shown(r["weight_precision"])
    return None


def event_study(reading: Reading) -> None:
    """Differences of the arms' mean changes from the base period, and their mean before it."""
    rows = list(reading.rows("event_study"))
    base = {r["arm"]: r for r in rows if r["is_base"] == "True"}
    if not rows or not is_everybody(
        reading, ALL, min(int(r["month_from"]) for r in rows), max(int(r["month_to"]) for r in rows)
    ):
        return
    for row in rows:
        name = (REAL, "event_study", row["arm"], row["month_from"])
        if row["is_base"] == "True" or row["arm"] not in base:
            continue
        tell(reading, name, row)
        terms: dict[Name, float] = {name: -1.0}
        cells = {(ALL, row["arm"]): 1.0, (ALL, row["reference_arm"]): -1.0}
        if row["stratified_by"] == "centre":
            whole = [
                all(is_everybody(reading, c, int(r["month_from"]), int(r["month_to"])) for c in centres(reading))
                for r in rows
            ]
            if not all(whole):
                continue
            cells = least_squares(reading, row["arm"], row["reference_arm"])
        elif row["stratified_by"] != "none":
            continue
        for sign, r in ((1.0, row), (-1.0, base[row["arm"]])):
            for (centre, arm), weight in cells.items():
                terms |= mean_of(reading, centre, arm, int(r["month_from"]), int(r["month_to"]), sign * weight)
        reading.system.relate(terms, 0.0, 0.0, "event_study: difference of changes")
    for row in reading.rows("placebo"):
        name = (REAL, "placebo", row["arm"])
        parts = [r for r in rows if r["arm"] == row["arm"] and r["is_base"] != "True" and int(r["month_to"]) < 0]
        lengths = [int(r["month_to"]) - int(r["month_from"]) + 1 for r in parts]
        if parts:
            tell(reading, name, row)
            whole = {
                (REAL, "event_study", r["arm"], r["month_from"]): n / sum(lengths)
                for r, n in zip(parts, lengths, strict=True)
            }
            reading.system.relate({**whole, name: -1.0}, 0.0, 0.0, "placebo: mean")


def restricted_mean(reading: Reading) -> None:
    """Mean months without a job: the sum of the curve; the difference of two arms."""
    for row in reading.rows("restricted_mean"):
        first, last = int(row["month_from"]), int(row["month_to"])
        arm = row["arm"]
        n = fixed(reading, ("risk", arm, first))
        if row["measure"] == "difference":
            name = (REAL, "months_without", "difference", arm)
            tell(reading, name, row, MONTHS)
            if row["stratified_by"] != "none" and len(arms(reading)) > 2:
                continue  # every pair has weights of its own
            parts = {(REAL, "months_without", arm): 1.0, (REAL, "months_without", row["reference_arm"]): -1.0}
            reading.system.relate({**parts, name: -1.0}, 0.0, 0.0, "restricted_mean: difference")
            continue
        tell(reading, (REAL, "months_without", arm), row, MONTHS)
        reading.count(("n_events", arm), row["n_events"], "restricted_mean")
        if (
            row["stratified_by"] == "none"
            and n
            and all(fixed(reading, ("lost", arm, k)) == 0 for k in range(first, last))
        ):
            terms = {("still", arm, k): 1 / n for k in range(first, last + 1)}
            reading.system.relate({**terms, (REAL, "months_without", arm): -1.0}, 0.0, 0.0, "restricted_mean: curve")
            reading.system.total(
                ("n_events", arm), [("first", arm, k) for k in range(first, last + 1)], "restricted_mean"
            )


# --- two shares and a printed spread -----------------------------------------------------------


def pairs(reading: Reading) -> None:
    """Standard errors and standardised differences: which two counts give what is printed."""
    if reading.rules.base >= 0 and not reading.rules.exact:
        settle(reading.system)
    for row in reading.rows("effects"):
        error, (first, last) = shown(row["std_error"]), (int(row["month_from"]), int(row["month_to"]))
        if row["analysis"] != "by_centre_month" or error is None or first != last:
            continue
        if row["variance"] in ("cr1", "cr2") and is_everybody(reading, row["centre"], first, last):
            people = sum(fixed(reading, ("n", row["centre"], a)) or 0.0 for a in arms(reading))
            groups = sum(bool(fixed(reading, ("n", row["centre"], a))) for a in arms(reading))
            names = [("job", row["centre"], a, first) for _, a in sides(row)]
            sizes = [fixed(reading, ("n", row["centre"], a)) or 0.0 for _, a in sides(row)]
            agree(reading, names, sizes, spread_of(row["variance"], people, groups), error)
    by_cell = {(r["variable"], r["level"], r["centre"], r["arm"]): r for r in reading.rows("balance")}
    for (variable, level, centre, arm), row in by_cell.items():
        yes = ("has", centre, arm, variable, level)
        n = (
            reading.system.low.get(("known", centre, arm, variable))
            if fixed(reading, ("known", centre, arm, variable))
            else None
        )
        if yes not in reading.system.low or not n:
            continue
        if shown(row["sd"]) is not None and n > 1:
            agree(reading, [yes], [n], lambda p, m: math.sqrt(p[0] * (1 - p[0]) * m[0] / (m[0] - 1)), shown(row["sd"]))
        for other in arms(reading):
            m = fixed(reading, ("known", centre, other, variable))
            if (
                other != arm
                and m
                and m > 1
                and n > 1
                and shown(row["smd"]) is not None
                and is_reference(reading, other)
            ):
                agree(reading, [yes, ("has", centre, other, variable, level)], [n, m], standardised, shown(row["smd"]))


def is_reference(reading: Reading, arm: str) -> bool:
    """Whether an arm is the one that others are held against."""
    return any(r["reference_arm"] == arm for r in reading.rows("effects"))


def spread_of(variance: str, people: float, groups: int) -> Callable[[list[float], list[float]], float]:
    """Clustered error of a difference of shares with one row a person."""

    def spread(p: list[float], n: list[float]) -> float:
        less = 1.0 if variance == "cr2" else 0.0
        factor = 1.0 if variance == "cr2" else people / (people - groups)
        if min(n) <= less:
            return math.nan
        return math.sqrt(factor * sum(s * (1 - s) / (m - less) for s, m in zip(p, n, strict=True)))

    return spread


def standardised(p: list[float], n: list[float]) -> float:
    """Standardised difference of two shares."""
    spread = sum(s * (1 - s) * m / (m - 1) for s, m in zip(p, n, strict=True)) / 2
    return (p[0] - p[1]) / math.sqrt(spread) if spread > 0 else math.nan


def agree(
    reading: Reading, names: list[Name], sizes: list[float], formula: Callable[..., float], printed: float | None
) -> None:
    """Keep the values of one or two counts with which a formula gives what is printed."""
    if printed is None or not all(sizes):
        return
    system = reading.system
    ranges = [range(int(system.low[n]), int(min(system.high[n], m)) + 1) for n, m in zip(names, sizes, strict=True)]
    if all(len(r) == 1 for r in ranges):
        return
    left, (low, high) = [], reading.rules.around(printed)
    for values in itertools.product(*ranges):
        found = formula([v / m for v, m in zip(values, sizes, strict=True)], sizes)
        if math.isfinite(found) and low <= found <= high:
            left.append(values)
    for i, name in enumerate(names):
        if left:
            system.bound(name, min(v[i] for v in left), max(v[i] for v in left), "spread")


def achieved(reading: Reading) -> None:
    """Differences of what was achieved: of two arms of a centre, and by least squares over all centres."""
    done = set()
    for row in reading.rows("achieved"):
        if row["adjustment"] not in ("centre", "none") or row["measure"] == "waiting_days" or is_adjusted(row):
            continue
        if row["status"] in OF_NOBODY:
            continue
        last, what = int(row["by_month"]), (row["outcome"], row["measure"])
        cells = list(itertools.product(centres(reading) if row["centre"] == ALL else [row["centre"]], arms(reading)))
        n = {(c, a): fixed(reading, ("in", c, a, 1, last, what)) for c, a in cells}
        is_known = all(size is not None and size == fixed(reading, ("n", *cell)) for cell, size in n.items())
        if not is_known:
            continue
        name = effect(reading, "achieved", *what, row["centre"], last, row["arm"])
        tell(reading, name, row)
        if name in done:
            continue
        done.add(name)
        if row["centre"] == ALL:
            weights = least_squares(reading, row["arm"], row["reference_arm"])
        elif n[row["centre"], row["arm"]] and n[row["centre"], row["reference_arm"]]:
            weights = {(row["centre"], row["arm"]): 1.0, (row["centre"], row["reference_arm"]): -1.0}
        else:
            continue
        terms = {has(*cell, last, *what): w / (n[cell] or 1.0) for cell, w in weights.items()}
        reading.system.relate({**terms, name: -1.0}, 0.0, 0.0, "achieved: difference")
