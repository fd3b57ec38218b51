"""What a cohort file names that there is not, or that leaves nobody: covariates, codes of the trial list, months."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ipseval import words
from ipseval.config import code
from ipseval.errors import nearest
from ipseval.registers.covariates import EDUCATION_LEVELS, NO_COVARIATES

Found = Iterator[tuple[str, str]]  # what was found, and the remedy
Settings = Mapping[str, Any]

OF_RANDOMISATION = ("stratum", "block")  # of the trial list, without being declared
LEVELLED = ("education", "benefit", "health_contacts_per_month")  # covariates that come as name[level]
# Columns of persons that mean something else, and terms of regressions.
RESERVED = {
    *NO_COVARIATES,
    *OF_RANDOMISATION,
    *("withdrawn_on", "cluster", "weight", "share_employed_before", "intercept", "assigned", "member"),
    *LEVELLED,
    *words.TIME,
}
OTHER = "*"  # in a mapping of codes: every other code


def declared(settings: Settings) -> list[str]:
    """Names of the covariates that the cohort file declares, each of which may stand with its kind."""
    return [name for one in settings["covariates"] for name in ([one] if isinstance(one, str) else one)]


def covariates(settings: Settings) -> Found:
    """Covariates that no delivery can have, and declared ones whose name means something else."""
    names = declared(settings)
    for name in names:
        if name.lower() in RESERVED:
            named = "Name it under adjust" if name.lower() in OF_RANDOMISATION else "Give the column another name"
            yield f"covariates names '{name}', which is no baseline covariate.", f"{named}, and leave it out here."
    if len({name.lower() for name in names}) < len(set(names)):
        yield "covariates names two columns that differ in capitals only.", "Keep one of them."
    levels = [f"education[{level}]" for level in EDUCATION_LEVELS]
    known = [name for name in words.COVARIATES if name not in LEVELLED] + [*levels, *OF_RANDOMISATION, *names]
    for key, asked in _asked(settings):
        for name in dict.fromkeys(asked):
            if name not in known and not re.fullmatch(r"(benefit|health_contacts_per_month)\[.+\]", name):
                remedy = nearest(name, known) or f"Known: {', '.join(known)}. Others have to be declared in covariates."
                yield f"{key} names '{name}', which is no covariate.", remedy


def holds_strata(spec: Mapping[str, Any]) -> bool:
    """Whether an analysis compares within the strata of the trial list."""
    return "stratum" in spec.get("adjust", ()) or spec.get("estimator") == "standardised"


def asked_beyond(settings: Settings, defaults: Settings) -> list[str]:
    """Covariates that the settings ask for in other places than the defaults do; those an analysis requires may lack.

    A delivery has to have them, while what every cohort is asked for is left out and named where it is not delivered.
    """
    usual = {key: set(names) for key, names in _asked(defaults)}
    may_lack = {name for spec in settings["analyses"].values() for name in spec.get("requires", ())}
    own = {name for key, names in _asked(settings) for name in names if name not in usual.get(key, ())}
    return sorted(own - may_lack)


def _asked(settings: Settings) -> Iterator[tuple[str, Iterable[str]]]:
    """Keys that name covariates, and what they name."""
    for name, spec in settings["analyses"].items():
        yield f"analyses.{name}.adjust", spec.get("adjust", ())
        yield f"analyses.{name}.requires", spec.get("requires", ())
        if spec.get("subgroup"):
            yield f"analyses.{name}.subgroup", (spec["subgroup"]["covariate"],)
    for name, way in settings["robustness"]["adjustment"].items():
        yield f"robustness.adjustment.{name}", way.get("adjust", ())
    yield "bound.covariates", settings["bound"]["covariates"]
    yield "receipt.adjust", settings["receipt"]["adjust"]


def trial_codes(settings: Settings) -> Found:
    """Codes of arm and centre that are nobody's, are mapped to nothing or leave nobody."""
    arms = [code(settings["arms"]["reference"]), *map(code, settings["arms"]["treatments"])]
    places = list(map(code, settings["centres"]))
    for key, column, codes in (("arms", "arm", arms), ("centres", "centre", places)):
        if not all(codes):
            yield f"{key} names a code that is empty.", "Name the code that the trial list has."
        excluded = {code(v) for said in _of_trial(settings, "exclusions") for v in said.get(column, ())}
        left = [c for c in codes if c not in excluded]
        if not left or (column == "arm" and (arms[0] in excluded or len(left) < 2)):
            yield f"exclusions.trial.{column} leaves nobody to compare.", f"Take declared {key} out of it."
        targets = {code(v) for said in _of_trial(settings, "values") for v in said.get(column, {}).values()}
        for target in sorted(targets - {*codes, *excluded}):
            remedy = nearest(target, codes) or f"Known: {', '.join(codes)}."
            yield f"values.trial.{column} names '{target}', which is no {column}.", remedy


def _of_trial(settings: Settings, key: str) -> Iterator[Mapping[str, Any]]:
    """What is said of the trial list under a key, and under its layout."""
    yield settings[key].get("trial", {})
    sources = settings["layouts"].get("trial", {})
    yield from (source.get(key, {}) for source in (sources if isinstance(sources, list) else [sources]))


def ranges(settings: Settings) -> Found:
    """Ranges that hold nothing."""
    for name, spec in settings["analyses"].items():
        subgroup = spec.get("subgroup") or {}
        low, high = subgroup.get("at_least"), subgroup.get("below")
        if low is not None and high is not None and low >= high:
            yield (
                f"analyses.{name}.subgroup is at least {low} and below {high}.",
                "Nobody is: name the lower one first.",
            )
    for extract, sources in settings["layouts"].items():
        for source in sources if isinstance(sources, list) else [sources]:
            first, last = source.get("observed_from"), source.get("observed_until")
            if first and last and first > last:
                what = f"layouts.{extract}.observed_from ({first}) is later than its observed_until ({last})."
                yield what, "Swap or mend them."


def own_months(settings: Settings, own: Settings) -> Found:
    """Months outside the window that the cohort file itself names; a default one outside is left unused."""
    before, after = settings["window"]["before"], settings["window"]["after"]
    named = {
        "receipt.split_month": [own.get("receipt", {}).get("split_month")],
        "describe.wage_subsidy_months": own.get("describe", {}).get("wage_subsidy_months", []),
    }
    for key, months in named.items():
        if any(month is not None and not -before <= month <= after for month in months):
            yield f"{key} names a month outside the window {-before}..{after}.", "Widen window or mend the months."
