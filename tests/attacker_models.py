"""What an outsider reads in the tables of models: who is in them."""

import itertools
from collections.abc import Iterator

from attacker import FAR, Name
from attacker_reads import ALL, Reading, Row, margins, shown, split

TIMES = {
    "calendar_year",
    "calendar_month",
    "inclusion_year",
    "inclusion_month",
    "month_since_randomisation",
    "none",
    "",
}
Where = tuple[str, str]
OF_ONE_CENTRE = ("centre_unadjusted", "by_centre_month")  # analyses of which every row is a regression of its own


def who(reading: Reading) -> None:
    """Persons and months of every table of models."""
    for speak in (first_job, effects, missing, accumulated, achieved):
        speak(reading)


# --- who has had a first job -------------------------------------------------------------------


def first_job(reading: Reading) -> None:
    """Persons at risk, first jobs and the curve, which without censoring is a share of all."""
    system, by_arm = reading.system, {}
    empty = {
        (r["arm"], r["month"])
        for r in reading.rows("employment_by_month")
        if r["centre"] == ALL and shown(r["n_observed"]) == 0
    }
    for row in reading.rows("time_to_job"):
        if row["arm"] not in by_arm and ((row["arm"], row["month"]) in empty or shown(row["n_at_risk"]) == 0):
            continue  # the layout begins later
        by_arm.setdefault(row["arm"], []).append(row)
    for arm, rows in by_arm.items():
        start, before = int(rows[0]["month"]), ("risk", arm, int(rows[0]["month"]))
        nobody_lost, put_off = all(shown(r["n_censored"]) in (0, None) for r in rows[:-1]), []
        for row in rows:
            k = int(row["month"])
            risk, event, lost, still = (("risk", arm, k), ("first", arm, k), ("lost", arm, k), ("still", arm, k))
            system.total(risk, [event, still], "time_to_job: step")
            system.total(still, [("risk", arm, k + 1), lost], "time_to_job: step")
            system.at_most(event, ("job", ALL, arm, k), "time_to_job: employed")
            if row["status"] == "put_off":  # the row repeats an earlier month, and the next counts since then
                put_off.append(k)
                continue
            since = [*put_off, k]
            reading.count(("risk", arm, since[0]), row["n_at_risk"], "time_to_job")
            for name, column in (("first", "n_events"), ("lost", "n_censored")):
                moved = (name, arm, k) if len(since) == 1 else (f"{name} since", arm, since[0], k)
                if len(since) > 1:
                    system.total(moved, [(name, arm, j) for j in since], "time_to_job: put off")
                reading.count(moved, row[column], "time_to_job")
            put_off = []
            if (
                row["stratified_by"] == "none"
                and nobody_lost
                and all(shown(r["n_censored"]) == 0 for r in rows[:-1] if int(r["month"]) < k)
            ):
                reading.rate(still, before, 1, row["survival"], "time_to_job: curve")
                hadnot = str(1 - shown(row["share_with_job"])) if shown(row["share_with_job"]) is not None else ""
                reading.rate(still, before, 1, hadnot, "time_to_job: curve")
        if is_whole(reading, arm, start):
            system.total(("first", arm, start), [("job", ALL, arm, start)], "time_to_job: first month")
        curve_over_centres(reading, arm, rows)


def is_whole(reading: Reading, arm: str, start: int) -> bool:
    """Whether nobody is left out of a curve, and nobody had a job when it began."""
    seen = reading.system.seen
    starts = any(row["step"] == "employed_at_randomisation" for row in reading.rows("flow"))
    return starts and seen.get(("risk", arm, start)) == seen.get(("seen", ALL, arm, start), -1)


def curve_over_centres(reading: Reading, arm: str, rows: list[Row]) -> None:
    """A curve put together over centres is a sum of those still waiting in each, if nobody was lost or left out."""
    system, start, last = reading.system, int(rows[0]["month"]), int(rows[-1]["month"])
    places = sorted({r["centre"] for r in reading.rows("employment_by_month")} - {ALL})
    if rows[0]["stratified_by"] != "centre" or not is_whole(reading, arm, start):
        return
    if not all(is_balanced(reading, c, a, start, last) for c in places for a in arms(reading)):
        return
    n = {(c, a): system.low["n", c, a] for c in places for a in arms(reading) if system.is_fixed(("n", c, a))}
    if len(n) < len(places) * len(arms(reading)) or not all(n.values()):
        return
    raw = {c: 1 / sum(1 / n[c, a] for a in arms(reading)) for c in places}
    step = {c: raw[c] / sum(raw.values()) / n[c, arm] for c in places}
    for row in rows:
        k = int(row["month"])
        still = {c: ("waits", c, arm, k) for c in places}
        system.total(("still", arm, k), still.values(), "time_to_job: centres")
        for c in places:
            before = ("n", c, arm) if k == start else ("waits", c, arm, k - 1)
            system.total(before, [still[c], ("begins", c, arm, k)], "time_to_job: centre")
            system.at_most(("begins", c, arm, k), ("job", c, arm, k), "time_to_job: centre")
            system.at_most(still[c], ("nojob", c, arm, k), "time_to_job: centre")
            if k == start:
                system.total(still[c], [("nojob", c, arm, k)], "time_to_job: centre")
        value = shown(row["survival"])
        if value is not None and row["status"] != "put_off":
            terms = {still[c]: step[c] for c in places}
            system.relate(terms, *reading.rules.around(value, decimals(rows)), "time_to_job: curve over centres")


