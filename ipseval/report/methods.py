"""The methods of the report with their formulas: only what the cohort uses. docs/methods.md has the rest."""

from dataclasses import dataclass

from markupsafe import Markup

from ipseval import words
from ipseval.config import Analysis
from ipseval.estimation.estimators import ESTIMATORS
from ipseval.language import say
from ipseval.report import formulas
from ipseval.tables.review import Review


@dataclass(frozen=True)
class Method:
    """A method in words, its formulas and its source in the literature."""

    title: str
    text: str
    formulas: tuple[Markup, ...]
    source: str = ""


def methods(review: Review) -> tuple[Method, ...]:
    """What was done for this cohort, in the order of the report."""
    found = (_balance(), *_regressions(review), *_variances(review), _redrawn(review), *_together(review))
    checks = (_followed(review), _received(review), _placebo(review), _bounds(review))
    return tuple(method for method in (*found, *checks) if method is not None)


def regression(analysis: Analysis) -> str:
    """The regression of an analysis as a formula in words: ``y ~ assigned × centre + age``."""
    effect = "assigned × centre" if analysis.effect == "by_centre" else "assigned"
    centre = () if analysis.within == "centre" or analysis.effect == "by_centre" else ("centre",)
    subgroup = (words.plain(analysis.subgroup.covariate), "assigned × member") if analysis.subgroup else ()
    terms = (effect, *centre, *subgroup, *map(words.plain, analysis.adjust), *map(words.plain, analysis.time))
    return f"y ~ {' + '.join(dict.fromkeys(terms))}"


def _has(review: Review, table: str, column: str) -> bool:
    """Whether a table holds a number at all."""
    return any(words.is_known(row[column]) for row in review.rows(table))


def _balance() -> Method:
    return Method(
        say("Standardised difference"),
        say("Difference of the arms' means in units of their common standard deviation."),
        formulas.STANDARDISED,
        "Austin 2009, Stat Med 28:3083",
    )


def _regressions(review: Review) -> tuple[Method, ...]:
    used = {analysis.estimator for analysis in review.cohort.analyses}
    return tuple(
        Method(say(one.title), say(one.method), formulas.OF_ESTIMATORS.get(one.name, ()), one.source)
        for one in ESTIMATORS.values()
        if one.name in used
    )


def _variances(review: Review) -> tuple[Method, ...]:
    note = say("G persons, N person-months, K columns Z, M the inverse of Z′Z, H = Z M Z′.")
    found = {
        "cr1": (formulas.CR1, "Liang & Zeger 1986, Biometrika 73:13"),
        "cr2": (formulas.CR2, "Bell & McCaffrey 2002, Surv Methodol 28:169; Pustejovsky & Tipton 2018, JBES 36:672"),
        "cr3": (formulas.CR3, "MacKinnon, Nielsen & Webb 2023, J Econometrics 232:272"),
    }
    return tuple(
        Method(say("Variance {name}", name=name), f"{words.sentence(words.variance(name))}. {note}", *found[name])
        for name in review.cohort.estimation.variances
        if name in found
    )


def _redrawn(review: Review) -> Method | None:
    draws = [row["draws"] for row in review.rows("randomisation") if words.is_known(row["draws"])]
    if not draws:
        return None
    return Method(
        say("Re-drawn assignment"),
        say(
            "Assignment is drawn anew as it was done, {n} times; p is the share of draws with a t as large. Over "
            "centres, months and subgroups p is adjusted by the largest t of each draw (max-t, step-down); c is its "
            "quantile.",
            n=words.count(max(draws)),
        )
        + _of_several_arms(review),
        formulas.REDRAWN,
        "Young 2019, QJE 134:557; Westfall & Young 1993; Romano & Wolf 2005, JASA 100:94",
    )


def _of_several_arms(review: Review) -> str:
    """What is drawn where there are several treatments; nothing where there is one."""
    if len(review.cohort.arms.treatments) == 1:
        return ""
    return " " + say(
        "Each treatment has draws of its own, in which only its persons and those of {reference} are drawn anew; p is "
        "adjusted over the treatments as well.",
        reference=review.reference,
    )


def _together(review: Review) -> tuple[Method, ...]:
    if not _has(review, "heterogeneity", "q"):
        return ()
    chosen = review.cohort.synthesis
    return (
        Method(
            say("Differences between centres"),
            say(
                "Effects of the k centres with their variances v. Joint test of equal effects: {test}. τ, the standard "
                "deviation between centres: {tau}.",
                test=words.plain(chosen.joint_test),
                tau=words.plain(chosen.tau),
            ),
            formulas.BETWEEN,
            "Cochran 1954, Biometrics 10:101; Higgins & Thompson 2002, Stat Med 21:1539; Pustejovsky & Tipton 2018",
        ),
        Method(
            say("Mean of the centres, and a further centre"),
            say("Interval of the mean by Knapp and Hartung, t with k − 1 degrees of freedom; interval of prediction."),
            formulas.TOGETHER,
            "Knapp & Hartung 2003, Stat Med 22:2693; Higgins et al. 2009, JRSS A 172:137",
        ),
    )


def _followed(review: Review) -> Method | None:
    if not _has(review, "time_to_job", "survival"):
        return None
    return Method(
        say("Time to the first ordinary job"),
        say(
            "n persons are at risk in month j, d of them have their first job in it; S is the share without one by the "
            "end of month k, and μ the mean months without a job up to month h."
        ),
        formulas.FOLLOWED,
        "Kaplan & Meier 1958; Royston & Parmar 2013, BMC Med Res Methodol 13:152",
    )


def _received(review: Review) -> Method | None:
    if not _has(review, "complier_effects", "estimate"):
        return None
    return Method(
        say("Complier effect"),
        say(
            "Two-stage least squares: receipt d instrumented by assignment a, with centre and covariates. It is the "
            "effect on those who receive when assigned and not otherwise, if assignment acts through receipt alone."
        ),
        formulas.COMPLIER,
        "Imbens & Angrist 1994, Econometrica 62:467; Angrist, Imbens & Rubin 1996, JASA 91:444",
    )


def _placebo(review: Review) -> Method | None:
    if not _has(review, "event_study", "estimate"):
        return None
    return Method(
        say("Placebo"),
        say("Changes since the period before randomisation, with an effect for each person i and each period p."),
        formulas.PLACEBO,
    )


def _bounds(review: Review) -> Method | None:
    if not _has(review, "missing_data", "estimate"):
        return None
    return Method(
        say("Bounds for missing months"),
        say(
            "Worst and best case: the missing months of one arm set to 0 and those of the other to 1. Trimming: q are "
            "the shares observed, m is the mean of the observed in arm 1, which has more of them, and m* the mean "
            "there of those who would be observed in either arm."
        ),
        formulas.BOUNDS,
        "Horowitz & Manski 2000, JASA 95:77; Lee 2009, REStud 76:1071; Imbens & Manski 2004, Econometrica 72:1845",
    )
