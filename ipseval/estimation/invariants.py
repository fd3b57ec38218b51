"""Invariants of the tables that the stages wrote: a registry of checks that hold for every cohort."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ipseval.bound import BEST, COMPLETE, LOWER, MAIN, OBSERVED, UNORDERED, UPPER, WORST
from ipseval.config import ORDINARY_EMPLOYMENT, Analysis, Cohort
from ipseval.estimation import waiting_again
from ipseval.estimation.design import ALL
from ipseval.estimation.estimators import variances_of
from ipseval.estimation.strata import NONE
from ipseval.panel import MISSING, MONTH_COLUMN, outcome_matrix

Written = Mapping[str, pd.DataFrame]
RATIO_TOLERANCE = 1e-8  # relative to the larger of 1 and the effect: the same ratio from another library
NUMBERS = ["estimate", "std_error", "df", "statistic", "p_value", "ci_low", "ci_high"]
SPECIFICATION_TOLERANCE = 1e-12  # the same regression of the same panel, made twice
MEAN_TOLERANCE = 1e-9  # a share: the same mean from numbers that were written and read
BOUND_TOLERANCE = 1e-10  # the same regression, or bounds that are equal but for rounding
TOLERANCE_OF_SUMS = 1e-6  # of persons or months, from means
STATISTIC_TOLERANCE = 1e-8  # relative to the larger of 1 and |t|: the same t from other sums


@dataclass(frozen=True)
class Check:
    """One check: its name, whether it held, and what was seen."""

    name: str
    passed: bool
    detail: str


def flow_adds_up(cohort: Cohort, written: Written) -> Check:
    """Each step's persons are those of the step before less the excluded; centres and arms sum to ``all``."""
    flow = written["flow"].sort_values("order")
    steps = flow.groupby(["centre", "arm"], sort=False)
    left = steps["n_persons"].shift() - flow["n_excluded"]
    wrong = int((left.notna() & (left != flow["n_persons"])).sum())
    for column in ("centre", "arm"):
        other = "arm" if column == "centre" else "centre"
        counts = flow[flow[column] != ALL].groupby(["order", other])[["n_persons", "n_excluded"]].sum()
        totals = flow[flow[column] == ALL].set_index(["order", other])[["n_persons", "n_excluded"]]
        wrong += int((counts - totals).ne(0).to_numpy().sum())
    return Check("flow adds up", wrong == 0, f"{len(flow)} rows, {wrong} wrong")


def inclusion_is_end_of_flow(cohort: Cohort, written: Written) -> Check:
    """Inclusion's analysed persons are the last step of the flow."""
    flow = written["flow"]
    last = flow[(flow["step"] == "analysed") & (flow["arm"] == ALL)].set_index("centre")["n_persons"]
    inclusion = written["inclusion"].set_index("centre")["n_analysed"]
    wrong = int((last.reindex(inclusion.index) != inclusion).sum())
    return Check("inclusion is the end of the flow", wrong == 0, f"{len(inclusion)} centres, {wrong} differ")


def panel_is_rectangular(cohort: Cohort, written: Written) -> Check:
    """Each outcome has each person once, every month of the window, and no state but 1, 0 and -1."""
    panel, persons = written["panel"], pd.Index(written["people"]["person_id"]).sort_values()
    columns = [MONTH_COLUMN.format(k) for k in cohort.window.months]
    once = all(pd.Index(g["person_id"]).sort_values().equals(persons) for _, g in panel.groupby("outcome"))
    states = np.isin(panel[columns].to_numpy(), (MISSING, 0, 1)).all()
    return Check("panel is rectangular", bool(once and states), f"{len(panel)} rows of {len(columns)} months")


def shares_lie_between_0_and_1(cohort: Cohort, written: Written) -> Check:
    """Every share and mean of the outcome is a proportion."""
    shares = [written[t]["share"] for t in ("inclusion", "wage_subsidy", "employment_by_month")]
    every = pd.concat([*shares, written["effects"]["mean_control"]]).astype(float).dropna()
    wrong = int((~every.between(0, 1)).sum())
    return Check("shares lie between 0 and 1", wrong == 0, f"{len(every)} shares, {wrong} outside")


