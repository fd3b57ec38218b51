"""What the tables that follow from effects rest on: entries of the ledger for tests, pooling, curves and checks.

Every function here names cells that may be released because what they come from may. Numbers of persons in them are
those of the flow and of the effects.
"""

from collections.abc import Callable, Iterator, Set
from typing import Any

import pandas as pd

from ipseval.config import ORDINARY_EMPLOYMENT, Cohort
from ipseval.cost import cost as costs_of
from ipseval.disclosure.cells import SIGNIFICANT, significant
from ipseval.disclosure.characteristics import persons_of_level
from ipseval.disclosure.counted import months_employed, sum_of_months
from ipseval.disclosure.keys import ALL, Employed, In, Key, Months
from ipseval.disclosure.ledger import Count, Entry, Printed, Shown, nobody, total
from ipseval.disclosure.modelled import ESTIMATE
from ipseval.disclosure.regressed import Effects, Label, Rests, effect_label, sides, whole_key
from ipseval.disclosure.samples import Accumulated, AllBut, Complete, Sample, Span
from ipseval.disclosure.study import Study, analysed, inside
from ipseval.disclosure.within import told, within_centres
from ipseval.terms import CENTRE, INTERCEPT, TIME, Parts, parts_of
from ipseval.words import HIDDEN_SIGN as SIGN
from ipseval.words import is_known

MONTH = "month_since_randomisation"
OF_CENTRE = (
    *("estimate", "std_error", "ci_low", "ci_high", "minimum_detectable", "weight_precision", "weight_random"),
    *("shrunken", "shrunken_low", "shrunken_high", "pooled_without", "pooled_without_std_error"),
)
OF_ALL = (
    *("q", "df", "p_value", "i2", "tau", "tau_low", "tau_high", "pooled", "std_error", "ci_low", "ci_high"),
    *("prediction_low", "prediction_high", "wald_f", "wald_df1", "wald_df2", "wald_p", "knapp_hartung"),
    *("estimate", "minimum_detectable"),
)
OF_INTERVAL = ("ci_low", "ci_high", "acceptable_80", "acceptable_90", "acceptable_95")
OF_COST = ("effect", "ratio", *OF_INTERVAL)


def coefficients(study: Study) -> Iterator[Entry]:
    """Terms of the pooled regressions: an effect is released as in the table of effects, the others by the whole.

    The residuals of a centre, and of a month, sum to zero: its term gives back how many months in the outcome its
    persons have, and how many persons are in it.
    """
    known = Effects(study)
    counted = known.outcomes
    months = {row["analysis"]: whole_key(known, row) for _, row in study.rows("effects") if row["n_obs"]}
    rows = study.rows("coefficients")
    terms: dict[str, dict[Parts, None]] = {}
    for _, row in rows:
        terms.setdefault(row["analysis"], {})[parts_of(row)] = None
    for i, row in rows:
        analysis = row["analysis"]
        if not row["n_obs"]:  # a regression that was not done counts nobody
            yield from nobody("coefficients", i, ("n_persons", "n_obs"))
            continue
        whole = persons_of(known, analysis, row["n_persons"])
        yield Count(whole, row["n_persons"], upper=study.n_randomised)
        yield Printed("coefficients", i, "n_persons", whole)
        yield Printed("coefficients", i, "n_obs", months[analysis].key, months[analysis].factor, beside=(whole,))
        rests = Rests(fewest=float(row["n_persons"]))
        if row["n_persons"] - len(terms[analysis]) < study.profile.min_residual_df:
            rests = Rests()
        term = parts_of(row)
        if term.arm:
            subgroup = "difference" if known.analysis(analysis).subgroup else ALL
            first, last = known.analysis(analysis).windows(study.cohort.window)[0]
            rests = known.behind.get(Label(analysis, subgroup, term.centre or ALL, first, last, term.arm), Rests())
        levels = persons_of_level(study, term)
        fewest = 0.0 if levels is None else rests.fewest
        keys = (
            *rests.keys,
            *(levels or ()),
            *outcomes_of_term(known, analysis, term, list(terms[analysis]), counted),
            whole,
        )
        yield Shown("coefficients", i, ESTIMATE, keys, fewest)
    yield from within_centres(study, counted)
    for analysis in study.tables["coefficients"]["analysis"].unique():
        first, last = known.analysis(analysis).windows(study.cohort.window)[0]
        span = Span(known.analysis(analysis).outcome, first, last, Complete(known.sample(analysis)))
        whole = known.persons(ALL, ALL, span)
        if isinstance(whole, In):
            yield total(whole, [whole.of(arm) for arm in study.arms])


