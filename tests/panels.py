"""Random panels in the core's form, and the same person-months as rows for other packages."""

from dataclasses import dataclass, replace

import numpy as np

from ipseval.estimation.regression import Fit, Sample, fit


@dataclass(frozen=True)
class Panel:
    """Persons x months with centre, arm and covariates; ``X`` is [1, age, female, centres 2.., assigned]."""

    centre: np.ndarray
    assigned: np.ndarray
    covariates: np.ndarray
    Y: np.ndarray
    O: np.ndarray  # noqa: E741

    @property
    def X(self) -> np.ndarray:
        centres = [self.centre == c for c in np.unique(self.centre)[1:]]
        return np.column_stack([np.ones(len(self.Y)), self.covariates, *centres, self.assigned]).astype(float)

    def sample(self, base: int = 0) -> Sample:
        """With a dummy for each month but the base."""
        return Sample(self.X, np.delete(np.eye(self.Y.shape[1]), base, axis=1), self.Y, self.O)

    def taken(self, persons: np.ndarray) -> "Panel":
        """Some persons, in the order given."""
        parts = {name: getattr(self, name)[persons] for name in ("centre", "assigned", "covariates", "Y", "O")}
        return replace(self, **parts)


def random_panel(seed: int, n: int = 40, months: int = 5, missing: float = 0.0, centres: int = 2) -> Panel:
    """Shares that differ by person, arm and month; every arm of a centre has persons, every person a month."""
    rng = np.random.default_rng(seed)
    centre = np.arange(n) % centres
    assigned = (np.arange(n) // centres % 3 > 0).astype(float)
    covariates = np.column_stack([rng.uniform(18, 60, n), rng.random(n) < 0.4])
    share = rng.normal(size=(n, 1)) + 0.5 * assigned[:, None] + 0.1 * np.arange(months)
    observed = rng.random((n, months)) >= missing
    observed[np.arange(n), rng.integers(months, size=n)] = True
    outcome = (share + rng.normal(size=(n, months)) > 0.5).astype(float)
    return Panel(centre, assigned, covariates, outcome * observed, observed)


def expanded(sample: Sample) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of observed person-periods: Z = [X, D], y and person."""
    person, period = np.nonzero(sample.O)
    return np.hstack([sample.X[person], sample.D[period]]), sample.Y[person, period], person


def means_of(panel: Panel) -> Sample:
    """A person a row: the mean of the person's months."""
    n = len(panel.Y)
    return Sample(panel.X, np.zeros((1, 0)), panel.Y.mean(axis=1, keepdims=True), np.ones((n, 1), bool))


def fitted(panel: Panel) -> Fit:
    return fit(panel.sample())
