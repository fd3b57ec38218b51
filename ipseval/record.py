"""The record of choices that stands on every table: what is estimated, in whom, and what was decided (ICH E9(R1))."""

from ipseval import words
from ipseval.config import ORDINARY
from ipseval.review import ALL, Review

STEPS = {
    "consent_withdrawn": "who withdrew consent",
    "employed_at_randomisation": "who had a job, with or without wage subsidy, on the day of randomisation",
}
POLICIES = {"zero": "count as not employed", "missing": "count as not observed"}


def record(review: Review, window: str, measure: str, counts: str | None = None) -> tuple[tuple[str, str], ...]:
    """All choices behind a table.

    Parameters
    ----------
    review : Review
    window : str
        Which months the table covers.
    measure : str
        The summary measure.
    counts : str, optional
        The outcome; the primary one when not given.

    Returns
    -------
    tuple of (str, str)
        What each choice is about, and the choice.
    """
    remark = review.cohort.remark
    return (
        *((("Data", remark),) if remark else ()),
        ("Population", population(review)),
        ("Treatment", treatment(review)),
        ("Outcome", outcome(review, counts or review.cohort.outcome.primary)),
        ("Window", f"{words.sentence(window)}; month 0 is the calendar month of randomisation.{observed(review)}"),
        ("Intercurrent events", intercurrent_events(review)),
        ("Summary measure", f"{measure}."),
    )


def difference(review: Review, of: str = "months") -> str:
    """The summary measure: a difference in the share of months, or of persons."""
    return f"Difference between the arms in the share of {of} in {review.outcome}, in percentage points"


def population(review: Review) -> str:
    """Who is analysed: the randomised less those who left at a step of the flow."""
    ends = {"randomised", "analysed"}
    steps = [s for s in dict.fromkeys(r["step"] for r in review.rows("flow", centre=ALL, arm=ALL)) if s not in ends]
    if not steps:
        return "All persons randomised."
    return f"Persons randomised, without those {words.listed([left_by(step) for step in steps], 'or')}."


def left_by(step: str) -> str:
    """Who leaves at a step of the flow."""
    if step.startswith("excluded_"):
        return f"whose {words.plain(step.removeprefix('excluded_'))} is among the cohort's exclusions"
    return STEPS.get(step, f"who left at the step {words.plain(step)}")


def treatment(review: Review) -> str:
    """The arms compared."""
    arms = words.listed([review.arm(arm) for arm in review.cohort.arms.treatments])
    return f"Assignment to {arms}, whatever was received; reference: {review.reference}."


def outcome(review: Review, name: str) -> str:
    """What makes a month count."""
    chosen = review.cohort.outcome
    days = words.listed([f"{chosen.min_days} day{'s' if chosen.min_days > 1 else ''}"])
    rule = {
        "any_day": "on any day of the month",
        "reference_week": "in the week (Monday to Sunday) that holds the 16th of the month",
    }.get(str(chosen.month_rule), f"on at least {days} of the month")
    hours = f"at least {chosen.min_weekly_hours:g} hours a week" if chosen.min_weekly_hours > 0 else "any weekly hours"
    subsidy = (
        "months with a wage subsidy do not count"
        if chosen.exclude_wage_subsidy
        else "months with a wage subsidy count, too"
    )
    ordinary = f"a job of {hours} {rule}; {subsidy}"
    counted = review.cohort.outcomes[name]
    if counted == (ORDINARY,):
        return f"{words.sentence(words.plain(name))} in a month: {ordinary}."
    states = words.listed(["ordinary employment" if s == ORDINARY else words.plain(s) for s in counted], "or")
    own = f" Ordinary employment: {ordinary}." if ORDINARY in counted else ""
    return f"{words.sentence(words.plain(name))} in a month: {states}.{own}"


def observed(review: Review) -> str:
    """Which months the registers cover."""
    first, last = review.cohort.observed_from, review.cohort.observed_until
    if not (first or last):
        return ""
    bounds = " ".join(filter(None, [f"before {first}" if first else "", "or" if first and last else ""]))
    return f" Months {f'{bounds} after {last}' if last else bounds} are not observed and never count as zero."


def intercurrent_events(review: Review) -> str:
    """What becomes of the months after death and emigration."""
    chosen = review.cohort.outcome
    if chosen.after_death == chosen.after_emigration:
        return f"Months after death or emigration {POLICIES[chosen.after_death]}."
    death, emigration = POLICIES[chosen.after_death], POLICIES[chosen.after_emigration]
    return f"Months after death {death}; months after emigration {emigration}."