def outcomes_of_term(known: Effects, name: str, term: Parts, beside: list[Parts], counted: Set[Key]) -> tuple[Key, ...]:
    """Keys of what a term of a centre or a month gives back, as far as they are counted.

    A term is a difference from the centre, or the month, that has none; the intercept is that one's level.
    """
    if term.arm:
        return ()
    study, analysis, is_intercept = known.study, known.analysis(name), term.kind == INTERCEPT
    if set(analysis.time) - {MONTH}:  # who was followed in which calendar month is told nowhere
        return ()
    first, last = analysis.windows(study.cohort.window)[0]
    keys: list[Key] = []
    is_month = term.kind == TIME and term.variable == MONTH
    if (is_month or is_intercept) and analysis.outcome == study.cohort.outcome.primary:
        months = [*_without_month(beside, first, last), *([int(term.level)] if is_month else [])]
        keys += [Employed(ALL, arm, month) for month in months for arm in study.arms]
    centres = [ALL]  # with the means of the balance table every term tells how far the arms' means are apart
    if term.kind == CENTRE or is_intercept:
        centres += [*_without_centre(study, beside), *([term.centre] if term.centre else [])]
    sample = known.sample(name)
    span = Span(analysis.outcome, first, last, Complete(sample))
    wholes = [Months(c, arm, span) for c in centres for arm in study.arms]
    keys += [key for whole in wholes for key in known.outcomes_at(whole)]
    pooled = () if sample else told(study, analysis)
    return (*pooled, *(key for key in keys if key in counted or isinstance(key, Employed)))


def _without_month(terms: list[Parts], first: int, last: int) -> list[int]:
    """Months that a regression has no term of, against which its terms are held; none where it has no such terms."""
    named = {int(term.level) for term in terms if term.kind == TIME and term.variable == MONTH}
    return [month for month in range(first, last + 1) if month not in named] if named else []


def _without_centre(study: Study, terms: list[Parts]) -> list[str]:
    """The same of centres."""
    named = {term.centre for term in terms if term.kind == CENTRE}
    return [centre for centre in study.centres if centre not in named] if named else []


def persons_of(known: Effects, name: str, n: float) -> Key:
    """Key of the n persons in a regression over all centres."""
    study, analysis = known.study, known.analysis(name)
    if n == study.n_analysed[ALL, ALL]:
        return analysed(ALL, ALL)
    first, last = analysis.windows(study.cohort.window)[0]
    return known.persons(ALL, ALL, Span(analysis.outcome, first, last, Complete(known.sample(name))))


def randomisation(study: Study) -> Iterator[Entry]:
    """Tests by re-drawn assignment: as the effects."""
    known = Effects(study)
    for i, row in study.rows("randomisation"):
        rests = known.behind[effect_label(row)]
        numbers = ("estimate", "std_error", "statistic", "p_value", "p_adjusted")
        yield Shown("randomisation", i, numbers, rests.keys, rests.fewest)
        yield Shown("randomisation", i, ("draws", "seed"))


def bands(study: Study) -> Iterator[Entry]:
    """Simultaneous bands: as the effects of each month."""
    known = Effects(study)
    for i, row in study.rows("bands"):
        month = int(row["month"])
        rests = known.behind[Label(row["analysis"], ALL, ALL, month, month, row["arm"])]
        yield Shown("bands", i, ESTIMATE, rests.keys, rests.fewest)


