"""The record of choices that stands on every table: what is estimated, in whom, and what was decided (ICH E9(R1))."""

from ipseval import words
from ipseval.config import ORDINARY, Outcome
from ipseval.language import phrases, say
from ipseval.registers.layouts import MONTH, WEEK, grain
from ipseval.tables.review import ALL, Review

STEPS = phrases(
    {
        "left_out": "who was left out on a list of persons",
        "consent_withdrawn": "who withdrew consent",
        "employed_at_randomisation": "who had a job, with or without wage subsidy, on the day of randomisation",
    }
)
EMPLOYED = phrases(  # in layouts that know no days
    {
        WEEK: "who had a job, with or without wage subsidy, in the week before randomisation",
        MONTH: "who had a job, with or without wage subsidy, in the month before randomisation",
    }
)
POLICIES = phrases({"zero": "count as not employed", "missing": "count as not observed"})
MONTH_RULES = phrases(
    {
        "any_day": "on any day of the month",
        "reference_week": "in the week (Monday to Sunday) that holds the 16th of the month",
    }
)


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
        *(((say("Data"), remark),) if remark else ()),
        (say("Population"), population(review)),
        (say("Treatment"), treatment(review)),
        (say("Outcome"), outcome(review, counts or review.cohort.outcome.primary)),
        (say("Window"), " ".join(filter(None, [in_words(window), observed(review)]))),
        (say("Intercurrent events"), intercurrent_events(review)),
        (say("Summary measure"), f"{measure}."),
    )


def in_words(window: str) -> str:
    """A window as a sentence."""
    return say("{window}; month 0 is the calendar month of randomisation.", window=words.sentence(window))


def pooled(months: tuple[int, int]) -> str:
    """A window of months together: ``months 0 to 43, pooled``."""
    return say("{months}, pooled", months=words.months(*months))


def difference(review: Review) -> str:
    """The summary measure of months together: a difference in the share of months."""
    return say(
        "Difference between the arms in the share of months in {outcome}, in percentage points", outcome=review.outcome
    )


def difference_of_persons(review: Review) -> str:
    """The summary measure of a single month: a difference in the share of persons."""
    return say(
        "Difference between the arms in the share of persons in {outcome}, in percentage points", outcome=review.outcome
    )


def population(review: Review) -> str:
    """Who is analysed: the randomised less those who left at a step of the flow."""
    ends = {"randomised", "analysed"}
    steps = [s for s in dict.fromkeys(r["step"] for r in review.rows("flow", centre=ALL, arm=ALL)) if s not in ends]
    if not steps:
        return say("All persons randomised.")
    left = words.listed([left_by(review, step) for step in steps], say("or"))
    return say("Persons randomised, without those {left}.", left=left)


def left_by(review: Review, step: str) -> str:
    """Who leaves at a step of the flow."""
    unit = grain(review.cohort, "employment")
    if step == "employed_at_randomisation" and unit in EMPLOYED:
        return say(EMPLOYED[unit])
    if step.startswith("excluded_"):
        column = words.plain(step.removeprefix("excluded_"))
        return say("whose {column} is among the cohort's exclusions", column=column)
    return say(STEPS[step]) if step in STEPS else say("who left at the step {step}", step=words.plain(step))


def treatment(review: Review) -> str:
    """The arms compared."""
    arms = words.listed([review.arm(arm) for arm in review.cohort.arms.treatments])
    return say(
        "Assignment to {arms}, whatever was received; reference: {reference}.", arms=arms, reference=review.reference
    )


def outcome(review: Review, name: str) -> str:
    """What makes a month count."""
    ordinary = _ordinary(review)
    counted, head = review.cohort.outcomes[name], words.sentence(review.outcome_named(name))
    if counted == (ORDINARY,):
        return say("{outcome} in a month: {rule}.", outcome=head, rule=ordinary)
    states = words.listed([review.outcome_named(state) for state in counted], say("or"))
    own = say("Ordinary employment: {rule}.", rule=ordinary) if ORDINARY in counted else ""
    return " ".join(filter(None, [say("{outcome} in a month: {rule}.", outcome=head, rule=states), own]))


def _ordinary(review: Review) -> str:
    """What makes a month one in ordinary employment."""
    chosen = review.cohort.outcome
    least = words.shortest(chosen.min_weekly_hours)
    hours = say("at least {n} hours a week", n=least) if chosen.min_weekly_hours > 0 else say("any weekly hours")
    subsidy = (
        say("months with a wage subsidy do not count")
        if chosen.exclude_wage_subsidy
        else say("months with a wage subsidy count, too")
    )
    return say("a job of {hours} {when}; {subsidy}", hours=hours, when=_when(chosen), subsidy=subsidy)


def _when(chosen: Outcome) -> str:
    """Which days of a month a job must cover."""
    rule = str(chosen.month_rule)
    if rule not in MONTH_RULES and chosen.min_days > 1:
        return say("on at least {n} days of the month", n=chosen.min_days)
    return say(MONTH_RULES.get(rule, MONTH_RULES["any_day"]))


def observed(review: Review) -> str:
    """Which months the registers cover."""
    first, last = review.cohort.observed_from, review.cohort.observed_until
    if first and last:
        return say(
            "Months before {first} or after {last} are not observed and never count as zero.", first=first, last=last
        )
    if first:
        return say("Months before {first} are not observed and never count as zero.", first=first)
    return say("Months after {last} are not observed and never count as zero.", last=last) if last else ""


def intercurrent_events(review: Review) -> str:
    """What becomes of the months after death and emigration."""
    chosen = review.cohort.outcome
    death, emigration = say(POLICIES[chosen.after_death]), say(POLICIES[chosen.after_emigration])
    if death == emigration:
        return say("Months after death or emigration {policy}.", policy=death)
    return say("Months after death {death}; months after emigration {emigration}.", death=death, emigration=emigration)
