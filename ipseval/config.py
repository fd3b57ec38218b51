"""What was chosen for a cohort: frozen records made from settings that ``ipseval.settings`` has checked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ipseval.prices import Cost, priced
from ipseval.robustness import Robustness, chosen_combinations

COMPLETED_YEARS = "completed_years"  # of age at randomisation, by the calendar: what limits of age are about
ORDINARY, ORDINARY_EMPLOYMENT = "ordinary", "ordinary_employment"  # the state, and the outcome that only it makes


@dataclass(frozen=True)
class Arms:
    """The reference arm and the treatments compared with it, as our codes."""

    reference: str
    treatments: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Reference first, then the treatments in the order of the file."""
        return (self.reference, *self.treatments)


@dataclass(frozen=True)
class Window:
    """Months before and after randomisation; month 0 is the calendar month of randomisation."""

    before: int
    after: int

    @property
    def months(self) -> range:
        """All months of the panel, ``-before..after``."""
        return range(-self.before, self.after + 1)


@dataclass(frozen=True)
class Outcome:
    """What counts as a month in ordinary employment."""

    primary: str
    month_rule: str | Mapping[str, int]
    min_weekly_hours: float
    exclude_wage_subsidy: bool
    after_death: str
    after_emigration: str

    @property
    def min_days(self) -> int:
        """Days of a month that one job must cover (1 unless the rule is ``min_days``)."""
        return self.month_rule["min_days"] if isinstance(self.month_rule, Mapping) else 1


@dataclass(frozen=True)
class Subgroup:
    """Persons whose covariate is in a range (``at_least``, ``below``) or among ``levels``, against all others."""

    covariate: str
    at_least: float = float("-inf")
    below: float = float("inf")
    levels: tuple[str, ...] = ()

    def members(self, people: pd.DataFrame) -> pd.Series:
        """1 for members, 0 for others; missing where the covariate is, or everywhere when nobody has it."""
        if self.covariate not in people:
            return pd.Series(float("nan"), index=people.index)
        if self.levels:
            codes = people[self.covariate].map(code, na_action="ignore")
            return codes.isin(self.levels).astype(float).where(codes.notna())
        own = COMPLETED_YEARS if self.covariate == "age" and COMPLETED_YEARS in people else self.covariate
        values = people[own].astype(float)
        return ((values >= self.at_least) & (values < self.below)).astype(float).where(values.notna())


@dataclass(frozen=True)
class Analysis:
    """A regression, or one a centre and month; formulas in docs/methods.md, section 3."""

    name: str
    months: str | tuple[int, int]
    outcome: str = ORDINARY_EMPLOYMENT
    within: str | None = None
    effect: str = "overall"
    estimator: str = "ols"
    subgroup: Subgroup | None = None
    adjust: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    time: tuple[str, ...] = ()

    def windows(self, window: Window) -> list[tuple[int, int]]:
        """First and last month of each regression."""
        if self.months == "each":
            return [(k, k) for k in window.months]
        return [(0, window.after) if isinstance(self.months, str) else self.months]


@dataclass(frozen=True)
class Estimation:
    """How effects are estimated."""

    variances: tuple[str, ...]
    confidence_level: float
    min_persons_per_arm: int
    min_persons_for_stars: int
    primary: str


@dataclass(frozen=True)
class Randomisation:
    """How often assignment is drawn again, and the seed of the draws."""

    draws: int
    seed: int


@dataclass(frozen=True)
class Follow:
    """Months up to which the follow-up is summed up, in order."""

    months: tuple[int, ...]


@dataclass(frozen=True)
class Achievements:
    """Months by which it is told what persons have achieved, in order."""

    months: tuple[int, ...]


@dataclass(frozen=True)
class Bound:
    """Which missing data are bounded, and how."""

    covariates: tuple[str, ...]
    impute: str
    months: tuple[int, ...]
    draws: int
    seed: int


@dataclass(frozen=True)
class Synthesis:
    """How the effects of the centres are put together."""

    variance: str | None
    joint_test: str
    tau: str
    knapp_hartung: str
    min_persons_per_arm: int
    power: float


