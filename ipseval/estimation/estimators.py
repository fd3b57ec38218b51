"""Estimators: from a regression to estimates with errors; a registry."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ipseval.config import Cohort
from ipseval.estimation.analyses import Regression
from ipseval.estimation.design import ASSIGNED, MODERATED, STANDARDISED, Design
from ipseval.estimation.marginal import risk_differences
from ipseval.estimation.periods import Periods
from ipseval.estimation.regression import Fit, Sample, fit
from ipseval.estimation.variance import VARIANCES, Variance, same_df, satterthwaite

LINEAR = ("ols", *MODERATED)  # whose coefficients are the effects: they can be tested jointly and pooled


@dataclass(frozen=True)
class Fitted:
    """Estimates of a regression.

    Parameters
    ----------
    fit : Fit
        Least squares; for other estimators of the same columns.
    terms : tuple of str, length K
        What was estimated.
    estimate : float array, length K
    variances : dict
        By name.
    tied : frozenset of str
        Terms that cannot be told from columns that were left out.
    failure : str
        A status that holds for every effect.
    columns_of : mapping
        Term -> its column of the design.
    """

    fit: Fit
    terms: tuple[str, ...]
    estimate: np.ndarray
    variances: dict[str, Variance]
    tied: frozenset[str] = frozenset()
    failure: str = ""
    columns_of: Mapping[str, int] = field(default_factory=dict)

    def std_error(self, variance: str, term: str) -> float:
        """Standard error of a term."""
        return float(self.variances[variance].std_error[self.terms.index(term)])

    def numbers(self, variance: str, term: str) -> tuple[float, float, float]:
        """Estimate, standard error and degrees of freedom of a term."""
        df = self._df_of_assigned if term.startswith(ASSIGNED) else self._df_of_others
        return float(self.estimate[self.terms.index(term)]), self.std_error(variance, term), df[variance][term]

    def df_of_few(self, variance: str, term: str) -> float:
        """Degrees of freedom of a term that rests on few persons: at most those of Satterthwaite.

        G - 1 counts all persons of the regression, of whom hardly any says anything about the term's error: of two
        persons against two among 84 the t would have 83 degrees of freedom where about two are left.
        """
        own = self.numbers(variance, term)[2]
        column = self.fit.kept.tolist().index(self.columns_of[term])
        return min(own, satterthwaite(self.fit, column))

    @cached_property
    def _df_of_assigned(self) -> dict[str, dict[str, float]]:
        return self._df([term for term in self.terms if term.startswith(ASSIGNED)])

    @cached_property
    def _df_of_others(self) -> dict[str, dict[str, float]]:
        """Apart from those of assigned, which are few: under cr2 each term costs time."""
        return self._df([term for term in self.terms if not term.startswith(ASSIGNED)])

    def _df(self, terms: Sequence[str]) -> dict[str, dict[str, float]]:
        """Degrees of freedom by variance and term."""
        at = [self.terms.index(term) for term in terms]
        return {n: dict(zip(terms, v.df_of(at).tolist(), strict=True)) for n, v in self.variances.items()}


def linear(cohort: Cohort, this: Regression, design: Design, like: Fitted | None = None) -> Fitted:
    """Ordinary least squares on person-months, with every variance of the cohort."""
    found, terms = _least_squares(design, this.time, like)
    variances = {name: VARIANCES[name](found) for name in cohort.estimation.variances}
    return Fitted(found, terms, found.b, variances, _tied(found, terms), "", _places(found, terms))


def logit(cohort: Cohort, this: Regression, design: Design, like: Fitted | None = None) -> Fitted:
    """Differences of mean probabilities by a logit of the same columns (g-computation); variance ``cr1`` only."""
    found, terms = _least_squares(design, this.time, like)
    sample = Sample(design.X, this.time.D, this.time.Y, this.time.O)
    moved = [found.kept.tolist().index(j) for j, t in enumerate(design.terms) if t.startswith(ASSIGNED) and t in terms]
    marginal = risk_differences(sample, found.kept, moved)
    variances = {"cr1": Variance(marginal.covariance, same_df(found.n_persons - 1.0))}
    own = tuple(terms[j] for j in moved)
    tied, places = _tied(found, terms), _places(found, terms)
    return Fitted(found, own, marginal.estimate, variances, tied, marginal.failure, places)


def _least_squares(design: Design, time: Periods, like: Fitted | None) -> tuple[Fit, tuple[str, ...]]:
    """Fit with assigned terms tested last for collinearity, and the terms that are in it."""
    terms = (*design.terms, *time.terms)
    found = fit(Sample(design.X, time.D, time.Y, time.O), assigned_last(terms), like.fit if like else None)
    return found, tuple(terms[j] for j in found.kept)


def _tied(found: Fit, terms: tuple[str, ...]) -> frozenset[str]:
    return frozenset(term for term, is_tied in zip(terms, found.columns.is_tied, strict=True) if is_tied)


def _places(found: Fit, terms: tuple[str, ...]) -> dict[str, int]:
    return dict(zip(terms, found.kept.tolist(), strict=True))


def assigned_last(terms: tuple[str, ...]) -> np.ndarray:
    """Positions of the terms, those of assigned last."""
    return np.argsort([term.startswith(ASSIGNED) for term in terms], kind="stable")


# The last argument is a fit of another outcome, whose columns may be the same.
Estimator = Callable[[Cohort, Regression, Design, Fitted | None], Fitted]
ESTIMATORS: dict[str, Estimator] = {"ols": linear, "lin": linear, STANDARDISED: linear, "logit": logit}


def variances_of(cohort: Cohort, estimator: str) -> tuple[str, ...]:
    """Variances that an estimator's effects have."""
    return cohort.estimation.variances if estimator in LINEAR else ("cr1",)
