"""The effects of the centres together once more: heterogeneity, shrunken effects, means by weight, joint tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ipseval.config import Cohort
from ipseval.estimation.design import ALL
from ipseval.estimation.estimators import ESTIMATORS
from ipseval.recomputed.caveats import NOT_HELD, UNLIKE
from ipseval.recomputed.effects import joined
from ipseval.recomputed.least_squares import Columns, LeastSquares
from ipseval.recomputed.study import Study, regressions

LARGEST = 4000  # distinct restrictions times columns, beyond which there is no approximate Hotelling test
BELOW_KNOWN = 1e-6
SOME = 64  # persons at a time
Row = dict[str, Any]
Part = tuple[LeastSquares, np.ndarray]


@dataclass(frozen=True)
class Pooled:
    """Centres of an analysis and arm: their rows of the effects, which of them are pooled, and the regressions."""

    analysis: str
    arm: str
    rows: pd.DataFrame
    fits: list[tuple[LeastSquares, dict[str, str]]]

    @property
    def used(self) -> pd.DataFrame:
        """Rows of the k centres that are pooled."""
        return self.rows[self.rows["status"] == "estimated"]

    def parts(self, R: np.ndarray) -> list[Part]:
        """Restrictions on the k effects (q x k) in the coefficients of each regression."""
        at = {centre: j for j, centre in enumerate(self.used["centre"])}
        found = []
        for fit, terms in self.fits:
            C = np.zeros((len(R), len(fit.columns.names)))
            for centre in at.keys() & terms.keys():
                C[:, fit.columns.names.index(terms[centre])] = R[:, at[centre]]
            found += [(fit, C)] if at.keys() & terms.keys() else []
        return found


def _pooled(study: Study, effects: pd.DataFrame) -> Iterator[Pooled]:
    cohort = study.cohort
    for analysis in cohort.analyses:
        has_centres = analysis.within or analysis.effect == "by_centre"
        if analysis.months == "each" or not has_centres or not ESTIMATORS[analysis.estimator].is_linear:
            continue
        every = [(this, this.fitted()) for this in regressions(study, analysis)]
        own = effects[(effects["analysis"] == analysis.name) & (effects["subgroup"] == ALL)]
        own = own[own["variance"] == cohort.pooled_variance]
        n = own.groupby("centre")["n_assigned"].sum()
        for arm in cohort.arms.treatments:
            rows = own[own["arm"] == arm].set_index("centre").loc[list(cohort.centres)].reset_index()
            rows = rows.assign(n_persons=rows["n_control"] + rows["centre"].map(n))
            few = rows[["n_assigned", "n_control"]].min(axis=1) < cohort.synthesis.min_persons_per_arm
            status = np.where(few & (rows["status"] == "estimated"), "too_few_for_pooling", rows["status"])
            fits = [
                (fit, {a.centre: a.term for a in this.abouts if a.arm == arm}) for this, fit in every if fit is not None
            ]
            yield Pooled(analysis.name, arm, rows.assign(status=status), fits)


def expected_synthesis(study: Study, effects: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The tables ``heterogeneity``, ``centre_effects`` and ``pooled_effects``.

    Parameters
    ----------
    study : Study
    effects : DataFrame
        As they were recomputed.
    """
    cohort = study.cohort
    spread: list[Row] = []
    centres: list[Row] = []
    means: list[Row] = []
    for pooled in _pooled(study, effects):
        label = {"analysis": pooled.analysis, "arm": pooled.arm, "variance": cohort.pooled_variance}
        y, v = (pooled.used[name].to_numpy(dtype=float) for name in ("estimate", "std_error"))
        random = _random(cohort, y, v**2)
        spread.append(label | _heterogeneity(cohort, pooled, y, v**2, random))
        centres += [label | row for row in _centres(cohort, pooled, y, v**2, random)]
        means += [label | row for row in _means(cohort, pooled, y, v**2, random)]
    empty = pd.DataFrame(columns=["analysis", "arm"])
    return tuple(pd.DataFrame(rows) if rows else empty for rows in (spread, centres, means))  # type: ignore[return-value]


