"""Estimators: the registry. One more is a file that declares an :class:`Estimator`, and its line here."""

from ipseval.config import Cohort
from ipseval.estimation.analyses import Regression
from ipseval.estimation.design import LIN, STANDARDISED, Design
from ipseval.estimation.estimator import Estimator, Fitted, least_squares, places, tied
from ipseval.estimation.logit import LOGIT
from ipseval.estimation.risk_ratio import RISK_RATIO
from ipseval.estimation.variance import VARIANCES
from ipseval.language import phrase


def linear(cohort: Cohort, this: Regression, design: Design, like: Fitted | None = None) -> Fitted:
    """Ordinary least squares on person-months, with every variance of the cohort."""
    found, terms = least_squares(design, this.time, like)
    variances = {name: VARIANCES[name](found) for name in cohort.estimation.variances}
    return Fitted(found, terms, found.b, variances, tied(found, terms), "", places(found, terms))


OF_LEAST_SQUARES = (
    Estimator(
        "ols",
        linear,
        phrase("Linear probability model"),
        phrase(
            "Month k of person i: y is 1 in the outcome, a is assignment, x are covariates of the person (centre "
            "among them), δ dummies for time. β is the effect: a difference in the share of months."
        ),
        is_linear=True,
    ),
    Estimator(
        LIN,
        linear,
        phrase("Covariates that interact with assignment"),
        phrase("Each covariate also as a product with assignment, in deviations from its mean."),
        "Lin 2013, Ann Appl Stat 7:295",
        is_linear=True,
    ),
    Estimator(
        STANDARDISED,
        linear,
        phrase("Effect in the persons of the trial"),
        phrase(
            "Centres, strata and covariates also as products with assignment, in deviations from their means: the "
            "effects of the centres weighted by their persons."
        ),
        "Ye, Shao, Yi & Zhao 2023, J Am Stat Assoc 118:2370",
        is_linear=True,
    ),
)
ESTIMATORS = {estimator.name: estimator for estimator in (*OF_LEAST_SQUARES, LOGIT, RISK_RATIO)}


def variances_of(cohort: Cohort, estimator: str) -> tuple[str, ...]:
    """Variances that an estimator's effects have."""
    own = ESTIMATORS[estimator].variances
    return cohort.estimation.variances if own is None else own
