"""What the tables that follow from effects rest on: entries of the ledger for tests, pooling, curves and checks.

Every function here names cells that may be released because what they come from may. Numbers of persons in them are
those of the flow and of the effects.
"""

import itertools
from collections.abc import Iterable, Iterator, Set
from dataclasses import replace
from typing import Any

from ipseval.config import ORDINARY_EMPLOYMENT
from ipseval.disclosure.characteristics import persons_of_level
from ipseval.disclosure.counted import months_employed, sum_of_months
from ipseval.disclosure.ledger import Count, Entry, Key, Shown, total
from ipseval.disclosure.modelled import ESTIMATE, Effects, effect_key
from ipseval.disclosure.study import ALL, EMPLOYED, Study, analysed
from ipseval.disclosure.within import CALENDAR_FREE, TOLD, told, within_centres
from ipseval.words import is_known

ASSIGNED, CENTRE = "assigned[", ":centre["
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


def coefficients(study: Study) -> Iterator[Entry]:
    """Terms of the pooled regressions: an effect is released as in the table of effects, the others by the whole.

    The residuals of a centre, and of a month, sum to zero: its term gives back how many months in the outcome its
    persons have, and how many persons are in it.
    """
    known = Effects(study)
    counted = known.outcomes
    n_terms = study.tables["coefficients"].groupby("analysis")["term"].nunique()
    for i, row in study.rows("coefficients"):
        analysis = row["analysis"]
        if not row["n_obs"]:  # a regression that was not done counts nobody
            yield Shown("coefficients", i, ("n_persons", "n_obs"))
            continue
        whole = persons_of(known, analysis, row["n_persons"])
        yield Count(whole, row["n_persons"], upper=study.n_randomised)
        yield Shown("coefficients", i, ("n_persons", "n_obs"), (whole,))
        keys: tuple[Key, ...] = ()
        fewest = float(row["n_persons"])
        if row["n_persons"] - n_terms[analysis] < study.profile.min_residual_df:
            fewest = 0
        if row["term"].startswith(ASSIGNED):
            arm, _, centre = row["term"].removeprefix(ASSIGNED).rstrip("]").partition("]" + CENTRE)
            subgroup = "difference" if known.analysis(analysis).subgroup else ALL
            months = known.analysis(analysis).windows(study.cohort.window)[0]
            keys, fewest = known.behind.get((analysis, subgroup, centre or ALL, *months, arm), ((), 0.0))
        levels = persons_of_level(study, row["term"])
        keys, fewest = (*keys, *(levels or ())), 0.0 if levels is None else fewest
        yield Shown("coefficients", i, ESTIMATE, (*keys, *outcomes_of_term(study, known, row, counted), whole), fewest)
    yield from within_centres(study, counted)
    for analysis in study.tables["coefficients"]["analysis"].unique():
        sample = known.sample(analysis)
        if sample:
            yield total(("in", ALL, ALL, sample, ""), [("in", ALL, a, sample, "") for a in study.arms])


def outcomes_of_term(study: Study, known: Effects, row: dict[str, Any], counted: Set[Key]) -> tuple[Key, ...]:
    """Keys of what a term of a centre or a month gives back, as far as they are counted.

    A term is a difference from the centre, or the month, that has none; the intercept is that one's level.
    """
    name, _, level = row["term"].rstrip("]").partition("[")
    if row["term"].startswith(ASSIGNED):
        return ()
    analysis = known.analysis(row["analysis"])
    if set(analysis.time) - {MONTH}:  # who was followed in which calendar month is told nowhere
        return ()
    first, last = analysis.windows(study.cohort.window)[0]
    keys: list[Key] = []
    if name in (MONTH, "intercept") and analysis.outcome == study.cohort.outcome.primary:
        months = without_term(study, row["analysis"], MONTH, range(first, last + 1))
        keys += [(EMPLOYED, ALL, arm, int(month)) for month in (*months, level) if month != "" for arm in study.arms]
    centres = [ALL]  # with the means of the balance table every term tells how far the arms' means are apart
    if name in ("centre", "intercept"):
        centres += [*without_term(study, row["analysis"], "centre", study.centres), level]
    sample = known.sample(row["analysis"])
    keys += [("months", c, arm, analysis.outcome, sample, "", first, last) for c in centres for arm in study.arms]
    pooled = () if sample else told(study, analysis)
    return (*pooled, *(key for key in keys if key in counted or key[0] == EMPLOYED))


def without_term(study: Study, analysis: str, name: str, levels: Iterable[Any]) -> list[Any]:
    """Levels that a regression has no term of, against which its terms are held; none where it has no such terms."""
    table = study.tables["coefficients"]
    terms = set(table.loc[table["analysis"] == analysis, "term"])
    if not any(term.startswith(f"{name}[") for term in terms):
        return []
    return [level for level in levels if f"{name}[{level}]" not in terms]