def _reach(level: float, df: float) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + level) / 2, df)) if df > 0 else np.nan


# --- between centres ---------------------------------------------------------------------------


def _q(y: np.ndarray, v: np.ndarray, tau2: float) -> tuple[float, float, float]:
    """Generalised Q, the mean and the sum of weights."""
    w = 1 / (v + tau2)
    mean = float((w * y).sum() / w.sum())
    return float((w * (y - mean) ** 2).sum()), mean, float(w.sum())


def _zero(falling: Any) -> float:
    """Where a falling function of tau2 is zero, by halving; 0 where it begins below."""
    if falling(0.0) <= 0:
        return 0.0
    low, high = 0.0, 1e-6
    while falling(high) > 0:
        low, high = high, 2 * high
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2


def _tau2(name: str, y: np.ndarray, v: np.ndarray) -> float:
    """Variance between centres by Paule & Mandel, DerSimonian & Laird, or restricted likelihood."""
    k = len(y)
    if k < 2:
        return 0.0
    if name == "paule_mandel":
        return _zero(lambda tau2: _q(y, v, tau2)[0] - (k - 1))
    if name == "dersimonian_laird":
        w = 1 / v
        return max(0.0, (_q(y, v, 0.0)[0] - (k - 1)) / (w.sum() - (w**2).sum() / w.sum()))

    def score(tau2: float) -> float:
        w = 1 / (v + tau2)
        return float((w**2 * (y - _q(y, v, tau2)[1]) ** 2).sum() - w.sum() + (w**2).sum() / w.sum())

    return _zero(score)


def _random(cohort: Cohort, y: np.ndarray, v: np.ndarray) -> tuple[float, float, float, float]:
    """tau2, the mean, its error by Knapp & Hartung, and their factor."""
    if not len(y):
        return 0.0, np.nan, np.nan, np.nan
    tau2 = _tau2(cohort.synthesis.tau, y, v)
    q, mean, total = _q(y, v, tau2)
    factor = np.sqrt(q / (len(y) - 1)) if len(y) > 1 else np.nan
    factor = max(factor, 1.0) if cohort.synthesis.knapp_hartung == "at_least_one" and len(y) > 1 else factor
    return tau2, mean, float(factor / np.sqrt(total)), float(factor)


def _heterogeneity(
    cohort: Cohort, pooled: Pooled, y: np.ndarray, v: np.ndarray, random: tuple[float, float, float, float]
) -> Row:
    from scipy.stats import chi2

    k, level, chosen = len(y), cohort.estimation.confidence_level, cohort.synthesis
    left = pooled.rows[pooled.rows["status"] != "estimated"]
    named = ", ".join(f"{c} ({s})" for c, s in zip(left["centre"], left["status"], strict=True))
    out = f"not pooled: {named}" if named else ""
    row: Row = {"n_centres": k, "tau_estimator": chosen.tau, "joint_test": chosen.joint_test, "n_left_out": len(left)}
    names = ("q", "df", "p_value", "i2", "tau", "tau_low", "tau_high", "pooled", "std_error", "knapp_hartung", "ci_low")
    more = ("ci_high", "prediction_low", "prediction_high", "wald_f", "wald_df1", "wald_df2", "wald_p")
    if k < 2:
        return row | dict.fromkeys((*names, *more), np.nan) | {"note": joined("fewer than two centres to pool", out)}
    tau2, mean, error, factor = random
    q = _q(y, v, 0.0)[0]
    ends = [chi2.isf(p, k - 1) for p in ((1 - level) / 2, (1 + level) / 2)]
    taus = [np.sqrt(_zero(lambda tau2, at=at: _q(y, v, tau2)[0] - at)) for at in ends]
    reach, further = _reach(level, k - 1) * error, _reach(level, k - 2) * np.sqrt(tau2 + error**2)
    test = _joint(pooled, chosen.joint_test)
    values = [q, k - 1, chi2.sf(q, k - 1), max(0.0, (q - (k - 1)) / q) if q > 0 else 0.0, np.sqrt(tau2), *taus, mean]
    values += [error, factor, mean - reach, mean + reach, mean - further, mean + further, *test]
    notes = (
        "no prediction interval with fewer than three centres" if k == 2 else "",
        "no joint test: too few persons, or too many centres" if np.isnan(test[3]) else "",
        "Knapp-Hartung factor below 1" if factor < 1 - 1e-6 else "",
    )
    said = [str(note) for note in pooled.rows.loc[pooled.rows["status"] == "estimated", "note"]]
    caveats = [text for text in (NOT_HELD, UNLIKE) if any(text in note for note in said)]
    return row | dict(zip((*names, *more), values, strict=True)) | {"note": joined(*notes, out, *caveats)}