def decimals(rows: list[Row]) -> int:
    """Decimals of a curve: the most that any of its numbers has."""
    found = [row[c] for row in rows for c in ("survival", "share_with_job", "ci_low") if shown(row[c]) is not None]
    return max((len(cell.partition(".")[2]) for cell in found), default=0)


# --- who is in a regression --------------------------------------------------------------------


def is_balanced(reading: Reading, centre: str, arm: str, first: int, last: int) -> bool:
    """Whether everybody is observed in every month, as printed."""
    seen = reading.system.seen
    n = seen.get(("n", centre, arm))
    return n is not None and all(seen.get(("seen", centre, arm, k)) == n for k in range(first, last + 1))


def population(reading: Reading, row: Row) -> tuple[object, ...]:
    """Who is in a regression beside all: those whose covariates are known, and a subgroup."""
    covariates = [c.strip() for c in row["adjustment"].split("+")]
    lacking = tuple(sorted(c for c in covariates if c not in TIMES and not is_complete(reading, c)))
    return lacking if row["subgroup"] == ALL else (*lacking, row["analysis"], row["subgroup"])


def is_complete(reading: Reading, covariate: str) -> bool:
    """Whether nobody lacks a covariate, as printed."""
    cells = [r["n_missing"] for r in reading.rows("balance") if r["variable"] == covariate]
    return bool(cells) and all(shown(cell) == 0 for cell in cells)


def sides(row: Row) -> Iterator[tuple[str, str]]:
    """Columns and arm of the two sides of an effect."""
    yield "assigned", row["arm"]
    yield "control", row["reference_arm"]


def effects(reading: Reading) -> None:
    """Persons, months and those ever employed of every regression."""
    names: set[Name] = set()
    for row in reading.rows("effects"):
        if row["outcome"] != reading.tables["effects"][0]["outcome"] or row["subgroup"] == "difference":
            continue
        span = (int(row["month_from"]), int(row["month_to"]))
        people = population(reading, row)
        for side, arm in sides(row):
            names |= side_of(reading, row, side, (row["centre"], arm), span, people)
        degrees(reading, row)
    margins(reading, names, "effects")


def side_of(
    reading: Reading, row: Row, side: str, where: Where, span: tuple[int, int], people: tuple[object, ...]
) -> set[Name]:
    """One arm of one regression."""
    system, (first, last) = reading.system, span
    length, is_one = last - first + 1, first == last
    n, ever, never = (("in", *where, *span, people), ("ever", *where, *span, people), ("never", *where, *span, people))
    worked, watched = ("worked", *where, *span, people), ("watched", *where, *span, people)
    is_curve = is_one and where[0] == ALL
    reading.count(n, row[f"n_{side}"], "effects: n")
    reading.count(watched, row[f"n_{side}_months"], "effects: months")
    reading.count(ever, row[f"n_{side}_ever"], "effects: ever", is_curve=is_curve)
    split(reading, n, ever, never, "effects")
    months = range(first, last + 1)
    jobs = [("job", *where, k) for k in months]
    known = all(("seen", *where, k) in system.low for k in months)
    if not people and known:
        system.total(worked, jobs, "effects: window")
        system.total(watched, [("seen", *where, k) for k in months], "effects: window")
        for k, job in zip(months, jobs, strict=True):
            system.at_most(job, ever, "effects: ever")
            system.at_most(("nojob", *where, k), n, "effects: n")
        system.at_most(n, ("n", *where), "effects: analysed")
    elif known:
        every = ("ever", *where, *span, ())

        system.at_most(n, ("n", *where), "effects: analysed")
        if every in system.low:
            system.at_most(ever, every, "effects: some of all")
            system.at_most(worked, ("worked", *where, *span, ()), "effects: some of all")
    if is_one:
        system.total(worked, [ever], "effects: one month")
        system.total(watched, [n], "effects: one month")
    system.at_most(ever, worked, "effects: ever")
    system.relate({worked: 1.0, ever: -float(length)}, -1e7, 0.0, "effects: ever")
    if is_balanced(reading, *where, first, last):
        system.relate({watched: 1.0, n: -float(length)}, 0, 0, "effects: all months")
        if not people:
            system.total(n, [("n", *where)], "effects: everybody")
        elif len(people) == 1:
            system.total(n, [("known", *where, people[0])], "effects: known")
        reading.rate(worked, n, length, row[f"mean_{side}"], "effects: mean", is_curve=is_curve)
    else:
        reading.rate(worked, watched, 1, row[f"mean_{side}"], "effects: mean", is_curve=is_curve)
    return {n, ever, never, worked, watched}


