"""Numbers and codes in the words and signs of print. Rounding happens here and nowhere else."""

import math
import re
from collections.abc import Mapping

from ipseval.language import phrases, say, say_again, spoken
from ipseval.traced import carried

EN_DASH = "–"
MINUS = "−"
THIN_SPACE = "\u202f"  # no line is broken at it
MARKS = {"en": (",", "."), "nb": (THIN_SPACE, ","), "da": (".", ",")}  # at thousands, and before decimals
STAR_LEVELS = ((0.01, "***"), (0.05, "**"), (0.10, "*"))
HIDDEN_SIGN = ":"  # Statistics Norway's sign of a confidential number
PUT_OFF = "put_off"  # status of a month of a released curve that repeats an earlier one

COVARIATES = phrases(
    {
        "age": "Age, years",
        "female": "Female",
        "less_than_upper_secondary": "Less than upper secondary education",
        "severe_mental_illness": "Severe mental illness",
        "share_employed_before": "Share of months employed before",
        "native_born": "Born in the country",
        "education": "Education",
        "benefit": "Benefit",
        "wage_income": "Wage income",
        "health_contacts_per_month": "Health contacts a month",
        "stratum": "Stratum of the randomisation",
        "block": "Block of the randomisation",
    }
)
LEVELS = phrases(
    {  # of our own codes
        "compulsory": "compulsory",
        "upper_secondary_started": "upper secondary started",
        "upper_secondary": "upper secondary",
        "higher": "higher",
        "outpatient": "outpatient",
        "day": "day",
        "inpatient": "inpatient",
    }
)
TIME = phrases(
    {
        "calendar_year": "calendar year",
        "calendar_month": "calendar month",
        "inclusion_year": "year of randomisation",
        "inclusion_month": "calendar month of randomisation",
        "month_since_randomisation": "month since randomisation",
    }
)
VARIANCES = phrases(
    {
        "cr1": "clustered on person (cr1: factor G/(G − 1) × (N − 1)/(N − K), t with G − 1 degrees of freedom)",
        "cr2": "clustered on person with the small-sample correction cr2 (Bell and McCaffrey; Satterthwaite degrees of "
        "freedom)",
        "cr3": "clustered on person (cr3: jackknife over persons, t with G − 1 degrees of freedom)",
    }
)
STATUSES = phrases(
    {
        "too_few_assigned": "fewer than {least} persons assigned to this arm",
        "too_few_control": "fewer than {least} persons in the reference arm",
        "separated": "the logit has no estimate: some covariates predict the outcome perfectly",
        "no_maximum": "the likelihood of the risk ratio has no maximum: a probability would have to be 0, 1 or more",
        "not_redrawn": "effects of this estimator are not tested by re-drawn assignment",
        "no_variation": "no variation of the outcome, so that there is no standard error",
        "too_few_for_pooling": "fewer than {least} persons in an arm, too few for pooling",
        "collinear": "not to be told apart from other terms of the regression",
        "saturated": "no more observations than terms in the regression",
        "no_covariate": "the cohort does not have a covariate that this model needs",
        "no_observations": "no month was observed",
        "not_comparable": "no centre or stratum has enough persons in every arm",
        "nobody_at_risk": "nobody was observed who had not had a job yet",
        "not_delivered": "the employment extract does not say it",
        "services_not_delivered": "the extract of services was not delivered",
        "no_such_service": "no row of the services has the code of this treatment",
        "no_first_stage": "assignment made no difference to who received the treatment",
        "no_base": "too few persons of an arm in the period before randomisation, which is the base",
        "no_months_before": "no period before the base",
        "no_days": "the extract knows no days",
        "no_jobs": "the outcome is not made of ordinary jobs alone",
        "one_arm": "told of the arm assigned alone",
        "fewer_months": "the arm has fewer months, not more",
        "costs_no_more": "nothing more is paid for this arm",
        "hidden": "hidden by disclosure control",
        PUT_OFF: "the number of the last month before that may be shown: the curve's steps are put off until enough "
        "persons have moved",
        "not_configured": "this analysis is not among those of the cohort",
    }
)