def effects_count_the_panel(cohort: Cohort, written: Written) -> Check:
    """Persons of the effect rows by centre are the analysed persons with an observed month."""
    people = written["people"][written["people"]["is_analysed"]]
    months = [MONTH_COLUMN.format(k) for k in range(cohort.window.after + 1)]
    panel = written["panel"][written["panel"]["outcome"] == cohort.outcome.primary].set_index("person_id")
    seen = people["person_id"].map((panel[months] != MISSING).any(axis=1))
    counted = people[seen].groupby(["centre", "arm"]).size()
    effects = written["effects"].query("analysis == 'centre_unadjusted'")
    wrong = 0
    for column, arm in (("n_assigned", "arm"), ("n_control", "reference_arm")):
        keys = pd.MultiIndex.from_frame(effects[["centre", arm]])
        wrong += int((counted.reindex(keys, fill_value=0).to_numpy() != effects[column].to_numpy()).sum())
    complete = bool(seen.all())
    included = written["inclusion"].set_index("centre")["n_analysed"].drop(ALL)
    total = counted.groupby("centre").sum().reindex(included.index, fill_value=0)
    wrong += int((total != included).sum()) if complete else int((total > included).sum())
    return Check("effects count the panel's persons", wrong == 0, f"{len(effects)} rows, {wrong} differ")


def effects_are_complete(cohort: Cohort, written: Written) -> Check:
    """One row an analysis, centre, month, arm and variance; numbers exactly where something was estimated."""
    effects = written["effects"]
    expected = sum(
        len(a.windows(cohort.window)) * len(variances_of(cohort, a.estimator)) * _effects_each(cohort, a)
        for a in cohort.analyses
    )
    numbers = effects[["estimate", "std_error", "df", "statistic", "p_value", "ci_low", "ci_high"]]
    estimated = effects["status"] == "estimated"
    odd = int((numbers.notna().all(axis=1) != estimated).sum() + (numbers.notna().any(axis=1) != estimated).sum())
    zero = int((effects["std_error"] <= 0).sum() + np.isinf(numbers.to_numpy(dtype=float)).sum())
    passed = len(effects) == expected and odd == 0 and zero == 0
    return Check("effects are complete", passed, f"{len(effects)} of {expected} rows, {odd + zero} with odd numbers")


def _effects_each(cohort: Cohort, analysis: Analysis) -> int:
    """Effects of an analysis in one window: one an arm and centre, or three of a subgroup."""
    by_centre = len(cohort.centres) if analysis.within or analysis.effect == "by_centre" else 1
    by_side = 3 if analysis.subgroup else 1
    return len(cohort.arms.treatments) * by_centre * by_side


def published_numbers_agree(cohort: Cohort, written: Written) -> Check:
    """Every number that the cohort's published tables print comes out as printed."""
    compared = written["published_comparison"]
    wrong = compared.loc[~compared["agrees"].astype(bool), "term"]
    detail = f"{len(compared) - len(wrong)} of {len(compared)} agree"
    named = f"; not: {', '.join(wrong.head(5))}" if len(wrong) else ""
    return Check("published numbers agree", wrong.empty, detail + named)


def waiting_adds_up(cohort: Cohort, written: Written) -> Check:
    """Risk sets shrink by events and censored; S is that of the strata in the panel, and the restricted mean its sum.

    Who is employed in a month has had a first job by then, was not observed in an earlier month, or is left out. The
    panel does not say which jobs of month 0 ended on the day of randomisation itself: where the curve has fewer first
    jobs in month 0 for it, the arms' S is not compared with the panel, and the detail says so.
    """
    time, means = written["time_to_job"], written["restricted_mean"]
    people = written["people"][written["people"]["is_analysed"]].reset_index(drop=True)
    keys, months = pd.Index(people["person_id"]), range(cohort.window.after + 1)
    states = outcome_matrix(written["panel"], ORDINARY_EMPLOYMENT, keys, months)
    wrong, n_compared = waiting_again.faults(cohort, people, states, time, means)
    detail = f"{len(time)} rows, {wrong} wrong, {n_compared} of {len(cohort.arms.all)} curves compared with the panel"
    return Check("waiting adds up", wrong == 0, detail)