def degrees(reading: Reading, row: Row) -> None:
    """Degrees of freedom of cr1: the persons of the regression less one, but for rows that say otherwise."""
    if "Satterthwaite" in str(row["note"]):
        return
    df, _span = shown(row["df"]), (int(row["month_from"]), int(row["month_to"]))
    if df is None or row["variance"] != "cr1" or df != int(df) or row["estimator"] != "ols" or row["subgroup"] != ALL:
        return
    names = in_regression(reading, row, "in")
    if names:
        loose = reading.rules.base // 2 if reading.rules.base and df % reading.rules.base == 0 else 0
        reading.system.relate(
            {name: 1.0 for name in names}, df + 1 - loose, df + 1 + loose, "effects: degrees of freedom"
        )


def in_regression(reading: Reading, row: Row, kind: str) -> list[Name]:
    """Persons (``in``) or months (``watched``) of a whole regression by arm; by centre where no row is of all."""
    who = (int(row["month_from"]), int(row["month_to"]), population(reading, row))
    if row["analysis"] in OF_ONE_CENTRE:
        return [(kind, row["centre"], arm, *who) for arm in arms(reading)]
    places = sorted({r["centre"] for r in reading.rows("employment_by_month")} - {ALL})
    for scope in ([ALL], places):
        names = [(kind, centre, arm, *who) for centre in scope for arm in arms(reading)]
        if all(name in reading.system.low for name in names):
            return names
    return []


def arms(reading: Reading) -> list[str]:
    """All arms."""
    return sorted({row["arm"] for row in reading.rows("employment_by_month")})


def missing(reading: Reading) -> None:
    """Complete cases and who lacks a covariate are everybody, but for persons of whom no month is observed."""
    for row in reading.rows("missing_data"):
        for side, arm in sides(row):
            about, whole = row["method"], ("n", ALL, arm)
            is_seen = is_balanced(reading, ALL, arm, int(row["month_from"]), int(row["month_to"]))
            n, lack = (
                ("bounded", about, ALL, arm, row["month_to"]),
                ("lacks", row["about"], about, ALL, arm, row["month_to"]),
            )
            reading.count(n, row[f"n_{side}"], "missing_data")
            reading.count(lack, row[f"n_missing_{side}"], "missing_data")
            parts = {"complete_case": [n, lack], "indicator": [n], "observed": [n]}.get(about, [])
            if parts and is_seen:
                reading.system.total(whole, parts, "missing_data")
            elif parts:
                reading.system.relate({whole: 1.0, **dict.fromkeys(parts, -1.0)}, 0.0, FAR, "missing_data")
            if row["about"] == "covariates":
                other = ("lacks", "covariates", "complete_case", ALL, arm, row["month_to"])
                reading.system.total(other, [lack] if lack != other else [other], "missing_data")
                for v in sorted({r["variable"] for r in reading.rows("balance")} if is_seen else ()):
                    if v in ("age", "female", "less_than_upper_secondary", "native_born"):
                        reading.system.at_most(("missing", ALL, arm, v), lack, "missing_data: covariate")


def accumulated(reading: Reading) -> None:
    """Mean months in a job by a month are sums of the curve."""
    for row in reading.rows("accumulated"):
        first, last = int(row["month_from"]), int(row["month_to"])
        for side, arm in sides(row):
            n = ("followed", ALL, arm, first, last, row["outcome"])
            reading.count(n, row[f"n_{side}"], "accumulated")
            reading.system.at_most(n, ("n", ALL, arm), "accumulated")
            if row["outcome"] == "ordinary_months" and is_balanced(reading, ALL, arm, first, last):
                months = ("worked", ALL, arm, first, last, ())
                reading.system.total(months, [("job", ALL, arm, k) for k in range(first, last + 1)], "accumulated")
                reading.system.total(n, [("n", ALL, arm)], "accumulated")
                reading.rate(months, n, 1, row[f"mean_{side}"], "accumulated")