HIDDEN_REASON = STATUSES["hidden"]
NOTES = phrases(
    {  # sentences that stages write into review tables
        "flow_exclusions": "The trial list's {column} is among exclusions.",
        "flow_withdrawn": "Consent was withdrawn.",
        "flow_not_known": "{n} persons whose employment then is not known are kept: {arms}",
        "flow_may_be_later": "{n} persons are kept whose job may have begun on the days up to randomisation or after "
        "it: {arms}",
        "flow_employed_week": "Employed, with or without wage subsidy, in the week before randomisation: employment "
        "was delivered by week.",
        "flow_employed_month": "Employed, with or without wage subsidy, in the month before randomisation: employment "
        "was delivered by month.",
        "flow_employed": "Employed, with or without wage subsidy, on the day of randomisation.",
        "not_in_cohort": "not in this cohort: {covariates}",
        "unordered": "the linear model predicts outside 0 to 1: the effect of the observed months is not between the "
        "two",
        "late_start": "nobody is observed before month {k}",
        "early_end": "after month {k} an arm has nobody at risk",
        "early_end_stratum": "after month {k} an arm of a centre or stratum has nobody at risk",
        "left_out": "left out: {n} persons whose centre or stratum has too few persons in an arm",
        "few_in_strata": "an arm has fewer than {n} persons in centres or strata of {share} % of the persons: the "
        "error is too small",
        "strata_not_held": "the share assigned differs between strata or blocks, which this analysis does not hold",
        "unlike_months": "the arms are observed in unlike months, which are compared as if they were the same",
        "unknown_hours": "left out for unknown hours: {n} of {of} persons",
        "no_services": "the extract services was not delivered",
        "no_such_code": "no row of services has the code {codes}",
        "receipt_unknown": "receipt is not observed in some months of some persons: they are left out",
        "receipt_one_sided": "receipt is observed of nobody in the reference arm: nobody there is taken to have "
        "received",
        "months_weekly_hours": "left out: months of jobs whose hours are not known",
        "months_kind": "left out: months of jobs whose kind is not known",
        "months_wage_subsidy": "left out: months of jobs in which wage subsidies are not observed",
        "months_measure": "left out: months of wage subsidies whose kind is not known",
        "months_benefits": "left out: months in which benefits are not observed",
        "months_benefit": "left out: months of benefits whose kind is not known",
        "months_services": "left out: months in which services are not observed",
        "months_service": "left out: months of services whose kind is not known",
        "months_unknown": "left out: persons of whom not all months are known",
        "months_unknown_but_achieved": "left out: persons of whom not all months are known, but for those who had "
        "achieved it before",
        "without_service": "left out: persons without a service by then, and those whose wait is not known",
        "no_joint_test": "no joint test: too few persons",
        "few_persons": "an arm has fewer than {n} persons, so that the standard error is hardly known: Satterthwaite "
        "degrees of freedom",
        "short_window": "somebody is observed in months {first} to {last} only",
    }
)


REASONS = phrases(
    {  # for which a month is missing
        "employment": "employment not observed",
        "weekly_hours": "hours not known",
        "kind": "kind of job not known",
        "wage_subsidy": "wage subsidy not observed",
        "measure": "kind of wage subsidy not known",
        "benefits": "benefits not observed",
        "benefit": "kind of benefit not known",
        "services": "services not observed",
        "service": "kind of service not known",
        "after_death": "after death",
        "after_emigration": "abroad",
        "outside": "outside the register",
    }
)


class Hidden(float):
    """A number that disclosure control hides: not a number to arithmetic, and not known to :func:`is_known`."""

    def __new__(cls) -> "Hidden":
        """The one value there is."""
        return super().__new__(cls, "nan")


HIDDEN = Hidden()


@carried
def number(value: float, decimals: int) -> str:
    """A number at fixed decimals with a true minus sign; zero has none. The sign of a hidden one, a dash for none."""
    if math.isnan(value):
        return HIDDEN_SIGN if isinstance(value, Hidden) else EN_DASH
    text = f"{value:,.{decimals}f}"
    text = text.lstrip("-") if not text.strip("-0.,") else text.replace("-", MINUS)
    return text.translate(dict(zip(map(ord, ",."), MARKS[spoken()], strict=True)))


def in_ascii(text: str) -> str:
    """A number printed in the language that is spoken as a program reads it, ``-1234.5``; nothing for other text."""
    thousands, point = map(re.escape, MARKS[spoken()])
    number = text.replace(MINUS, "-")
    if not re.fullmatch(rf"-?(\d{{1,3}}({thousands}\d{{3}})*|\d+)({point}\d+)?", number):
        return ""
    return number.replace(MARKS[spoken()][0], "").replace(MARKS[spoken()][1], ".")


@carried
def shortest(value: float) -> str:
    """A number with the decimals that it needs: ``95``, ``37.5``."""
    text = f"{value:g}"
    return number(value, len(text.partition(".")[2]))