def accumulated_is_complete(cohort: Cohort, written: Written) -> Check:
    """One row an outcome, month, arm and variance, numbers exactly where estimated, no mean above what months allow."""
    table = written["accumulated"]
    expected = 4 * len(cohort.follow.months) * len(cohort.arms.treatments) * len(cohort.estimation.variances)
    numbers = table[["estimate", "std_error", "df", "statistic", "p_value", "ci_low", "ci_high"]].astype(float)
    estimated = table["status"] == "estimated"
    wrong = int((numbers.notna().all(axis=1) != estimated).sum() + (numbers.notna().any(axis=1) != estimated).sum())
    means = table[["mean_control", "mean_assigned"]].astype(float)
    most = table["month_to"].where(table["outcome"] == "ordinary_months", np.inf)
    wrong += int((means.lt(0) | means.gt(most, axis=0)).sum().sum())
    passed = len(table) == expected and wrong == 0
    return Check("accumulated is complete", passed, f"{len(table)} of {expected} rows, {wrong} odd")


def achieved_adds_up(cohort: Cohort, written: Written) -> Check:
    """All centres are the sum of each; nobody loses what was achieved before, or keeps what never was."""
    table = written["achieved"]
    table = table[(table["variance"] == cohort.estimation.primary) & ~table["adjustment"].str.contains("age|female")]
    wrong, labels = 0, ["outcome", "measure", "arm", "centre"]
    for side in ("assigned", "control") if len(table) else ():
        own = table[table[f"n_{side}"].notna()].astype({"centre": str})
        sums = (own[f"mean_{side}"].astype(float) * own[f"n_{side}"].astype(float)).fillna(0.0)
        counts = own.assign(sum=sums).pivot(index=labels, columns="by_month", values="sum")
        parts = counts.drop("all", level="centre").groupby(level=labels[:3]).sum()
        whole = counts[counts.index.get_level_values("centre") == "all"].droplevel("centre")
        wrong += _n_above((whole - parts).abs())
        persons = counts.drop("months", level="measure")
        wrong += _n_above(-persons.diff(axis=1))
        of = persons.index.get_level_values("measure")
        by = {measure: persons[of == measure].droplevel("measure") for measure in of.unique()}
        wrong += sum(_n_above(kept - by["ever"]) for kept in by.values())
    return Check("achieved adds up", wrong == 0, f"{len(table)} rows, {wrong} odd")


def _n_above(sums: pd.DataFrame) -> int:
    """Sums of means that are above zero by more than their rounding."""
    return int((sums > TOLERANCE_OF_SUMS).to_numpy().sum())


def specifications_hold_the_pooled_effect(cohort: Cohort, written: Written) -> Check:
    """Every combination has its rows, numbers exactly where estimated; the chosen one is the analysis ``pooled``."""
    table, arms, variances = written["specifications"], cohort.arms.treatments, cohort.robustness.variances
    estimated = table["status"] == "estimated"
    wrong = int((table["estimate"].notna() != estimated).sum())
    wrong += int((table.groupby(["arm", "variance"]).size() != len(table) / len(arms) / len(variances)).sum())
    key = ["arm", "variance"]
    main = table[table["is_main"].astype(bool)].set_index(key)
    pooled = written["effects"].query("analysis == 'pooled'").set_index(key).reindex(main.index)
    shared = pooled["status"].notna() & (main["status"] != "not_delivered")
    wrong += int((main["status"] != pooled["status"])[shared].sum()) + int(len(main) != len(arms) * len(variances))
    for column in ("estimate", "std_error", "n_obs"):
        off = (main[column].astype(float) - pooled[column].astype(float)).abs()
        wrong += int((off > SPECIFICATION_TOLERANCE).sum())
    return Check("specifications hold the pooled effect", wrong == 0, f"{len(table)} rows, {wrong} wrong")


def randomisation_is_complete(cohort: Cohort, written: Written) -> Check:
    """One row an effect, a p-value exactly where it was estimated, the statistic that of cr1 by another way."""
    key = ["analysis", "subgroup", "centre", "month_from", "month_to", "arm"]
    tested, effects = written["randomisation"].set_index(key), written["effects"].drop_duplicates(key).set_index(key)
    p, adjusted = tested["p_value"].astype(float), tested["p_adjusted"].astype(float)
    wrong = int((p.notna() != (tested["status"] == "estimated")).sum())
    wrong += int((~((p > 0) & (p <= adjusted + 1e-12) & (adjusted <= 1)) & p.notna()).sum())
    if "cr1" in cohort.estimation.variances:
        cr1 = written["effects"].query("variance == 'cr1'").set_index(key)["statistic"].astype(float)
        off = (tested["statistic"].astype(float) - cr1.reindex(tested.index)).abs()
        wrong += int((off > STATISTIC_TOLERANCE * cr1.abs().clip(lower=1).reindex(tested.index)).sum())
    passed = tested.index.equals(effects.index) and wrong == 0
    return Check("randomisation is complete", passed, f"{len(tested)} of {len(effects)} effects, {wrong} wrong")