def centre_effects(study: Study) -> Iterator[Entry]:
    """Effects of centres put together: all of an analysis and arm, or none, for each follows from the others."""
    known = Effects(study)
    for i, row in study.rows("centre_effects"):
        all_of_them = together(study, known, row["analysis"], row["arm"])
        own = effects_at(known, row["analysis"], row["centre"], row["arm"])
        analysis = known.analysis(row["analysis"])
        first, last = analysis.windows(study.cohort.window)[0]
        span = Span(analysis.outcome, first, last, Complete(known.sample(analysis.name)))
        for column, arm in (("n_assigned", row["arm"]), ("n_control", study.arms[0])):
            yield Printed("centre_effects", i, column, known.persons(row["centre"], arm, span))
        keys, fewest = (*all_of_them.keys, *own.keys), min(all_of_them.fewest, own.fewest)
        yield Shown("centre_effects", i, OF_CENTRE, keys, fewest)


def heterogeneity(study: Study) -> Iterator[Entry]:
    """How much centres differ: when every centre's effect may be released."""
    known = Effects(study)
    for table in ("heterogeneity", "pooled_effects"):
        for i, row in study.rows(table):
            rests = together(study, known, row["analysis"], row["arm"])
            yield Shown(table, i, OF_ALL, rests.keys, rests.fewest)
            yield Shown(table, i, ("n_centres", "n_left_out"))


def together(study: Study, known: Effects, analysis: str, arm: str) -> Rests:
    """What all centres' effects that are pooled rest on."""
    frame = study.tables["centre_effects"]
    rows = frame[(frame["analysis"] == analysis) & (frame["arm"] == arm) & frame["weight_precision"].notna()]
    found = [effects_at(known, analysis, centre, arm) for centre in rows["centre"].unique()]
    keys = tuple(dict.fromkeys(key for rests in found for key in rests.keys))
    return Rests(keys, min((rests.fewest for rests in found), default=0.0))


def withheld(study: Study, allows: Callable[[Shown], bool]) -> dict[tuple[str, str], set[str]]:
    """Centres whose effect stays inside, by analysis and arm; only where at least two others may leave."""
    known, found = Effects(study), {}
    frame = study.tables["centre_effects"]
    frame = frame[frame["weight_precision"].notna()]
    for (analysis, arm), rows in frame.groupby(["analysis", "arm"], sort=False):
        effects = {c: effects_at(known, str(analysis), c, str(arm)) for c in rows["centre"]}
        inside = {c for c, r in effects.items() if not allows(Shown("effects", 0, OF_ALL, r.keys, r.fewest))}
        if inside and len(effects) - len(inside) > 1:
            found[str(analysis), str(arm)] = inside
    return found


def effects_at(known: Effects, analysis: str, centre: str, arm: str) -> Rests:
    """What the effect of a centre over the follow-up rests on."""
    first, last = known.analysis(analysis).windows(known.study.cohort.window)[0]
    return known.behind.get(Label(analysis, ALL, centre, first, last, arm), Rests())


def accumulated(study: Study) -> Iterator[Entry]:
    """What persons have accumulated, over all centres; who is left out is counted as well."""
    for i, row in study.rows("accumulated"):
        who = Accumulated(row["outcome"], int(row["month_from"]), int(row["month_to"]))
        keys = []
        for side, arm in sides(row):
            yield from left_out(study, key := in_key(study, row[f"n_{side}"], arm, who), row[f"n_{side}"])
            yield Printed("accumulated", i, f"n_{side}", key)
            keys.append(key)
            if row["outcome"] == "ordinary_months" and study.cohort.outcome.primary == ORDINARY_EMPLOYMENT:
                yield from sum_of_months(study, arm, who.first, who.last)
                months = months_employed(study, arm, who.first, who.last)
                yield Shown("accumulated", i, (f"mean_{side}",), (months, key), over=1.0)
            else:
                yield Shown("accumulated", i, (f"mean_{side}",), (key,), row[f"n_{side}"])
        fewest = min(row["n_assigned"], row["n_control"])
        yield Shown("accumulated", i, ESTIMATE, tuple(keys), fewest)