# --- joint tests -------------------------------------------------------------------------------


def _joint(pooled: Pooled, name: str) -> tuple[float, int, float, float]:
    """F, its degrees of freedom and p of the test that all centres have one effect."""
    from scipy.stats import f

    k = len(pooled.used)
    parts = pooled.parts(np.hstack([-np.ones((k - 1, 1)), np.eye(k - 1)]))
    q, variance = k - 1, "cr1" if name == "cr1" else "cr2"
    b = np.sum([C @ fit.b for fit, C in parts], axis=0)
    V = np.sum([C @ fit.covariance(variance) @ C.T for fit, C in parts], axis=0)
    wald = float(b @ np.linalg.inv(V) @ b) if np.linalg.matrix_rank(V) == q else np.nan
    if name == "cr1":
        found, df2 = wald / q, float(sum(fit.columns.n_persons - 1 for fit, _ in parts))
    else:
        eta = _eta(parts)
        found, df2 = wald * (eta - q + 1) / (eta * q), eta - q + 1
    if not (np.isfinite(found) and df2 > 0):
        return np.nan, q, np.nan, np.nan
    return found, q, df2, float(f.sf(found, q, df2))


def _eta(parts: list[Part]) -> float:
    """Q (q + 1) / sum of Var(d_st), where D is C V C' in units of its expectation (Pustejovsky & Tipton 2018).

    Under the working model the shares of persons i and j in restrictions s and t have the covariance
    P_ij,st = [i = j] p_is'p_it - w_is'w_jt, and Var(d_st) = sum_ij P_ij,ss P_ij,tt + P_ij,st P_ij,ts.
    """
    sizes = [len(np.unique(C[C.any(axis=1)], axis=0)) * C.shape[1] for _, C in parts]
    if max(sizes) > LARGEST:
        return np.nan
    q = len(parts[0][1])
    moments = [fit.columns.moments(C) for fit, C in parts]
    omega = np.sum([(own - w @ w.transpose(0, 2, 1)).sum(axis=0) for own, w in moments], axis=0)
    values, vectors = np.linalg.eigh(omega)
    if values[0] <= 1e-12 * values[-1]:
        return np.nan
    root = (vectors / np.sqrt(values)) @ vectors.T
    total = 0.0
    for own, w in moments:
        own, w = root @ own @ root, root @ w
        for start in range(0, len(w), SOME):
            some = slice(start, start + SOME)
            P = -np.einsum("isk,jtk->ijst", w[some], w, optimize=True)
            i = np.arange(len(w[some]))
            P[i, start + i] += own[some]
            total += float((np.einsum("ijss->ij", P) ** 2).sum() + np.einsum("ijst,ijts->", P, P))
    return q * (q + 1) / total