def numbers_where_estimated(table: pd.DataFrame) -> int:
    """Rows that have a number without being estimated, or lack one although they are."""
    known, estimated = table[NUMBERS].notna(), table["status"] == "estimated"
    return int(((known.all(axis=1) != estimated) | (known.any(axis=1) != estimated)).sum())


def receipt_adds_up(cohort: Cohort, written: Written) -> Check:
    """Centres sum to all and to the included; whole follow-up and its parts fit; no count without the extract."""
    receipt = written["receipt"]
    counts = receipt[["n_persons", "n_received", "n_started"]].astype(float)
    key = [receipt[name] for name in ("service", "month_from", "month_to", "arm")]
    is_all = receipt["centre"] == ALL
    totals = counts[is_all].groupby([k[is_all] for k in key]).sum(min_count=1)
    summed = counts[~is_all].groupby([k[~is_all] for k in key]).sum(min_count=1)
    wrong = int((summed.fillna(-1) != totals.reindex(summed.index).fillna(-1)).to_numpy().sum())
    wrong += int(
        (counts["n_started"] > counts["n_received"]).sum() + (counts["n_received"] > counts["n_persons"]).sum()
    )
    wrong += int((counts["n_received"].notna() != (receipt["status"] == "counted")).sum())
    cell = [receipt[name] for name in ("service", "centre", "arm")]
    spans = cohort.receipt.spans(cohort.window)
    months = pd.MultiIndex.from_frame(receipt[["month_from", "month_to"]])
    whole = counts[months.isin(spans[:1])].groupby([k[months.isin(spans[:1])] for k in cell]).sum()
    if len(spans) > 1:
        parts = counts[months.isin(spans[1:])].groupby([k[months.isin(spans[1:])] for k in cell])
        wrong += int((parts["n_received"].max() > whole["n_received"]).sum())
        wrong += int((parts["n_received"].sum() < whole["n_received"]).sum())
        wrong += int((parts["n_started"].sum() != whole["n_started"]).sum())
    persons = whole["n_persons"].groupby(["service", "centre"]).sum().unstack("service")
    included = written["inclusion"].set_index("centre")["n_analysed"]
    wrong += int(persons.ne(included.reindex(persons.index), axis=0).to_numpy().sum())
    return Check("receipt adds up", wrong == 0, f"{len(receipt)} rows, {wrong} wrong")


def complier_effects_are_ratios(cohort: Cohort, written: Written) -> Check:
    """Numbers exactly where estimated; with one treatment the effect is that of assignment over that on receipt."""
    effects = written["complier_effects"]
    expected = len(cohort.receipt.spans(cohort.window)) * len(cohort.arms.treatments)
    wrong = numbers_where_estimated(effects)
    if len(cohort.arms.treatments) == 1:
        known = effects[effects["status"] == "estimated"]
        ratio = known["itt"].astype(float) / known["first_stage"].astype(float)
        off = (known["estimate"].astype(float) - ratio).abs()
        wrong += int((~(off <= RATIO_TOLERANCE * np.maximum(1, ratio.abs()))).sum())
    passed = len(effects) == expected and wrong == 0
    return Check("complier effects are ratios", passed, f"{len(effects)} of {expected} rows, {wrong} wrong")


def placebo_is_complete(cohort: Cohort, written: Written) -> Check:
    """One row a treatment and period, one base, numbers where estimated; the placebo's mean is that of its periods."""
    events, tests = written["event_study"], written["placebo"].set_index("arm")
    spans = cohort.event_study.spans(cohort.window)
    expected = [(arm, *span) for arm in cohort.arms.treatments for span in spans]
    wrong = numbers_where_estimated(events) + numbers_where_estimated(tests)
    wrong += int((events["is_base"].astype(bool) != (events["month_to"] == -1)).sum())
    before = events[(events["status"] == "estimated") & (events["month_to"] < -1)]
    weighted = before.assign(months=before["month_to"] - before["month_from"] + 1)
    for arm in cohort.arms.treatments:
        rows, test = weighted[weighted["arm"] == arm], dict(tests.loc[arm])
        wrong += int(test["n_periods"] != len(rows))
        if test["status"] == "estimated":
            mean = np.average(rows["estimate"].astype(float), weights=rows["months"])
            wrong += int(abs(test["estimate"] - mean) > MEAN_TOLERANCE)
    passed = list(events[["arm", "month_from", "month_to"]].itertuples(index=False, name=None)) == expected
    detail = f"{len(events)} of {len(expected)} rows, {wrong} wrong"
    return Check(
        "placebo is complete", passed and list(tests.index) == list(cohort.arms.treatments) and wrong == 0, detail
    )