@dataclass(frozen=True)
class Receipt:
    """What counts as receiving a treatment, and how its effect is estimated."""

    services: Mapping[str, tuple[str, ...]]
    split_month: int
    adjust: tuple[str, ...]
    weak_first_stage_f: float
    unobserved_reference: str

    def codes(self, treatment: str) -> tuple[str, ...]:
        """Codes of the services that are a treatment: that of the arm unless others are named."""
        return self.services.get(treatment, (treatment,))

    def spans(self, window: Window) -> list[tuple[int, int]]:
        """First and last months: the whole follow-up, then until the split and after it."""
        if self.split_month >= window.after:
            return [(0, window.after)]
        return [(0, window.after), (0, self.split_month), (self.split_month + 1, window.after)]


@dataclass(frozen=True)
class EventStudy:
    """How months are grouped for the comparison with the time before randomisation."""

    period_months: int

    def spans(self, window: Window) -> list[tuple[int, int]]:
        """First and last months of the periods, counted from month 0 in both directions; cut off at the window."""
        step = self.period_months
        starts = range(-step * -(-window.before // step), window.after + 1, step)
        return [(max(k, -window.before), min(k + step - 1, window.after)) for k in starts]


@dataclass(frozen=True)
class Cohort:
    """Everything that was chosen for one cohort. Made by :func:`from_settings`."""

    name: str
    file: str
    extracts: Path
    title: str
    remark: str | None
    language: str
    labels: dict[str, dict[str, str]]
    published: Path | None
    organisation: Path | None
    organisation_groups: Mapping[str, Mapping[str, list[Any]]]
    timeline: Path | None
    fidelity: Path | None
    fidelity_scale: Path
    observed_from: str | None
    observed_until: str | None
    unobserved: list[str]
    arms: Arms
    centres: dict[str, str]
    files: dict[str, str | list[str]]
    columns: dict[str, dict[str, str | list[str]]]
    values: dict[str, dict[str, dict[str, str]]]
    exclusions: dict[str, dict[str, list[str]]]
    dates: dict[str, dict[str, Any]]
    zone: str | None
    numbers: dict[str, dict[str, dict[str, str]]]
    mending: dict[str, Path]
    layouts: dict[str, Any]
    covariates: dict[str, str | None]
    window: Window
    not_employed_at_randomisation: bool
    states: dict[str, dict[str, tuple[str, ...]]]
    outcomes: dict[str, tuple[str, ...]]
    outcome: Outcome
    estimation: Estimation
    randomisation: Randomisation
    synthesis: Synthesis
    follow: Follow
    achieved: Achievements
    cost: Cost | None
    receipt: Receipt
    event_study: EventStudy
    bound: Bound
    analyses: tuple[Analysis, ...]
    robustness: Robustness
    describe: dict[str, Any]
    checks: dict[str, str]
    plausible: dict[str, Any]
    verify: dict[str, Any]
    disclosure: dict[str, Any]
    earlier: tuple[Path, ...]
    asked_covariates: tuple[str, ...]
    asked_services: Mapping[str, tuple[str, ...]]
    grouped_codes: list[str]
    asked_strata: tuple[str, ...]

    @property
    def analysed_outcomes(self) -> tuple[str, ...]:
        """Outcomes that an analysis is about, the primary first."""
        return tuple(dict.fromkeys([self.outcome.primary, *(a.outcome for a in self.analyses)]))

    @property
    def pooled_variance(self) -> str:
        """Variance whose standard errors are pooled over the centres."""
        return self.synthesis.variance or self.estimation.primary


def code(value: Any) -> str:
    """Spell a code as text: ``1``, ``1.0``, ``True`` and ``"1"`` are all ``"1"``."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def from_settings(settings: Mapping[str, Any]) -> Cohort:
    """Make the :class:`Cohort` of settings that :func:`ipseval.settings.cohort_settings` has checked."""
    same = "name file remark language observed_from observed_until dates zone numbers files columns layouts describe"
    rest = {k: settings[k] for k in (*same.split(), "checks", "verify", "disclosure", "unobserved", "grouped_codes")}
    rest["plausible"] = settings["plausible"]
    prices, months = settings["cost"], settings["follow"]["months"]
    return Cohort(
        extracts=Path(settings["extracts"]),
        published=_file(settings["published"]),
        organisation=_file(settings["organisation"]),
        organisation_groups=settings["organisation_groups"],
        timeline=_file(settings["timeline"]),
        fidelity=_file(settings["fidelity"]),
        fidelity_scale=Path(settings["fidelity_scale"] or ""),
        earlier=tuple(map(Path, settings["earlier"])),
        asked_covariates=tuple(settings["asked_covariates"]),
        asked_services={code(arm): tuple(map(code, codes)) for arm, codes in settings["asked_services"].items()},
        asked_strata=tuple(settings["asked_strata"]),
        title=settings["title"] or settings["name"],
        labels={kind: {code(k): name for k, name in names.items()} for kind, names in settings["labels"].items()},
        arms=Arms(code(settings["arms"]["reference"]), tuple(map(code, settings["arms"]["treatments"]))),
        centres={code(k): code(v) for k, v in settings["centres"].items()},
        mending={k: Path(settings[k]) for k in ("leave_out", "corrections") if settings[k]},
        values={
            e: {c: {code(k): code(v) for k, v in m.items()} for c, m in cols.items()}
            for e, cols in settings["values"].items()
        },
        exclusions={
            e: {c: [code(v) for v in vs] for c, vs in cols.items()} for e, cols in settings["exclusions"].items()
        },
        covariates=_covariates(settings["covariates"]),
        window=Window(**settings["window"]),
        not_employed_at_randomisation=settings["eligibility"]["not_employed_at_randomisation"],
        states={s: {e: tuple(map(code, codes)) for e, codes in spec.items()} for s, spec in settings["states"].items()},
        outcomes={ORDINARY_EMPLOYMENT: (ORDINARY,)} | {o: tuple(s) for o, s in settings["outcomes"].items()},
        outcome=Outcome(**settings["outcome"]),
        estimation=Estimation(**{**settings["estimation"], "variances": tuple(settings["estimation"]["variances"])}),
        randomisation=Randomisation(**settings["randomisation"]),
        synthesis=Synthesis(**settings["synthesis"]),
        follow=Follow(tuple(sorted(settings["follow"]["months"]))),
        achieved=Achievements(tuple(sorted(settings["achieved"]["months"]))),
        cost=priced({code(a): p for a, p in prices["per_assigned"].items()}, prices["by_month"] or months),
        receipt=_receipt(settings["receipt"]),
        event_study=EventStudy(**settings["event_study"]),
        bound=_bound(settings["bound"]),
        robustness=chosen_combinations(settings["robustness"]),
        analyses=tuple(
            _analysis(name, {"outcome": settings["outcome"]["primary"], **spec})
            for name, spec in settings["analyses"].items()
        ),
        **rest,
    )


def _file(name: str | None) -> Path | None:
    return Path(name) if name else None


def _covariates(declared: Iterable[str | Mapping[str, str]]) -> dict[str, str | None]:
    """Name -> kind, None where the cohort file names none: what is delivered as text is a category then."""
    pairs = ({name: None} if isinstance(name, str) else name for name in declared)
    return {name: kind for pair in pairs for name, kind in pair.items()}


def _bound(chosen: Mapping[str, Any]) -> Bound:
    return Bound(**{**chosen, "covariates": tuple(chosen["covariates"]), "months": tuple(sorted(chosen["months"]))})


def _analysis(name: str, spec: Mapping[str, Any]) -> Analysis:
    chosen: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in spec.items()}
    about: Mapping[str, Any] = spec.get("subgroup") or {}
    subgroup = Subgroup(**{**about, "levels": tuple(map(code, about.get("levels", ())))}) if about else None
    return Analysis(name, **{**chosen, "subgroup": subgroup})


def _receipt(chosen: Mapping[str, Any]) -> Receipt:
    services = {code(arm): tuple(map(code, codes)) for arm, codes in (chosen["services"] or {}).items()}
    return Receipt(**{**chosen, "services": services, "adjust": tuple(chosen["adjust"])})