@carried
def price(value: float) -> str:
    """A price, at three significant digits: ``1,320``, ``82.9``, ``0.0512``."""
    place = math.floor(math.log10(abs(value))) + 1 if value and math.isfinite(value) else 0
    return number(round(value, 3 - place) if math.isfinite(value) else value, max(0, 3 - place))


@carried
def points(proportion: float) -> str:
    """A proportion, or a difference of two, in per cent or percentage points at one decimal."""
    return number(proportion if isinstance(proportion, Hidden) else 100 * proportion, 1)


@carried
def ratio(log_ratio: float) -> str:
    """A ratio from its logarithm, at two decimals behind the sign of multiplication: ``×1.38``."""
    return number(log_ratio, 2) if math.isnan(log_ratio) else f"×{number(math.exp(log_ratio), 2)}"


@carried
def count(n: float) -> str:
    """A count, with a mark at thousands; the sign of a hidden one."""
    return HIDDEN_SIGN if isinstance(n, Hidden) else number(int(n), 0)


@carried
def p_value(value: float) -> str:
    """A p-value at three decimals: ``0.048``, ``< 0.001``."""
    return f"< {number(0.001, 3)}" if value < 0.001 else number(value, 3)


def star_note() -> str:
    """What the stars stand for."""
    ends = {name: number(level, 2) for name, (level, _) in zip(("three", "two", "one"), STAR_LEVELS, strict=True)}
    return say("* p < {one}, ** p < {two}, *** p < {three}.", **ends)


def stars(p_value: float) -> str:
    """Stars of significance; none where there is no p-value."""
    return next((mark for below, mark in STAR_LEVELS if p_value < below), "")


def one_line(text: str) -> str:
    """The text without line breaks, other control characters or runs of spaces."""
    return " ".join(filter(None, printable(text).split(" ")))


def printable(text: str) -> str:
    """The text with a space for every line break and other control character."""
    return "".join(c if c.isprintable() or c == THIN_SPACE else " " for c in text)


def plain(code: str) -> str:
    """A code as words: ``work_practice`` -> ``work practice``."""
    return one_line(code.replace("_", " "))


def sentence(text: str) -> str:
    """The text with a capital first."""
    return f"{text[:1].upper()}{text[1:]}"


def inside(text: str) -> str:
    """The text as it stands inside a sentence."""
    return f"{text[:1].lower()}{text[1:]}"


def variable(name: str) -> str:
    """The name of a covariate."""
    return sentence(worded(COVARIATES, name))


def status(code: str, least: int) -> str:
    """Why an effect was not estimated; ``least`` is the least number of persons in an arm."""
    return say(STATUSES[code], least=least) if code in STATUSES else plain(code)


def variance(name: str) -> str:
    """A variance convention in words."""
    return say(VARIANCES[name]) if name in VARIANCES else say("clustered on person ({name})", name=name)


def listed(parts: list[str] | tuple[str, ...], last: str = "") -> str:
    """Join with commas and ``and``, or another word: ``a, b and c``."""
    return f" {last or say('and')} ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def months(first: int, last: int) -> str:
    """A span of months: ``month 3``, ``months −43 to 43``."""
    low, high = number(first, 0), number(last, 0)
    return say("month {k}", k=low) if first == last else say("months {low} to {high}", low=low, high=high)


def to(low: str, high: str) -> str:
    """Two ends in print: ``−3.4 to 24.9``."""
    return say("{low} to {high}", low=low, high=high)


def note(parts: object) -> str:
    """Sentences that a stage wrote into a review table, ``; `` between them, in the language that is printed."""
    return "; ".join(say_again(part, NOTES.values()) for part in str(parts).split("; "))


def reasons(told: str) -> str:
    """Counts by reason, as :func:`ipseval.because.told` writes them, in words: ``hours not known 3``."""
    parts = (part.rpartition(" ") for part in told.split(", "))
    return ", ".join(f"{worded(REASONS, reason)} {count(float(n))}" for reason, _, n in parts)


def is_hidden(*values: object) -> bool:
    """Whether disclosure control hides any of the numbers."""
    return any(isinstance(value, Hidden) for value in values)


def is_known(value: object) -> bool:
    """Whether a number is there."""
    return isinstance(value, (int, float)) and not math.isnan(value)


def worded(texts: Mapping[str, str], code: str) -> str:
    """A code in the words that ``texts`` has for it, else as plain words."""
    return say(texts[code]) if code in texts else plain(code)


def translated(texts: Mapping[str, str], codes: tuple[str, ...]) -> list[str]:
    """Codes in the words of ``texts``, or as plain words."""
    return [worded(texts, code) for code in codes]