def missing_data_is_bounded(cohort: Cohort, written: Written) -> Check:
    """One row a method, arm and variance, bounds in order, and the same regressions' effects.

    The observed months lie between worst and best case unless the note says that the linear model does not let them.
    """
    table, arms = written["missing_data"], len(cohort.arms.treatments)
    expected = arms * (5 * len(cohort.estimation.variances) + 2 * len(cohort.bound.months))
    numbers = table[["estimate", "std_error", "ci_low", "ci_high"]].astype(float)
    estimated = table["status"] == "estimated"
    wrong = int((numbers.notna().all(axis=1) != estimated).sum() + (numbers.notna().any(axis=1) != estimated).sum())
    wrong += int((numbers["std_error"] <= 0).sum())
    ordered = table[~table["note"].astype("string").fillna("").str.contains(UNORDERED, regex=False)]
    key = ["arm", "month_from", "month_to", "variance"]
    of = {method: rows.set_index(key)["estimate"].astype(float) for method, rows in ordered.groupby("method")}
    for low, high in ((WORST, OBSERVED), (OBSERVED, BEST), (LOWER, UPPER)):
        if low in of and high in of:
            wrong += int((of[low] - of[high] > BOUND_TOLERANCE).sum())
    if set(table["stratified_by"]) <= {"centre", NONE}:  # else the regressions hold strata that the analyses do not
        wrong += _unlike_effects(written, OBSERVED, [MAIN])
        wrong += _unlike_effects(written, COMPLETE, _same_as_complete_cases(cohort, written["people"]))
    passed = len(table) == expected and wrong == 0
    return Check("missing data are bounded", passed, f"{len(table)} of {expected} rows, {wrong} wrong")


def _same_as_complete_cases(cohort: Cohort, people: pd.DataFrame) -> list[str]:
    """Analyses that hold the columns of the pooled one with the covariates of ``bound``."""

    def columns(analysis: Analysis) -> Analysis:
        known = sorted(name for name in analysis.adjust if name in people or name not in cohort.bound.covariates)
        return replace(analysis, name="", requires=(), adjust=tuple(known))

    main = next(analysis for analysis in cohort.analyses if analysis.name == MAIN)
    wanted = columns(replace(main, adjust=cohort.bound.covariates))
    return [analysis.name for analysis in cohort.analyses if columns(analysis) == wanted]


def _unlike_effects(written: Written, method: str, analyses: list[str]) -> int:
    """Rows of the method whose estimate or error is not that of the analyses."""
    key = ["arm", "variance"]
    table = written["missing_data"]
    ours = table[table["method"] == method].set_index(key)[["estimate", "std_error"]].astype(float)
    wrong = 0
    for name in analyses:
        effects = written["effects"]
        effects = effects[(effects["analysis"] == name) & (effects["status"] == "estimated")].set_index(key)
        off = (effects[["estimate", "std_error"]].astype(float) - ours.reindex(effects.index)).abs()
        wrong += int((~(off <= BOUND_TOLERANCE)).any(axis=1).sum())
    return wrong


INVARIANTS: tuple[Callable[[Cohort, Written], Check], ...] = (
    flow_adds_up,
    inclusion_is_end_of_flow,
    panel_is_rectangular,
    shares_lie_between_0_and_1,
    effects_count_the_panel,
    effects_are_complete,
    randomisation_is_complete,
    specifications_hold_the_pooled_effect,
    waiting_adds_up,
    accumulated_is_complete,
    achieved_adds_up,
    receipt_adds_up,
    complier_effects_are_ratios,
    placebo_is_complete,
    missing_data_is_bounded,
    published_numbers_agree,
)