# --- who has achieved what by a month ------------------------------------------------------------


def achieved(reading: Reading) -> None:
    """Who has achieved it by a month is among those of later months; who kept it among those who ever had it."""
    names: set[Name] = set()
    by_month: dict[tuple[object, ...], dict[int, None]] = {}
    for row in reading.rows("achieved"):
        if row["measure"] == "waiting_days" or is_adjusted(row) or row["status"] in OF_NOBODY:
            continue
        last, what = int(row["by_month"]), (row["outcome"], row["measure"])
        for side, arm in sides(row):
            names |= of_achieved(reading, row, side, (row["centre"], arm), last)
            by_month.setdefault((row["centre"], arm, *what), {})[last] = None
    margins(reading, names, "achieved")
    for (centre, arm, outcome, measure), months in by_month.items():
        of = [has(centre, arm, last, outcome, measure) for last in sorted(months)]
        for earlier, later in itertools.pairwise(of):
            newly = ("newly", *later[1:])
            if measure != "months":
                reading.system.total(later, [earlier, newly], "achieved: later")
        for last in months if measure.startswith("kept") else ():
            ever, kept = (has(centre, arm, last, outcome, m) for m in ("ever", measure))
            reading.system.total(ever, [kept, ("unkept", *kept[1:])], "achieved: kept")


OF_NOBODY = ("no_days", "no_jobs", "not_delivered")  # the measure is nobody's


def is_adjusted(row: Row) -> bool:
    """Whether covariates are held, which some persons may lack."""
    return any(name in row["adjustment"].split(" + ") for name in ("age", "female"))


def has(centre: str, arm: str, last: int, outcome: str, measure: str) -> Name:
    """Who has achieved something by a month."""
    return ("worked" if measure == "months" else "ever", centre, arm, 1, last, (outcome, measure))


def of_achieved(reading: Reading, row: Row, side: str, where: Where, last: int) -> set[Name]:
    """One arm of a row."""
    system, people = reading.system, (row["outcome"], row["measure"])
    n, yes = ("in", *where, 1, last, people), has(*where, last, *people)
    reading.count(n, row[f"n_{side}"], "achieved: n")
    system.at_most(n, ("n", *where), "achieved: n")
    reading.rate(yes, n, 1, row[f"mean_{side}"], "achieved: mean")
    months, is_primary = range(1, last + 1), row["outcome"] == reading.tables["effects"][0]["outcome"]
    if is_primary and is_balanced(reading, *where, 1, last):
        system.total(n, [("n", *where)], "achieved: everybody")
    if row["measure"] == "months":
        if is_primary and is_balanced(reading, *where, 1, last):
            system.total(yes, [("job", *where, k) for k in months], "achieved: months")
        ever = has(*where, last, row["outcome"], "ever")
        system.relate({yes: 1.0, ever: -float(last)}, -1e7, 0.0, "achieved: months of those who ever")
        if is_primary and is_balanced(reading, *where, 1, last):
            system.at_most(ever, yes, "achieved: months of those who ever")
        return {n, yes}
    no = ("never", *yes[1:])
    split(reading, n, yes, no, "achieved")
    if row["measure"] == "ever" and is_primary:
        for k in months:
            if ("job", *where, k) in system.low:
                system.at_most(("job", *where, k), yes, "achieved: ever")
        after = max(int(r["month"]) for r in reading.rows("employment_by_month"))
        every = ("ever", *where, 0, after, ())
        if last == after and every in system.low and is_balanced(reading, *where, 0, after):
            system.total(every, [yes, ("newly", *where, 0, after, people)], "achieved: from month 1 on")
            system.at_most(("newly", *where, 0, after, people), ("job", *where, 0), "achieved: month 0")
        first_jobs_by(reading, where, last, yes)
    return {n, yes, no}


def first_jobs_by(reading: Reading, where: Where, last: int, yes: Name) -> None:
    """Who has found a first job by a month: those of months from 1 on, and who had one in month 0 only."""
    system, arm = reading.system, where[1]
    rows = [r for r in reading.rows("time_to_job") if r["arm"] == arm]
    if where[0] != ALL or not rows or int(rows[0]["month"]) or not is_balanced(reading, *where, 0, last):
        return
    if is_whole(reading, arm, 0):
        only = ("newly", *where, 0, last, "month 0 only")
        system.total(("found", arm, last), [("first", arm, k) for k in range(last + 1)], "achieved: first jobs")
        system.total(("found", arm, last), [yes, only], "achieved: first jobs")
        system.at_most(only, ("job", *where, 0), "achieved: first jobs")
