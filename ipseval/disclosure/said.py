"""A profile of disclosure control in sentences: for the report and for the output checker."""

from collections.abc import Iterator, Mapping
from typing import Any

from ipseval import words
from ipseval.language import phrase, say

UNPROTECTED = phrase("**Nothing is protected: the profile `none` is for synthetic persons only.**")


def named(name: str, rules: Mapping[str, Any]) -> str:
    """Which profile is in force, and that it is no claim."""
    return say(
        "Profile of disclosure control: `{profile}` ({title}: {source}). A profile is a starting point and no claim of "
        "compliance: the decision is yours.",
        profile=name,
        title=say(rules["title"]),
        source=say(rules["source"]),
    )


def sentences(rules: Mapping[str, Any]) -> Iterator[str]:
    """The rules of a profile.

    Parameters
    ----------
    rules : mapping
        The profile's entry of config/disclosure.yaml.

    Yields
    ------
    str
        A rule in the language that is spoken.
    """
    if not rules["min_cell_count"]:
        yield say(UNPROTECTED)
        return
    yield say(
        "Hidden: numbers that fewer than {least} persons stand behind, groups in which all or nobody has the outcome, "
        "and whatever would give these back over all tables together.",
        least=rules["min_cell_count"],
    )
    if rules["small_whole_trial"] == "round":
        least = rules["min_cell_count"]
        yield say("Small monthly counts of the whole trial are rounded to 0 or {least}, at random.", least=least)
    yield from _rounded(rules)
    least = rules["min_residual_df"]
    yield say("Regressions with fewer than {least} residual degrees of freedom stay inside.", least=least)
    if rules["dominance"]:
        persons, share = rules["dominance"]["persons"], words.shortest(100 * rules["dominance"]["share"])
        yield say(
            "Dominance ({n}, {share} %): a mean is hidden when so many persons hold more than that share of its sum.",
            n=persons,
            share=share,
        )
    if rules["p_ratio"]:
        yield say(
            "A mean is hidden when all but the two largest values are below {share} % of the largest.",
            share=words.shortest(100 * rules["p_ratio"]),
        )


def _rounded(rules: Mapping[str, Any]) -> Iterator[str]:
    """What is rounded, and what is not."""
    base, decimals = rules["rounding_base"], rules["decimals"]
    if base:
        yield say("Counts are rounded to multiples of {base}, before rates.", base=base)
        yield say(
            "Estimates of regressions with covariates are not rounded to a base: a coefficient is no count. Effects "
            "without covariates, which would give rounded counts back, are hidden."
        )
    if decimals is not None:
        yield say(
            "Rates and effects have {decimals} decimals, and rates are computed from protected counts.",
            decimals=decimals,
        )