def cost(study: Study) -> Iterator[Entry]:
    """Costs of a month: what is left of an effect on months in employment, and leaves where that does."""
    behind = {
        (int(row["month_to"]), row["arm"], row["variance"]): row
        for _, row in study.rows("accumulated")
        if row["outcome"] == "ordinary_months"
    }
    for i, row in study.rows("cost"):
        effect = behind[int(row["by_month"]), row["arm"], row["variance"]]
        who = Accumulated(effect["outcome"], int(effect["month_from"]), int(effect["month_to"]))
        keys = tuple(in_key(study, effect[f"n_{side}"], arm, who) for side, arm in sides(effect))
        yield Shown("cost", i, OF_COST, keys, min(effect["n_assigned"], effect["n_control"]))


def of_released(cohort: Cohort, table: pd.DataFrame, accumulated: pd.DataFrame) -> pd.DataFrame:
    """The released costs of a month where counts are rounded: their ends are those of the released intervals.

    These are by rounded degrees of freedom, and an interval by the true ones would tell how many persons there are.

    Parameters
    ----------
    cohort : Cohort
    table, accumulated : DataFrame
        ``cost`` and ``accumulated`` as they may leave: ``:`` for what stays inside.

    Returns
    -------
    DataFrame
        The costs with ends, acceptable prices and ``status`` anew; hidden rows as they are.
    """
    is_hidden = (table == SIGN).any(axis=1)
    known = accumulated[~(accumulated[["estimate", "ci_low", "ci_high"]] == SIGN).any(axis=1)]
    made = table[["by_month", "arm"]].merge(costs_of(cohort, known).astype(object), on=["by_month", "arm"], how="left")
    ends = made[list(OF_INTERVAL)].map(lambda end: significant(end, SIGNIFICANT) if is_known(end) else None)
    anew = ends.astype(object).assign(status=made["status"]).set_index(table.index)
    columns = (*OF_INTERVAL, "status")
    return table.assign(**{name: table[name].where(is_hidden, anew[name]) for name in columns})


def in_key(study: Study, n: float, arm: str, who: Sample) -> Key:
    """Key of the persons of an arm who are in an estimate over all centres."""
    return analysed(ALL, arm) if n == study.n_analysed[ALL, arm] else In(ALL, arm, who)


def left_out(study: Study, key: Key, n: float) -> Iterator[Entry]:
    """Persons who are in an estimate, and those who are not."""
    yield from inside(study, key, analysed(ALL, key.arm), n, study.n_analysed[ALL, key.arm])


def over_all(table: str, study: Study, columns: tuple[str, ...]) -> Iterator[Entry]:
    """Adjusted estimates over all centres, whose persons are counted beside them."""
    for i, row in study.rows(table):
        if not is_known(row["n_assigned"]):  # not estimated, and nobody is counted
            continue
        keys = []
        for side, arm in sides(row):
            n = row[f"n_{side}"]
            keys.append(key := in_key(study, n, arm, AllBut(study.n_analysed[ALL, arm] - n)))
            yield from left_out(study, key, n)
            yield Printed(table, i, f"n_{side}", key)
        fewest = min(row["n_assigned"], row["n_control"])
        yield Shown(table, i, columns, tuple(keys), fewest)


def whole_trial(study: Study, table: str, i: int, row: dict[str, Any]) -> Iterator[Entry]:
    """Persons of an estimate over all arms, and their months where everybody is in it in each.

    Months in which some are not observed differ between definitions by single months: they stay inside.
    """
    whole = analysed(ALL, ALL)
    if is_known(row.get("n_persons")):
        n = float(row["n_persons"])
        n_left = study.n_analysed[ALL, ALL] - n
        key = In(ALL, ALL, AllBut(n_left)) if n_left else whole
        yield from inside(study, key, whole, n, study.n_analysed[ALL, ALL])
        yield Printed(table, i, "n_persons", key)
    length = row["n_obs"] / study.n_analysed[ALL, ALL] if is_known(row["n_obs"]) else 0.5
    if length == int(length):
        yield Printed(table, i, "n_obs", whole, length)
