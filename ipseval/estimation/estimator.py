"""What an estimator is: from a regression to estimates with errors, and what the rest of the house asks of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ipseval.config import Cohort
from ipseval.estimation.analyses import Regression
from ipseval.estimation.assignments import Assignments
from ipseval.estimation.design import ASSIGNED, Design
from ipseval.estimation.periods import Periods
from ipseval.estimation.randomisation import Draws, Moved
from ipseval.estimation.regression import Fit, Sample, fit
from ipseval.estimation.variance import Variance, satterthwaite

# What an effect measures. Everything that prints an effect goes by it.
SHARES = "difference_of_shares"
LOG_RATIO = "log_ratio"


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


Fitting = Callable[[Cohort, Regression, Design, Fitted | None], Fitted]
Redrawing = Callable[[Fit, Moved, Assignments, float], Draws]


@dataclass(frozen=True)
class Estimator:
    """An estimator, whole: configuration, stages, print and the report's methods follow from this declaration.

    Parameters
    ----------
    name : str
        As configuration and results have it.
    fit : callable
        Cohort, regression, design and, where there is one, a fit of another outcome whose columns may be the same.
    title, method : str
        In English, for the report.
    source : str
        In the literature.
    measure : str
        What its effects are: ``SHARES`` or ``LOG_RATIO``.
    variances : tuple of str, or None
        Those that its effects have; None: the cohort's.
    is_linear : bool
        Whether its coefficients are the effects of least squares: listed, tested jointly and pooled over centres.
    redraw : callable, or None
        Estimates and errors under every draw from the fit of the columns that stay; None for least squares, which has
        a way of its own, and for an estimator that is not tested by re-drawn assignment.
    """

    name: str
    fit: Fitting
    title: str
    method: str
    source: str = ""
    measure: str = SHARES
    variances: tuple[str, ...] | None = None
    is_linear: bool = False
    redraw: Redrawing | None = None

    @property
    def is_redrawn(self) -> bool:
        """Whether its effects are tested by re-drawn assignment."""
        return self.is_linear or self.redraw is not None


def least_squares(design: Design, time: Periods, like: Fitted | None) -> tuple[Fit, tuple[str, ...]]:
    """Fit with assigned terms tested last for collinearity, and the terms that are in it."""
    terms = (*design.terms, *time.terms)
    found = fit(Sample(design.X, time.D, time.Y, time.O), assigned_last(terms), like.fit if like else None)
    return found, tuple(terms[j] for j in found.kept)


def tied(found: Fit, terms: tuple[str, ...]) -> frozenset[str]:
    return frozenset(term for term, is_tied in zip(terms, found.columns.is_tied, strict=True) if is_tied)


def places(found: Fit, terms: tuple[str, ...]) -> dict[str, int]:
    return dict(zip(terms, found.kept.tolist(), strict=True))


def assigned_last(terms: tuple[str, ...]) -> np.ndarray:
    """Positions of the terms, those of assigned last."""
    return np.argsort([term.startswith(ASSIGNED) for term in terms], kind="stable")
