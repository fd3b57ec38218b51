"""Faults between keys of a cohort file, which a schema cannot state."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ipseval import existing, words
from ipseval.config import ORDINARY, ORDINARY_EMPLOYMENT, code
from ipseval.contracts import FIXED_OUTCOMES
from ipseval.errors import nearest

RESERVED = "all"  # the code of all centres, or all arms, together
MONTHS_OF = ("follow", "achieved", "bound")  # keys with months of the follow-up
Found = Iterator[tuple[str, str]]  # what was found, and the remedy
Settings = Mapping[str, Any]


def _codes(settings: Settings) -> Found:
    """Arms and centres whose codes are one and the same, or taken."""
    arms, places = settings["arms"], list(map(code, settings["centres"]))
    reference, treatments = code(arms["reference"]), list(map(code, arms["treatments"]))
    if reference in treatments:
        yield "arms.reference is among arms.treatments.", "Name it once, as reference."
    for key, codes in (("arms.treatments", treatments), ("centres", places)):
        if len(set(codes)) < len(codes):
            yield f"{key} names a code twice (1 and '1' are the same).", "Name each once."
    left_out = settings["exclusions"].get("trial", {})
    excluded = {f"exclusions.trial.{c}": list(map(code, left_out.get(c, ()))) for c in ("arm", "centre")}
    for key, codes in {"arms": [reference, *treatments], "centres": places, **excluded}.items():
        if RESERVED in codes:
            yield f"{key} names '{RESERVED}', which stands for all of them.", "Map it under values."


def _months(settings: Settings) -> Found:
    """Months that come in the wrong order or lie outside the window."""
    opens, closes = settings["describe"]["wage_subsidy_months"]
    if opens > closes:
        yield "describe.wage_subsidy_months ends before it starts.", "Name the first month first."
    first, last = settings["observed_from"], settings["observed_until"]
    if first and last and first > last:
        yield "observed_from is later than observed_until.", "Swap or mend them."
    outside = [m for m in settings["unobserved"] if (first and m < first) or (last and m > last)]
    if outside:
        yield f"unobserved names {outside[0]}, which is outside observed_from..observed_until.", "Leave it out."
    after = settings["window"]["after"]
    for key in MONTHS_OF:
        if any(month > after for month in settings[key]["months"]):
            what = f"{key}.months names a month after the window, which ends with month {after}."
            yield what, "Widen window or leave that month out."


def _cost(settings: Settings) -> Found:
    """Prices of arms that there are not, and months of which no effect on months in employment is told."""
    prices, months = settings["cost"]["per_assigned"], settings["cost"]["by_month"]
    arms = [code(settings["arms"]["reference"]), *map(code, settings["arms"]["treatments"])]
    for arm in prices:
        if code(arm) not in arms:
            remedy = nearest(code(arm), arms) or f"Known: {', '.join(arms)}."
            yield f"cost.per_assigned names '{arm}', which is no arm.", remedy
    if months and not prices:
        yield "cost.by_month has months, and cost.per_assigned no price.", "Name the price of an arm, or leave it out."
    told = settings["follow"]["months"]
    for month in months:
        if month not in told:
            known = ", ".join(map(str, told))
            yield f"cost.by_month names month {month}, which is not among follow.months ({known}).", "Add it there."


def _names(settings: Settings) -> Found:
    """Variances, treatments and covariates that there are not."""
    known = settings["estimation"]["variances"]
    for key, name in (("synthesis", "variance"), ("estimation", "primary")):
        chosen = settings[key][name]
        if chosen and chosen not in known:
            yield f"{key}.{name} '{chosen}' is not among estimation.variances.", f"Name one of {', '.join(known)}."
    treatments = list(map(code, settings["arms"]["treatments"]))
    for arm in settings["receipt"]["services"] or {}:
        if code(arm) not in treatments:
            remedy = nearest(code(arm), treatments) or f"Known: {', '.join(treatments)}."
            yield f"receipt.services names '{arm}', which is no treatment.", remedy
    for name in existing.declared(settings):
        if not re.fullmatch(r"[A-Za-z]\w*", name):
            yield f"covariates names '{name}', which cannot be a column's name.", "Use letters, digits and underscores."


def _subgroups(settings: Settings) -> Found:
    """Subgroups that are given by a range and by levels, or by neither; the same covariate declared twice."""
    for name, spec in settings["analyses"].items():
        subgroup = spec.get("subgroup")
        if subgroup and bool(subgroup.get("levels")) == bool({"at_least", "below"} & set(subgroup)):
            what = f"analyses.{name}.subgroup needs either levels or a range (at_least, below)."
            yield what, "Keep one: levels of a category, a range of a number."
    named = existing.declared(settings)
    for name in dict.fromkeys(named):
        if named.count(name) > 1:
            yield f"covariates names '{name}' twice.", "Name it once."


def _labels(settings: Settings) -> Found:
    """Names for codes that there are not; which levels there are is known only from the data."""
    arms = [code(settings["arms"]["reference"]), *map(code, settings["arms"]["treatments"])]
    known = {
        "arms": arms,
        "services": arms[1:],
        "covariates": [*words.COVARIATES, *existing.declared(settings)],
        "outcomes": [ORDINARY_EMPLOYMENT, ORDINARY, *settings["outcomes"], *settings["states"]],
    }
    for kind in known:
        for name in map(code, settings["labels"][kind]):
            if name not in known[kind]:
                remedy = nearest(name, known[kind]) or f"Known: {', '.join(known[kind])}."
                yield f"labels.{kind} names '{name}', which there is not.", remedy


def _outcomes(settings: Settings) -> Found:
    """States and outcomes that do not hang together."""
    declared, outcomes = settings["states"], [ORDINARY_EMPLOYMENT, *settings["outcomes"]]
    taken = {ORDINARY_EMPLOYMENT, ORDINARY, *FIXED_OUTCOMES}
    for kind, others in (("states", ()), ("outcomes", declared)):
        for name in settings[kind]:
            if name in taken or name in others:
                yield f"{kind}.{name} is the name of another state or outcome.", "Give it a name of its own."
    states = [ORDINARY, *declared]
    for name, counted in settings["outcomes"].items():
        for state in counted:
            if state not in states:
                yield f"outcomes.{name} names '{state}', which is no state.", nearest(state, states) or "See states."
    asked = {f"analyses.{name}.outcome": spec.get("outcome") for name, spec in settings["analyses"].items()}
    for key, outcome in {"outcome.primary": settings["outcome"]["primary"], **asked}.items():
        if outcome and outcome not in outcomes:
            remedy = nearest(outcome, outcomes) or f"Known: {', '.join(outcomes)}."
            yield f"{key} names '{outcome}', which is no outcome.", remedy


def _state_codes(settings: Settings) -> Found:
    """Codes that two states name."""
    owner: dict[tuple[str, str], str] = {}
    for state, spec in settings["states"].items():
        for extract, codes in spec.items():
            for value in map(code, codes):
                first = owner.setdefault((extract, value), state)
                if first != state:
                    yield f"states.{state} and states.{first} both name a code of {extract}.", "Let one state have it."


def _analyses(settings: Settings) -> Found:
    """Analyses with months outside the window, or that ask for what does not go together."""
    window = settings["window"]
    for name, spec in settings["analyses"].items():
        months, effect, estimator = spec["months"], spec.get("effect", "overall"), spec.get("estimator", "ols")
        if isinstance(months, list) and not -window["before"] <= months[0] <= months[1] <= window["after"]:
            expected = f"{-window['before']}..{window['after']}"
            yield f"analyses.{name} has months outside the window {expected}.", "Widen window or mend the months."
        asked = {
            "within": spec.get("within") is not None,
            f"effect: {effect}": effect != "overall",
            "subgroup": spec.get("subgroup") is not None,
            f"estimator: {estimator}": estimator != "ols",
        }
        chosen = [what for what, is_asked in asked.items() if is_asked]
        if len(chosen) > 1 and chosen != ["within", f"estimator: {estimator}"]:
            yield f"analyses.{name} asks for {words.listed(chosen)}.", "Keep one of them."


def _spans(settings: Settings) -> Found:
    """Spans of plausible numbers that end before they begin."""
    for key in ("age", "weekly_hours"):
        low, high = settings["plausible"][key]
        if low >= high:
            yield f"plausible.{key} is {low:g} to {high:g}.", "The least comes first: [15, 100], say."


CONSISTENCY: tuple[Callable[[Settings], Found], ...] = (
    *(_codes, _months, _cost, _names, _subgroups, _labels, _outcomes, _state_codes, _analyses, _spans),
    *(existing.covariates, existing.trial_codes, existing.ranges),
)


def inconsistencies(settings: Settings, own: Settings) -> Found:
    """Everything in checked settings that does not fit together.

    Parameters
    ----------
    settings : mapping
        The cohort file on top of the defaults.
    own : mapping
        What the cohort file itself says.

    Yields
    ------
    tuple of (str, str)
        What was found, and the remedy.
    """
    for check in CONSISTENCY:
        yield from check(settings)
    yield from existing.own_months(settings, own)
