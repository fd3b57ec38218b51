"""Estimator ``logit``: differences of mean probabilities (g-computation, :mod:`ipseval.estimation.marginal`)."""

from ipseval.config import Cohort
from ipseval.estimation.analyses import Regression
from ipseval.estimation.design import ASSIGNED, Design
from ipseval.estimation.estimator import Estimator, Fitted, least_squares, places, tied
from ipseval.estimation.marginal import risk_differences
from ipseval.estimation.randomisation_logit import of_logit
from ipseval.estimation.regression import Sample
from ipseval.estimation.variance import Variance, same_df
from ipseval.language import phrase


def logit(cohort: Cohort, this: Regression, design: Design, like: Fitted | None = None) -> Fitted:
    """Differences of mean probabilities by a logit of the same columns; variance ``cr1`` only."""
    found, terms = least_squares(design, this.time, like)
    sample = Sample(design.X, this.time.D, this.time.Y, this.time.O)
    moved = [found.kept.tolist().index(j) for j, t in enumerate(design.terms) if t.startswith(ASSIGNED) and t in terms]
    marginal = risk_differences(sample, found.kept, moved)
    variances = {"cr1": Variance(marginal.covariance, same_df(found.n_persons - 1.0))}
    own = tuple(terms[j] for j in moved)
    return Fitted(found, own, marginal.estimate, variances, tied(found, terms), marginal.failure, places(found, terms))


LOGIT = Estimator(
    "logit",
    logit,
    phrase("Logit with g-computation"),
    phrase("Mean difference of the probabilities that a logit fits with everybody in one arm and in the other."),
    "Freedman 2008, Stat Sci 23:237",
    variances=("cr1",),
    redraw=of_logit,
)