def persons_of(known: Effects, name: str, n: float) -> Key:
    """Key of the n persons in a regression over all centres."""
    study, sample, analysis = known.study, known.sample(name), known.analysis(name)
    if n == study.n_analysed[ALL, ALL]:
        return analysed(ALL, ALL)
    first, last = analysis.windows(study.cohort.window)[0]
    return ("in", ALL, ALL, sample or f"{analysis.outcome} {first} {last}", "")


def randomisation(study: Study) -> Iterator[Entry]:
    """Tests by re-drawn assignment: as the effects."""
    known = Effects(study)
    for i, row in study.rows("randomisation"):
        keys, fewest = known.behind[effect_key(row)]
        yield Shown("randomisation", i, ("estimate", "std_error", "statistic", "p_value", "p_adjusted"), keys, fewest)
        yield Shown("randomisation", i, ("draws", "seed"))


def bands(study: Study) -> Iterator[Entry]:
    """Simultaneous bands: as the effects of each month."""
    known = Effects(study)
    for i, row in study.rows("bands"):
        month = int(row["month"])
        keys, fewest = known.behind[row["analysis"], ALL, ALL, month, month, row["arm"]]
        yield Shown("bands", i, ESTIMATE, keys, fewest)


def centre_effects(study: Study) -> Iterator[Entry]:
    """Effects of centres put together: all of an analysis and arm, or none, for each follows from the others."""
    known = Effects(study)
    for i, row in study.rows("centre_effects"):
        keys, fewest = together(study, known, row["analysis"], row["arm"])
        own = effects_at(known, row["analysis"], row["centre"], row["arm"])
        sample = known.sample(row["analysis"])
        for column, arm in (("n_assigned", row["arm"]), ("n_control", study.arms[0])):
            key = ("in", row["centre"], arm, sample, "") if sample else analysed(row["centre"], arm)
            yield Shown("centre_effects", i, (column,), (key,))
        yield Shown("centre_effects", i, OF_CENTRE, (*keys, *own[0]), min(fewest, own[1]))


def heterogeneity(study: Study) -> Iterator[Entry]:
    """How much centres differ: when every centre's effect may be released."""
    known = Effects(study)
    for table in ("heterogeneity", "pooled_effects"):
        for i, row in study.rows(table):
            yield Shown(table, i, OF_ALL, *together(study, known, row["analysis"], row["arm"]))
            yield Shown(table, i, ("n_centres", "n_left_out"))


def together(study: Study, known: Effects, analysis: str, arm: str) -> tuple[tuple[Key, ...], float]:
    """Keys and fewest persons behind all centres' effects that are pooled."""
    frame = study.tables["centre_effects"]
    rows = frame[(frame["analysis"] == analysis) & (frame["arm"] == arm) & frame["weight_precision"].notna()]
    found = [effects_at(known, analysis, centre, arm) for centre in rows["centre"].unique()]
    return tuple(dict.fromkeys(key for keys, _ in found for key in keys)), min((n for _, n in found), default=0.0)


def effects_at(known: Effects, analysis: str, centre: str, arm: str) -> tuple[tuple[Key, ...], float]:
    """Keys and fewest persons behind the effect of a centre over the follow-up."""
    months = known.analysis(analysis).windows(known.study.cohort.window)[0]
    return known.behind.get((analysis, ALL, centre, *months, arm), ((), 0.0))


def restricted_mean(study: Study) -> Iterator[Entry]:
    """Mean months without a job by arm, and differences: when enough of the arms found one, were lost or neither."""
    rows = study.rows("restricted_mean")
    fewest = {row["arm"]: _fewest(row) for _, row in rows if not isinstance(row["reference_arm"], str)}
    for i, row in rows:
        arms = [row["arm"], *([row["reference_arm"]] if isinstance(row["reference_arm"], str) else [])]
        whole = tuple(analysed(ALL, arm) for arm in arms)
        yield Shown("restricted_mean", i, ("n_persons",), whole[:1])
        yield Shown("restricted_mean", i, ("n_events", "n_censored"), whole[:1], fewest[row["arm"]])
        yield Shown("restricted_mean", i, ESTIMATE, whole, min(fewest[arm] for arm in arms))


def _fewest(row: dict[str, Any]) -> float:
    """The fewest persons, but for none, who found a job, were lost or did neither."""
    parts = (row["n_events"], row["n_censored"], row["n_persons"] - row["n_events"] - row["n_censored"])
    return float(min((n for n in parts if n > 0), default=0))