def _contrast(parts: list[Part], variance: str) -> tuple[float, float]:
    """Error of one combination of effects, and its degrees of freedom."""
    v, df = [], []
    for fit, C in parts:
        v.append(float((C @ fit.covariance(variance) @ C.T)[0, 0]))
        df.append(_df(fit.columns, C) if variance == "cr2" else fit.columns.n_persons - 1.0)
    return float(np.sqrt(sum(v))), sum(v) ** 2 / sum(x**2 / d for x, d in zip(v, df, strict=True))


def _df(columns: Columns, C: np.ndarray) -> float:
    own, w = columns.moments(C)
    P = np.diag(own[:, 0, 0]) - w[:, 0] @ w[:, 0].T
    return float(np.trace(P) ** 2 / (P**2).sum())


# --- centres and means -------------------------------------------------------------------------


def _detectable(cohort: Cohort, error: float, df: float) -> float:
    from scipy.stats import t

    return float((_reach(cohort.estimation.confidence_level, df) + t.ppf(cohort.synthesis.power, df)) * error)


def _centres(
    cohort: Cohort, pooled: Pooled, y: np.ndarray, v: np.ndarray, random: tuple[float, float, float, float]
) -> Iterator[Row]:
    tau2, mean, error, _ = random
    level, k, used = cohort.estimation.confidence_level, len(y), list(pooled.used["centre"])
    names = ["centre", "n_assigned", "n_control", "estimate", "std_error", "ci_low", "ci_high", "status"]
    of_pooling = ["weight_precision", "weight_random", "shrunken", "shrunken_low", "shrunken_high", "pooled_without"]
    for row in pooled.rows.to_dict("records"):
        found: Row = {name: row[name] for name in names} | dict.fromkeys(
            (*of_pooling, "pooled_without_std_error", "minimum_detectable"), np.nan
        )
        if row["centre"] in used:
            j = used.index(row["centre"])
            others = np.arange(k) != j
            rest = _random(cohort, y[others], v[others])
            share = tau2 / (tau2 + v[j])
            own = share * y[j] + (1 - share) * mean
            reach = _reach(level, k - 1) * np.sqrt(share * v[j] + (1 - share) ** 2 * error**2)
            weights = (1 / v[j] / (1 / v).sum(), 1 / (v[j] + tau2) / (1 / (v + tau2)).sum())
            found |= dict(zip(of_pooling, (*weights, own, own - reach, own + reach, rest[1]), strict=True))
            found["pooled_without_std_error"] = rest[2]
            found["minimum_detectable"] = _detectable(cohort, row["std_error"], row["df"])
        yield found


def _means(
    cohort: Cohort, pooled: Pooled, y: np.ndarray, v: np.ndarray, random: tuple[float, float, float, float]
) -> Iterator[Row]:
    k, level = len(y), cohort.estimation.confidence_level
    n1, n0, n = (pooled.used[name].to_numpy(dtype=float) for name in ("n_assigned", "n_control", "n_persons"))
    known = np.sqrt(1 / (1 / v).sum()) if k else np.nan
    found = [("random_effects", random[1], random[2], k - 1.0)]
    for name, w in (("precision", 1 / v), ("overlap", n1 * n0 / (n1 + n0)), ("persons", n), ("centres", np.ones(k))):
        w = w / w.sum() if k else w
        error, df = _contrast(pooled.parts(w[None, :]), cohort.pooled_variance) if k else (np.nan, np.nan)
        found.append((name, float(w @ y) if k else np.nan, error, df))
    for name, estimate, error, df in found:
        reach = _reach(level, df) * error
        row: Row = {"weighting": name, "n_centres": k, "estimate": estimate, "std_error": error}
        row |= {"df": df if df > 0 else np.nan, "ci_low": estimate - reach, "ci_high": estimate + reach}
        is_below = error < known * (1 - BELOW_KNOWN)
        yield row | {"minimum_detectable": np.nan if is_below else _detectable(cohort, error, df)}
