"""What a row of effects has to say of its comparison, found anew."""

import numpy as np

from ipseval.recomputed.columns import About
from ipseval.recomputed.strata import of_few, strata_of
from ipseval.recomputed.study import Regression, Study

NOT_HELD = "the share assigned differs between strata or blocks, which this analysis does not hold"
UNLIKE = "the arms are observed in unlike months, which are compared as if they were the same"
ALL, CHANCE = "all", 0.01


def uneven(study: Study) -> set[tuple[str, str, str]]:
    """Column, centre and treatment of which shares assigned differ by more than chance (chi-square, over centres)."""
    from scipy.stats import chi2
    from scipy.stats.contingency import chi2_contingency, crosstab

    found = set()
    for column in (name for name in ("stratum", "block") if name in study.people):
        group = study.people[column].astype("string").fillna("").to_numpy(dtype=object)
        for arm in study.cohort.arms.treatments:
            both, parts = np.isin(study.arm, [arm, study.cohort.arms.reference]), {}
            for centre in study.cohort.centres:
                here = both & (study.centre == centre)
                if len(set(group[here])) > 1 and len(set(study.arm[here])) > 1:
                    table = crosstab(group[here].astype(str), study.arm[here].astype(str)).count
                    parts[centre] = chi2_contingency(table, correction=False)
            sums = {centre: (float(one.statistic), int(one.dof)) for centre, one in parts.items()}
            sums[ALL] = sum(value for value, _ in sums.values()), sum(dof for _, dof in sums.values())
            found |= {(column, c, arm) for c, (value, dof) in sums.items() if dof and chi2.sf(value, dof) < CHANCE}
    return found


def caveats(this: Regression, about: About, variance: str, is_uneven: set[tuple[str, str, str]]) -> list[str]:
    """What has to be said of an effect under a variance; ``is_uneven``: of :func:`uneven`."""
    analysis, study, said = this.analysis, this.study, []
    is_standardised = analysis.estimator == "standardised"
    held = {"stratum", "block"} if "block" in analysis.adjust else {"stratum"} & {*analysis.adjust}
    held |= {"stratum"} if is_standardised else set()
    if any((column, about.centre, about.arm) in is_uneven for column in {"stratum", "block"} - held):
        said.append(NOT_HELD)
    groups = list(this.arms_of(about).values())
    has_own_time = bool(analysis.time) and (about.centre == ALL or this.within != ALL)
    if not has_own_time and is_unlike(*(this.states[own] >= 0 for own in groups)):
        said.append(UNLIKE)
    if is_standardised and variance != "cr2":
        found = strata_of(study)
        number = found.number[this.persons]
        n = np.array([[int((own & (number == s)).sum()) for own in groups] for s in range(len(found.names))])
        counts = n if len(found.names) < 2 else n[(n > 0).all(axis=1)]
        said.append(of_few(counts.reshape(-1, len(groups)), study.cohort.estimation.min_persons_for_stars))
    return said


def is_unlike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether shares observed (persons x months) differ in a month by more than a tenth, and by three errors.

    Never of one month, which is compared with itself.
    """
    if one.shape[1] == 1:
        return False
    n = np.array([len(one), len(other)])
    for k in zip(one.sum(axis=0).tolist(), other.sum(axis=0).tolist(), strict=True):
        of_all = sum(k) * (n.sum() - sum(k))
        gap = abs(k[0] * int(n[1]) - k[1] * int(n[0]))
        if 10 * gap > n.prod() and gap**2 * int(n.sum()) > 9 * int(n.prod()) * int(of_all):
            return True
    return False