def accumulated(study: Study) -> Iterator[Entry]:
    """What persons have accumulated, over all centres; who is left out is counted as well."""
    for i, row in study.rows("accumulated"):
        label = f"{row['outcome']} {int(row['month_from'])} {int(row['month_to'])}"
        keys = []
        for side, arm in (("assigned", row["arm"]), ("control", row["reference_arm"])):
            yield from left_out(study, key := in_key(study, row[f"n_{side}"], arm, label), row[f"n_{side}"], arm)
            yield Shown("accumulated", i, (f"n_{side}",), (key,))
            keys.append(key)
            if row["outcome"] == "ordinary_months" and study.cohort.outcome.primary == ORDINARY_EMPLOYMENT:
                span = int(row["month_from"]), int(row["month_to"])
                yield from sum_of_months(study, arm, *span)
                yield Shown("accumulated", i, (f"mean_{side}",), (months_employed(study, arm, *span), key), over=1.0)
            else:
                yield Shown("accumulated", i, (f"mean_{side}",), (key,), row[f"n_{side}"])
        fewest = min(row["n_assigned"], row["n_control"])
        yield Shown("accumulated", i, ESTIMATE, tuple(keys), fewest)


def in_key(study: Study, n: float, arm: str, label: str) -> Key:
    """Key of the persons of an arm who are in an estimate over all centres."""
    return analysed(ALL, arm) if n == study.n_analysed[ALL, arm] else ("in", ALL, arm, label, "")


def left_out(study: Study, key: Key, n: float, arm: str) -> Iterator[Entry]:
    """Persons who are in an estimate, and those who are not."""
    if key[0] == "in":
        whole = study.n_analysed[ALL, arm]
        yield Count(key, n, upper=study.n_randomised)
        yield Count(("out", *key[1:]), whole - n, upper=study.n_randomised)
        yield total(analysed(ALL, arm), [key, ("out", *key[1:])])


def over_all(table: str, study: Study, columns: tuple[str, ...]) -> Iterator[Entry]:
    """Adjusted estimates over all centres, whose persons are counted beside them."""
    for i, row in study.rows(table):
        if not is_known(row["n_assigned"]):  # not estimated, and nobody is counted
            continue
        keys = []
        for side, arm in (("assigned", row["arm"]), ("control", row["reference_arm"])):
            n = row[f"n_{side}"]
            keys.append(key := in_key(study, n, arm, f"n {study.n_analysed[ALL, arm] - n:g}"))
            yield from left_out(study, key, n, arm)
            yield Shown(table, i, (f"n_{side}",), (key,))
        fewest = min(row["n_assigned"], row["n_control"])
        yield Shown(table, i, columns, tuple(keys), fewest)


def specifications(study: Study) -> Iterator[Entry]:
    """The pooled effect under every combination of choices; the main definition of the outcome counts its months."""
    free = study.tables["specifications"]["time"].isin(CALENDAR_FREE).tolist()
    for entry in over_all("specifications", study, ESTIMATE):
        if isinstance(entry, Shown) and entry.columns == ESTIMATE and free[entry.row]:
            entry = replace(entry, keys=(*entry.keys, *((TOLD, ALL, arm) for arm in study.arms)))
        yield entry
    frame = study.tables["specifications"]
    definition = ["month_rule", "min_weekly_hours", "exclude_wage_subsidy"]
    main = frame.loc[frame["is_main"], definition].astype(str).agg("|".join, axis=1).unique()
    for i, row in study.rows("specifications"):
        if not is_known(row["n_control"]):
            continue
        is_main = "|".join(str(row[name]) for name in definition) in main
        span = int(row["month_from"]), int(row["month_to"])
        keys = (analysed(ALL, row["reference_arm"]), *([months_employed(study, row["reference_arm"], *span)] * is_main))
        yield from sum_of_months(study, row["reference_arm"], *span)
        yield Shown("specifications", i, ("mean_control",), keys, row["n_control"])
        if study.is_complete:
            yield Shown("specifications", i, ("n_obs",), (analysed(ALL, ALL),))


def complier_effects(study: Study) -> Iterator[Entry]:
    """Effects in those who receive: when enough persons of both arms did and did not."""
    columns = (*ESTIMATE, "itt", "itt_std_error", "first_stage", "first_stage_std_error", "first_stage_f")
    few = few_received(study)
    for entry in over_all("complier_effects", study, columns):
        if isinstance(entry, Shown) and entry.columns == columns:
            row = study.tables["complier_effects"].iloc[entry.row]
            span, control = (int(row["month_from"]), int(row["month_to"])), row["reference_arm"]
            keys = (analysed(ALL, control), months_employed(study, control, *span))
            yield from sum_of_months(study, control, *span)
            yield Shown("complier_effects", entry.row, ("mean_control",), keys)
            yield Shown("complier_effects", entry.row, ("n_persons", "n_obs"), (analysed(ALL, ALL),))
            if span in few:
                continue
        yield entry


def few_received(study: Study) -> set[tuple[int, int]]:
    """Months within which so few of an arm received a service, or did not, that a model would tell of them."""
    found = set()
    for _, row in study.rows("receipt"):
        if row["centre"] == ALL and is_known(row["n_received"]):
            sides = (row["n_received"], row["n_persons"] - row["n_received"])
            if any(0 < n < study.least for n in sides):
                found.add((int(row["month_from"]), int(row["month_to"])))
    return found


def event_study(study: Study) -> Iterator[Entry]:
    """Changes of the arms from the period before randomisation: differences of months' shares, protected as they."""
    for i, row in study.rows("event_study"):
        spans, arms = spans_of(study, row), (row["arm"], row["reference_arm"])
        for span, arm in itertools.product(spans, arms):
            yield from sum_of_months(study, arm, *span)
        persons = tuple(analysed(ALL, arm) for arm in arms)
        yield Shown("event_study", i, ("n_assigned", "n_control"), persons)
        yield Shown("event_study", i, ("n_obs", "n_persons"), (analysed(ALL, ALL),))
        yield Shown("event_study", i, ESTIMATE, (*months_behind(study, row), *persons))


def spans_of(study: Study, row: dict[str, Any]) -> list[tuple[int, int]]:
    """First and last months of a period and of the base."""
    frame = study.tables["event_study"]
    bases = frame[frame["is_base"] & (frame["arm"] == row["arm"])]
    spans = [(row["month_from"], row["month_to"]), *zip(bases["month_from"], bases["month_to"], strict=True)]
    return [(int(first), int(last)) for first, last in spans]


def months_behind(study: Study, row: dict[str, Any]) -> tuple[Key, ...]:
    """Keys of the months of a period and of the base, in both arms."""
    arms = (row["arm"], row["reference_arm"])
    return tuple(months_employed(study, arm, *span) for span, arm in itertools.product(spans_of(study, row), arms))


def placebo(study: Study) -> Iterator[Entry]:
    """The joint test of the periods before: when all of their estimates may be released."""
    for i, row in study.rows("placebo"):
        rows = [r for _, r in study.rows("event_study") if r["arm"] == row["arm"] and r["month_from"] < 0]
        keys = dict.fromkeys(key for r in rows for key in months_behind(study, r))
        yield Shown("placebo", i, (*ESTIMATE, "wald_f", "wald_df1", "wald_df2", "wald_p"), tuple(keys))
        yield Shown("placebo", i, ("n_periods", "n_obs", "n_persons"), (analysed(ALL, ALL),))


def missing_data(study: Study) -> Iterator[Entry]:
    """The pooled effect under ways of treating what is missing; who lacks something is counted."""
    for i, row in study.rows("missing_data"):
        keys = []
        for side, arm in (("assigned", row["arm"]), ("control", row["reference_arm"])):
            whole, n_missing = study.n_analysed[ALL, arm], row[f"n_missing_{side}"]
            out = ("out", ALL, arm, f"{row['about']} {row['month_from']} {row['month_to']}", "")
            own = in_key(study, whole - n_missing, arm, out[3])
            yield from left_out(study, own, whole - n_missing, arm)
            is_in = own if row[f"n_{side}"] == whole - n_missing else analysed(ALL, arm)
            if row[f"n_{side}"] not in (whole, whole - n_missing):  # bounds of a month: who could be observed
                is_in = in_key(study, row[f"n_{side}"], arm, f"could {row['month_to']}")
                yield from left_out(study, is_in, row[f"n_{side}"], arm)
            keys.append(is_in)
            yield Shown("missing_data", i, (f"n_{side}",), (is_in,))
            lacking = own if own == analysed(ALL, arm) else out
            yield Shown("missing_data", i, (f"n_missing_{side}", f"n_months_missing_{side}"), (lacking,))
            yield Shown("missing_data", i, (f"n_months_outside_{side}",), (own,))
        fewest = min(row["n_assigned"], row["n_control"])
        if row["month_from"] == row["month_to"]:  # bounds of one month: when nobody is missing, the months' shares
            keys += [(EMPLOYED, ALL, arm, int(row["month_to"])) for arm in (row["arm"], row["reference_arm"])]
        yield Shown("missing_data", i, (*ESTIMATE, "share_trimmed"), tuple(keys), fewest)
