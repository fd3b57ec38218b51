"""Configuration: every key takes a good value and refuses a bad one; all faults are told at once."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ipseval.config import Subgroup
from ipseval.errors import UserError
from ipseval.estimation.variance import VARIANCES
from ipseval.settings import (
    SCALES_FOLDER,
    STAGE_KEYS,
    cohort_schema,
    cohort_settings,
    cohorts,
    default_settings,
    for_stage,
    read_cohort,
)

LEAST = {"extracts": "extracts", "arms": {"reference": "a", "treatments": ["b"]}, "centres": {1: "North"}}
OWN = {"months": [0, 3]}
# Path of a key -> a good value that is not the default, a bad value, and what is said of the bad one.
KEYS: dict[str, tuple[Any, Any, str]] = {
    "title": ("North", 5, "title is 5. Expected: text or null (Title printed"),
    "extracts": ("data", "", 'extracts is "". Expected: a text that is not empty (Folder'),
    "remark": ("Synthetic.", ["x"], 'remark is ["x"]. Expected: text or null'),
    "language": ("nb", "no", 'language is "no". Expected: en, nb or da'),
    "labels": ({"arms": {"b": "IPS"}}, ["IPS"], 'labels is ["IPS"]. Expected: keys with values'),
    "labels.arms": ({"a": "Ordinary services"}, {"a": ""}, 'labels.arms.a is "". Expected: a text'),
    "labels.covariates": ({"age": "Age"}, {"age": 1}, "labels.covariates.age is 1. Expected: text"),
    "labels.levels": ({"pension": "Pension"}, {"pension": None}, "labels.levels.pension is empty. Expected: text"),
    "labels.services": ({"b": "IPS"}, ["b"], 'labels.services is ["b"]. Expected: keys with values'),
    "labels.outcomes": ({"ordinary": "work"}, 1, "labels.outcomes is 1. Expected: keys with values"),
    "labels.numbers": (
        {"balance": "table 1 of the article"},
        {"balanse": "table 1"},
        "labels.numbers names 'balanse', which there is not. Did you mean 'balance'?",
    ),
    "published": (None, 3, "published is 3. Expected: text or null"),
    "organisation": (None, 3, "organisation is 3. Expected: text or null"),
    "organisation_groups": ({}, {"owner": {"a": ["x"]}}, "organisation_groups.owner is {"),
    "timeline": (None, 3, "timeline is 3. Expected: text or null"),
    "fidelity": (None, ["x"], 'fidelity is ["x"]. Expected: text or null'),
    "fidelity_scale": (None, 25, "fidelity_scale is 25. Expected: text or null"),
    "observed_from": ("2009-01", "2009-13", 'observed_from is "2009-13". Expected: First complete month'),
    "observed_until": ("2018-12", 201812, "observed_until is 201812. Expected: Last complete month"),
    "unobserved": (["2018-09"], "2018-09", 'unobserved is "2018-09". Expected: a list'),
    "arms": ({"reference": 0, "treatments": [1, 2]}, ["a"], 'arms is ["a"]. Expected: keys with values'),
    "arms.reference": ("a", ["a"], 'arms.reference is ["a"]. Expected: text or a number or true or false'),
    "arms.treatments": (["b", "c"], [], "arms.treatments is []. Expected: at least 1 in the list (The other arms)."),
    "centres": ({"x": "X"}, {}, "centres is {}. Expected: at least 1 key"),
    "files": ({"persons": "faste_*.parquet"}, {"persons": "/data/x"}, 'files.persons is "/data/x". Expected:'),
    "columns": ({"trial": {"arm": ["gruppe"]}}, {"trial": {"arm": 5}}, "columns.trial.arm is 5. Expected: text"),
    "values": ({"trial": {"arm": {1: "b"}}}, {"trial": {"arm": ["b"]}}, "values.trial.arm is"),
    "exclusions": ({"trial": {"arm": ["pilot"]}}, {"trial": {"arm": "pilot"}}, "exclusions.trial.arm is"),
    "layouts": ({"employment": {"layout": "monthly"}}, {"employment": "monthly"}, "layouts.employment is"),
    "covariates": (["imprisoned"], ["x", "x"], "covariates names something twice."),
    "window": ({"before": 3}, 12, "window is 12. Expected: keys with values"),
    "window.before": (12, -1, "window.before is -1. Expected: 0 or more (Months before)."),
    "window.after": (12, 601, "window.after is 601. Expected: 600 or less (Months after)."),
    "eligibility": ({"not_employed_at_randomisation": False}, None, "eligibility is empty. Expected: keys with"),
    "eligibility.not_employed_at_randomisation": (False, "no", 'randomisation is "no". Expected: true or false'),
    "states": (
        {"fleksjob": {"employment": ["f"]}},
        {"fleksjob": {"jobs": ["f"]}},
        "states.fleksjob.jobs is not a key.",
    ),
    "outcomes": ({"any": ["ordinary"]}, {"any": []}, "outcomes.any is []. Expected: at least 1"),
    "outcome.primary": ("ordinary_employment", 1, "outcome.primary is 1. Expected: text"),
    "outcome": ({"after_death": "missing"}, [], "outcome is []. Expected: keys with values"),
    "outcome.month_rule": (
        {"min_days": 4},
        {"min_days": 32},
        "outcome.month_rule.min_days is 32. Expected: 31 or less",
    ),
    "outcome.min_weekly_hours": (4, "4", 'outcome.min_weekly_hours is "4". Expected: a number'),
    "outcome.exclude_wage_subsidy": (False, 0, "outcome.exclude_wage_subsidy is 0. Expected: true or false"),
    "outcome.after_death": ("missing", "one", 'outcome.after_death is "one". Expected: zero or missing (Months after'),
    "outcome.after_emigration": ("missing", 0, "outcome.after_emigration is 0. Expected: zero or missing"),
    "estimation": ({"variances": ["cr1"]}, "cr1", 'estimation is "cr1". Expected: keys'),
    "estimation.variances": (["cr2"], ["cr9"], 'estimation.variances.0 is "cr9". Expected: cr1'),
    "estimation.confidence_level": (0.9, 95, "estimation.confidence_level is 95. Expected: less than 1 (Level"),
    "estimation.primary": ("cr2", 1, "estimation.primary is 1. Expected: text or null"),
    "estimation.min_persons_for_stars": (8, 0, "estimation.min_persons_for_stars is 0. Expected: 1 or more"),
    "estimation.min_persons_per_arm": (3, 0, "estimation.min_persons_per_arm is 0. Expected: 1 or more"),
    "synthesis": ({"power": 0.9}, 1, "synthesis is 1."),
    "synthesis.variance": ("cr2", 1, "synthesis.variance is 1. Expected: text or null"),
    "synthesis.joint_test": ("cr1", "x", 'synthesis.joint_test is "x". Expected: htz or cr1'),
    "synthesis.tau": ("reml", "x", 'synthesis.tau is "x". Expected: paule_mandel, reml or dersimonian_laird'),
    "synthesis.knapp_hartung": ("at_least_one", 1, "synthesis.knapp_hartung is 1. Expected: plain or at_least_one"),
    "synthesis.min_persons_per_arm": (3, 1, "synthesis.min_persons_per_arm is 1. Expected: 2 or more"),
    "synthesis.power": (0.9, 80, "synthesis.power is 80. Expected: less than 1"),
    "follow": ({"months": [6]}, [6], "follow is [6]."),
    "follow.months": ([6, 3], [0], "follow.months.0 is 0. Expected: 1 or more"),
    "achieved": ({"months": [6]}, [6], "achieved is [6]."),
    "achieved.months": ([6, 3], [0], "achieved.months.0 is 0. Expected: 1 or more"),
    "cost": ({"per_assigned": {"b": 100}, "by_month": [12]}, 100, "cost is 100."),
    "cost.per_assigned": ({"b": 100}, {"b": -1}, "cost.per_assigned.b is -1. Expected: 0 or more"),
    "cost.by_month": ([12], [0], "cost.by_month.0 is 0. Expected: 1 or more"),
    "randomisation": ({"draws": 199}, 99, "randomisation is 99."),
    "randomisation.draws": (999, 98, "randomisation.draws is 98. Expected: 99 or more"),
    "randomisation.seed": (5, -1, "randomisation.seed is -1. Expected: 0 or more"),
    "bound": ({"impute": "all"}, "all", 'bound is "all".'),
    "bound.covariates": (["age"], [], "bound.covariates is []. Expected: at least 1 in the list"),
    "bound.impute": ("all", "none", 'bound.impute is "none". Expected: attrition or all'),
    "bound.months": ([6, 3], [0], "bound.months.0 is 0. Expected: 1 or more"),
    "bound.draws": (999, 98, "bound.draws is 98. Expected: 99 or more"),
    "bound.seed": (5, -1, "bound.seed is -1. Expected: 0 or more"),
    "receipt": ({"split_month": 6}, 6, "receipt is 6."),
    "receipt.services": ({"b": ["B1", 2]}, {"b": "B1"}, 'receipt.services.b is "B1". Expected: a list'),
    "receipt.split_month": (0, -1, "receipt.split_month is -1. Expected: 0 or more"),
    "receipt.adjust": ([], ["age", "age"], "receipt.adjust names something twice."),
    "receipt.weak_first_stage_f": (104.7, 0, "receipt.weak_first_stage_f is 0. Expected: more than 0"),
    "receipt.unobserved_reference": ("missing", 0, "receipt.unobserved_reference is 0. Expected: none or missing"),
    "event_study": ({"period_months": 3}, 3, "event_study is 3."),
    "event_study.period_months": (12, 0, "event_study.period_months is 0. Expected: 1 or more"),
    "robustness": ({"min_weekly_hours": [0]}, [], "robustness is []."),
    "robustness.month_rule": (["any_day"], ["no_day"], "robustness.month_rule.0"),
    "robustness.min_weekly_hours": ([0, 15], [-1], "robustness.min_weekly_hours.0 is -1. Expected: 0 or more"),
    "robustness.exclude_wage_subsidy": ([True], ["yes"], "robustness.exclude_wage_subsidy.0"),
    "robustness.time": ([["calendar_year"]], [["week"]], "robustness.time.0.0"),
    "robustness.adjustment": ({"none": {"adjust": []}}, {"x": {"estimator": "logit"}}, "robustness.adjustment.x.est"),
    "robustness.variances": (["cr1"], ["cr9"], 'robustness.variances.0 is "cr9". Expected: cr1'),
    "analyses": ({"mine": OWN}, {"My own": OWN}, 'analyses has the name "My own". Expected: small letters'),
    "describe": ({"health_contact_months": 6}, 6, "describe is 6."),
    "describe.wage_subsidy_months": ([1, 6], [1], "describe.wage_subsidy_months is [1]. Expected: at least 2"),
    "describe.education": ("highest", "all", 'describe.education is "all". Expected: every_course or highest'),
    "describe.wage_income_year": (
        2012,
        "2012",
        'describe.wage_income_year is "2012". Expected: a whole number or null',
    ),
    "describe.health_contact_months": (6, 0, "describe.health_contact_months is 0. Expected: 1 or more"),
    "checks": (
        {"missing_month": "warn"},
        {"missing_month": "no"},
        'checks.missing_month is "no". Expected: stop, drop,',
    ),
    "plausible": ({"repeats": 5}, 5, "plausible is 5."),
    "plausible.age": ([18, 65], [18], "plausible.age is [18]. Expected: at least 2 in the list"),
    "plausible.weekly_hours": ([1, 60], [0, 200], "plausible.weekly_hours.1 is 200. Expected: 168 or less"),
    "plausible.years_from_bulk": (1.5, 0, "plausible.years_from_bulk is 0. Expected: more than 0"),
    "plausible.repeats": (5, 1, "plausible.repeats is 1. Expected: 2 or more"),
    "dates": ({"trial": {"randomised_on": "DD-MM-YYYY"}}, "DD-MM-YYYY", 'dates is "DD-MM-YYYY".'),
    "leave_out": (None, 3, "leave_out is 3. Expected: text or null"),
    "corrections": (None, 3, "corrections is 3. Expected: text or null"),
    "zone": ("Europe/Oslo", 3, "zone is 3. Expected: The register's zone"),
    "numbers": ({"income": {"wage_income": {"decimal": ","}}}, ",", 'numbers is ",".'),
    "verify": ({"max_persons": 100}, 100, "verify is 100."),
    "verify.max_persons": (100, 9, "verify.max_persons is 9. Expected: 10 or more"),
    "disclosure": ({"profile": "dst"}, "dst", 'disclosure is "dst".'),
    "disclosure.earlier": (None, 3, "disclosure.earlier is 3. Expected: text or null"),
    "disclosure.profile": (
        "dst",
        "xyz",
        'disclosure.profile is "xyz". Expected: ssb, dst, sds, opensafely, acro or none',
    ),
}
ANALYSIS: dict[str, tuple[Any, Any, str]] = {
    "within": ("centre", "arm", 'analyses.mine.within is "arm". Expected: centre'),
    "outcome": ("ordinary_employment", 1, "analyses.mine.outcome is 1. Expected: text"),
    "estimator": (
        "lin",
        "tobit",
        'analyses.mine.estimator is "tobit". Expected: ols, lin, standardised, logit or risk_ratio',
    ),
    "subgroup": (
        {"covariate": "age", "below": 31},
        {"covariate": "age"},
        "analyses.mine.subgroup",
    ),
    "effect": ("by_centre", "all", 'analyses.mine.effect is "all". Expected: overall or by_centre'),
    "months": ("each", "some", 'analyses.mine.months is "some". Expected: follow_up'),
    "adjust": (["age"], "age", 'analyses.mine.adjust is "age". Expected: a list'),
    "requires": (["age"], [5], "analyses.mine.requires.0 is 5. Expected: text"),
    "time": (["calendar_year"], ["week"], 'analyses.mine.time.0 is "week". Expected: month_since_randomisation,'),
}


def nested(path: str, value: Any) -> dict[str, Any]:
    """A cohort file with the value under a dotted path, beside what every file must hold."""
    *parents, last = path.split(".")
    content: dict[str, Any] = {key: dict(v) if isinstance(v, dict) else v for key, v in LEAST.items()}
    place = content
    for parent in parents:
        place = place.setdefault(parent, {})
    place[last] = value
    return content


def written(folder: Path, content: Any, name: str = "north.yaml") -> Path:
    """A cohort file with this content."""
    file = folder / name
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return file


def faults_of(folder: Path, content: Any) -> list[str]:
    """The faults of a cohort file, without its name in front."""
    file = written(folder, content)
    with pytest.raises(UserError) as refused:
        cohort_settings(file)
    paragraphs = str(refused.value).split("\n")
    for paragraph in paragraphs:
        assert paragraph.startswith(f"{file}: ")
        assert re.search(r"[^.?][.?]$", paragraph), paragraph
    return [p.removeprefix(f"{file}: ") for p in paragraphs]


def keys_of(schema: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Paths of every key that the schema names."""
    for name, declared in schema["properties"].items():
        yield f"{prefix}{name}"
        if "properties" in declared:
            yield from keys_of(declared, f"{prefix}{name}.")


def at(settings: Mapping[str, Any], path: str) -> Any:
    """The value under a dotted path."""
    value: Any = settings
    for key in path.split("."):
        value = value[key]
    return value


def test_every_key_of_the_schema_is_tried_and_has_a_visible_default() -> None:
    schema = cohort_schema()
    assert set(keys_of(schema)) == set(KEYS)
    assert set(schema["properties"]["analyses"]["additionalProperties"]["properties"]) == set(ANALYSIS)
    needed = {"extracts", "arms", "arms.reference", "arms.treatments", "centres"}
    for path in set(KEYS) - needed:
        at(default_settings(), path)
    assert schema["properties"]["estimation"]["properties"]["variances"]["items"]["enum"] == list(VARIANCES)


@pytest.mark.parametrize("path", KEYS)
def test_a_good_value_is_taken(path: str, tmp_path: Path) -> None:
    value = KEYS[path][0]
    content = nested(path, value)
    if path == "arms.treatments":
        content["arms"]["reference"] = "a"
    if path == "cost.by_month":
        content["cost"]["per_assigned"] = {"b": 100}
    file = written(tmp_path, content)
    settings = cohort_settings(file)
    read_cohort(file)
    found = settings["earlier"] or None if path == "disclosure.earlier" else at(settings, path)
    if path == "fidelity_scale":
        assert found == str(SCALES_FOLDER / "ips_25.yaml")
    elif path == "extracts":
        assert found == str(tmp_path / "data")
    elif isinstance(value, Mapping):
        assert all(found[key] == chosen for key, chosen in value.items())
    else:
        assert found == value


@pytest.mark.parametrize("path", KEYS)
def test_a_bad_value_is_refused_with_what_was_expected(path: str, tmp_path: Path) -> None:
    _, value, says = KEYS[path]
    faults = faults_of(tmp_path, nested(path, value))
    assert len(faults) == 1
    assert says in faults[0]


@pytest.mark.parametrize("key", ANALYSIS)
def test_an_analysis_takes_good_values_and_refuses_bad_ones(key: str, tmp_path: Path) -> None:
    good, bad, says = ANALYSIS[key]
    file = written(tmp_path, nested("analyses", {"mine": OWN | {key: good}}))
    own = next(a for a in read_cohort(file).analyses if a.name == "mine")
    found = getattr(own, key)
    assert found == (tuple(good) if isinstance(good, list) else Subgroup(**good) if isinstance(good, dict) else good)
    assert any(says in fault for fault in faults_of(tmp_path, nested("analyses", {"mine": OWN | {key: bad}})))


FLEKSJOB = {"fleksjob": {"employment": ["f", 1]}}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            {"outcomes": {"any": ["ordinry"]}},
            "outcomes.any names 'ordinry', which is no state. Did you mean 'ordinary'?",
        ),
        (
            {"outcome": {"primary": "danish"}},
            "outcome.primary names 'danish', which is no outcome. Known: ordinary_emp",
        ),
        ({"states": {"ordinary": {"benefits": ["x"]}}}, "states.ordinary is the name of another state or outcome."),
        (
            {"outcomes": {"wage_subsidy": ["ordinary"]}},
            "outcomes.wage_subsidy is the name of another state or outcome.",
        ),
        (
            {"states": FLEKSJOB, "outcomes": {"fleksjob": ["ordinary"]}},
            "outcomes.fleksjob is the name of another state",
        ),
        (
            {"states": FLEKSJOB | {"soft": {"employment": ["1"]}}},
            "states.soft and states.fleksjob both name a code of employment.",
        ),
        ({"analyses": {"mine": OWN | {"outcome": "x"}}}, "analyses.mine.outcome names 'x', which is no outcome."),
    ],
)
def test_states_and_outcomes_must_hang_together(content: dict[str, Any], says: str, tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, {**LEAST, **content})
    assert fault.startswith(says)


@pytest.mark.parametrize(
    "asked",
    [
        {"within": "centre", "effect": "by_centre"},
        {"within": "centre", "subgroup": {"covariate": "age", "below": 31}},
        {"effect": "by_centre", "estimator": "lin"},
        {"effect": "by_centre", "estimator": "logit"},
        {"subgroup": {"covariate": "age", "below": 31}, "estimator": "logit"},
    ],
)
def test_an_analysis_that_asks_for_two_things_at_once_is_refused(asked: dict[str, Any], tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, nested("analyses", {"mine": OWN | asked}))
    assert fault.startswith("analyses.mine asks for ")
    assert fault.endswith("Keep one of them.")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("obseved_until", "obseved_until is not a key. Did you mean 'observed_until'?"),
        ("zzz", "zzz is not a key. Known here: title, extracts, remark,"),
        ("arms.treatment", "arms.treatment is not a key. Did you mean 'treatments'?"),
        ("window.afther", "window.afther is not a key. Did you mean 'after'?"),
        ("eligibility.not_employed", "Known here: not_employed_at_randomisation."),
        ("outcome.min_hours", "outcome.min_hours is not a key. Did you mean"),
        ("outcome.month_rule.min_day", "outcome.month_rule.min_day is not a key. Did you mean 'min_days'?"),
        ("estimation.variance", "estimation.variance is not a key. Did you mean 'variances'?"),
        ("analyses.mine.month", "analyses.mine.month is not a key. Did you mean 'months'?"),
        ("describe.subsidy_months", "describe.subsidy_months is not a key. Did you mean 'wage_subsidy_months'?"),
        ("verify.max_person", "verify.max_person is not a key. Did you mean 'max_persons'?"),
        ("disclosure.profil", "disclosure.profil is not a key. Did you mean 'profile'?"),
        ("columns.trail", "columns.trail is not a key. Did you mean 'trial'?"),
        ("values.person", "values.person is not a key. Did you mean 'persons'?"),
        ("exclusions.employmnt", "exclusions.employmnt is not a key. Did you mean 'employment'?"),
        ("layouts.benefit", "layouts.benefit is not a key. Did you mean 'benefits'?"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(path: str, says: str, tmp_path: Path) -> None:
    assert any(says in fault for fault in faults_of(tmp_path, nested(path, "x")))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"extracts": "x"}, ["arms is missing. docs/configuration.md", "centres is missing. docs/configuration.md"]),
        (LEAST | {"arms": {"reference": "a"}}, ["arms.treatments is missing."]),
        (LEAST | {"arms": {"reference": 1, "treatments": ["1"]}}, ["arms.reference is among arms.treatments."]),
        (LEAST | {"arms": {"reference": 0, "treatments": [1, "1"]}}, ["arms.treatments names a code twice"]),
        (LEAST | {"centres": {1: "A", "1": "B"}}, ["centres names '1' twice, at lines 7 and 8: 1 and '1'"]),
        (LEAST | {"centres": {"all": "A"}}, ["centres names 'all', which stands for all of them."]),
        (LEAST | {"exclusions": {"trial": {"centre": ["all"]}}}, ["exclusions.trial.centre names 'all', which stands"]),
        (LEAST | {"arms": {"reference": "a", "treatments": ["all"]}}, ["arms names 'all'"]),
        (LEAST | {"observed_from": "2012-01", "observed_until": "2011-12"}, ["observed_from is later than"]),
        (LEAST | {"analyses": {"mine": {"months": [0, 99]}}}, ["outside the window -43..43."]),
        (LEAST | {"analyses": {"mine": OWN | {"within": "centre", "effect": "by_centre"}}}, ["within and effect"]),
        (LEAST | {"analyses": {"pooled": OWN}}, ["analyses.pooled would redefine an analysis"]),
        (LEAST | {"analyses": {1: OWN}}, ["analyses has the name 1."]),
        (LEAST | {"covariates": ["in prison"]}, ["covariates names 'in prison', which cannot"]),
        (LEAST | {"describe": {"wage_subsidy_months": [12, 1]}}, ["wage_subsidy_months ends before it starts."]),
        (
            LEAST | {"window": {"after": 20}, "follow": {"months": [12, 24]}},
            ["follow.months names a month after the window, which ends with month 20."],
        ),
        (LEAST | {"window": {"after": 20}, "bound": {"months": [24]}}, ["bound.months names a month after the window"]),
        (LEAST | {"synthesis": {"variance": "cr3"}}, ["synthesis.variance 'cr3' is not among"]),
        (LEAST | {"estimation": {"primary": "cr3"}}, ["estimation.primary 'cr3' is not among"]),
        (LEAST | {"receipt": {"services": {"c": ["x"]}}}, ["receipt.services names 'c', which is no treatment. Known"]),
        (LEAST | {"labels": {"arms": {"c": "C"}}}, ["labels.arms names 'c', which there is not. Known: a, b."]),
        (LEAST | {"labels": {"covariates": {"agge": "Age"}}}, ["labels.covariates names 'agge'", "'age'"]),
        (LEAST | {"published": "nowhere.yaml"}, ["published names '", "nowhere.yaml', which is no file."]),
        ("arms: [a\n", ["is no valid YAML at line 2:"]),
        ("\tx: 1", ["is no valid YAML at line 1:"]),
        ("- a\n- b\n", ["holds no keys. See config/cohorts for an example."]),
        ("", ["holds no keys."]),
        ("outcome: {after_death: zero}\noutcome: {}\n", ["names 'outcome' twice, at lines 1 and 2. Keep one"]),
        ("centres: {1: A, 1: B}\n", ["centres names '1' twice, at line 1. Keep one of them."]),
        ("observed_from: 2009-13-45\n", ['observed_from is "2009-13-45". Expected: First complete month']),
        (LEAST | {"analyses": 5}, ["analyses is 5. Expected: keys with values"]),
        (LEAST | {"receipt": {"split_month": 44}}, ["receipt.split_month names a month outside the window -43..43."]),
        (LEAST | {"describe": {"wage_subsidy_months": [1, 99]}}, ["wage_subsidy_months names a month outside"]),
        (LEAST | {"extracts": "~nobody-of-this-name/x"}, ["extracts is no name that a file can have."]),
        (LEAST | {"extracts": "a\0b"}, ["extracts is no name that a file can have."]),
        (LEAST | {"files": {"trial": ""}}, ['files.trial is "". Expected']),
        (LEAST | {"files": {"trial": ["."]}}, ['files.trial.0 is ".". Expected']),
        (LEAST | {"layouts": {"trial": {"layout": "spells", "files": "./"}}}, ["layouts.trial.files", "Expected"]),
        (LEAST | {"layouts": {"employment": {"layout": "weekly_wide", "employed": {"a": 1}}}}, ["employed is {"]),
        (
            LEAST | {"layouts": {"employment": [{"layout": "spells", "observed_from": "2015-01"},
                                                {"layout": "aa_register", "observed_from": "2015-01"}]}},
            ["layouts.employment.observed_from (2015-01) is later than its observed_until (2014-12). Swap"],
        ),
        (LEAST | {"exclusions": {"trial": {"arm": ["b"]}}}, ["exclusions.trial.arm leaves nobody to compare. Take"]),
        (LEAST | {"exclusions": {"trial": {"arm": ["a"]}}}, ["exclusions.trial.arm leaves nobody to compare. Take"]),
        (LEAST | {"exclusions": {"trial": {"centre": ["1"]}}}, ["exclusions.trial.centre leaves nobody to compare."]),
        (
            LEAST | {"layouts": {"trial": {"layout": "spells", "exclusions": {"arm": ["b"]}}}},
            ["exclusions.trial.arm leaves nobody"],
        ),
        (LEAST | {"values": {"trial": {"arm": {1: "bb"}}}}, ["values.trial.arm names 'bb', which is no arm. Did"]),
        (
            {**LEAST, "centres": {"oslo": "O"}, "values": {"trial": {"centre": {1: "olso"}}}},
            ["values.trial.centre names 'olso', which is no centre. Did you mean 'oslo'?"],
        ),
        (LEAST | {"arms": {"reference": " ", "treatments": ["b"]}}, ["arms names a code that is empty."]),
        (LEAST | {"disclosure": {"earlier": "nowhere"}, "published": "no.yaml"}, ["published names", "earlier names"]),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_told(content: Any, says: list[str], tmp_path: Path) -> None:
    text = "\n".join(faults_of(tmp_path, content))
    assert all(part in text for part in says), text


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    bad = LEAST | {"windw": {}, "outcome": {"after_death": 1, "after_emigration": 2}, "titel": "x"}
    files = [written(tmp_path, bad, "a.yaml"), written(tmp_path, {"extracts": 3}, "b.yaml"), tmp_path / "c.yaml"]
    with pytest.raises(UserError) as refused:
        cohorts({"cohorts": list(map(str, files)), "results": "results"})
    paragraphs = str(refused.value).split("\n")
    assert [sum(p.startswith(str(file)) for p in paragraphs) for file in files] == [4, 3, 1]
    assert paragraphs[-1].endswith("cannot be read (No such file or directory). Did you mean 'b.yaml'?")


def test_two_cohorts_run_at_once_under_their_files_names(tmp_path: Path) -> None:
    files = [str(written(tmp_path, LEAST, f"{name}.yaml")) for name in ("north", "south")]
    assert list(cohorts({"cohorts": files, "results": "results"})) == ["north", "south"]
    assert list(cohorts({"cohorts": files, "cohort": files[1], "results": "results"})) == ["south"]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"cohorts": []}, "config/config.yaml: cohorts is empty. Name at least one file of config/cohorts."),
        ({}, "cohorts is empty."),
        ({"cohorts": ["nowhere"]}, "nowhere.yaml: cannot be read (No such file or directory)."),
        ({"cohorts": "nowhere"}, "nowhere.yaml: cannot be read"),
        ({"cohort": 5}, "5.yaml: cannot be read"),
        ({"cohorts": ["norway-six-center"]}, "Did you mean 'norway-six-centre.yaml'?"),
        ({"cohorts": ["simulated-six-centre"] * 2}, "cohorts names two files 'simulated-six-centre'"),
        ({"cohort": "simulated-six-centre", "result": "x"}, "result is not a key. Did you mean 'results'?"),
        ({"cohort": "simulated-six-centre", "results": None}, "results is no text. Name the folder of the results."),
        (
            {"cohort": "simulated-six-centre", "results": "a {b} c"},
            "results names 'a {b} c': Snakemake takes what stands in braces for something else. Name a folder without",
        ),
        (
            {"cohort": "simulated-six-centre", "results": "/"},
            "results names no folder. Name the folder of the results.",
        ),
        ({"cohort": "~nobody-of-this-name/x.yaml"}, "x.yaml: is no name that a file can have."),
        ({"cohort": "simulated-six-centre", "defaults": 3}, "defaults holds no keys."),
        ({"cohort": "simulated-six-centre", "defaults": {"windows": {}}}, "config/config.yaml: windows is not a key."),
        ({"cohort": "simulated-six-centre", "defaults": {"title": None}}, "defaults.outcome is missing."),
    ],
)
def test_faults_of_the_run_are_told(config: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as refused:
        cohorts({"results": "results"} | config)
    assert says in str(refused.value)


def test_a_stage_sees_the_keys_that_it_reads_and_defaults_for_the_others(tmp_path: Path) -> None:
    settings = cohort_settings(written(tmp_path, nested("estimation", {"confidence_level": 0.9})))
    for stage, keys in STAGE_KEYS.items():
        seen = for_stage(settings, stage)
        assert set(seen) == set(settings)
        reads = keys is None or "estimation" in keys
        assert seen["estimation"]["confidence_level"] == (0.9 if reads else 0.95), stage
        assert seen["file"] == ""


def test_whole_numbers_may_be_written_with_a_point(tmp_path: Path) -> None:
    content = nested("window", {"before": 12.0, "after": 43}) | {"randomisation": {"draws": 99.0}}
    cohort = read_cohort(written(tmp_path, content))
    assert repr((cohort.window.before, cohort.randomisation.draws)) == "(12, 99)"


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("analyses.mine", "analyses.mine.adjust names 'femal', which is no covariate. Did you mean 'female'?"),
        ("robustness", "robustness.adjustment.x names 'femal', which is no covariate. Did you mean 'female'?"),
        ("bound", "bound.covariates names 'femal', which is no covariate. Did you mean 'female'?"),
        ("receipt", "receipt.adjust names 'femal', which is no covariate. Did you mean 'female'?"),
        ("requires", "analyses.mine.requires names 'femal', which is no covariate. Did you mean 'female'?"),
        ("subgroup", "analyses.mine.subgroup names 'femal', which is no covariate. Did you mean 'female'?"),
    ],
)
def test_a_covariate_that_cannot_be_is_a_fault_wherever_it_is_asked_for(key: str, says: str, tmp_path: Path) -> None:
    asked = ["age", "femal"]
    content = {
        "analyses.mine": {"analyses": {"mine": OWN | {"adjust": asked}}},
        "requires": {"analyses": {"mine": OWN | {"requires": asked}}},
        "subgroup": {"analyses": {"mine": OWN | {"subgroup": {"covariate": "femal", "below": 1}}}},
        "robustness": {"robustness": {"adjustment": {"x": {"adjust": asked}}}},
        "bound": {"bound": {"covariates": asked}},
        "receipt": {"receipt": {"adjust": asked}},
    }[key]
    assert faults_of(tmp_path, LEAST | content) == [says]


def test_covariates_that_are_declared_or_come_from_registers_may_be_asked_for(tmp_path: Path) -> None:
    asked = ["age", "imprisoned", "stratum", "education[higher]", "benefit[uføretrygd]", "wage_income"]
    content = LEAST | {"covariates": ["imprisoned"], "analyses": {"mine": OWN | {"adjust": asked}}}
    cohort_settings(written(tmp_path, content))


@pytest.mark.parametrize("name", ["person_id", "Arm", "stratum", "died_on", "share_employed_before", "calendar_year"])
def test_a_covariate_may_not_have_a_name_that_means_something_else(name: str, tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, LEAST | {"covariates": [name]})
    assert fault.startswith(f"covariates names '{name}', which is no baseline covariate.")


def test_a_subgroup_that_nobody_can_be_in_is_refused(tmp_path: Path) -> None:
    content = nested("analyses", {"mine": OWN | {"subgroup": {"covariate": "age", "at_least": 31, "below": 18}}})
    assert faults_of(tmp_path, content) == [
        "analyses.mine.subgroup is at least 31 and below 18. Nobody is: name the lower one first."
    ]


@pytest.mark.parametrize("key", ["cohort", "results"])
def test_a_name_on_the_command_line_that_would_be_cut_off_is_refused(key: str) -> None:
    config = {"cohort": "simulated-six-centre", "results": "results"}
    with pytest.raises(UserError, match=rf"command line: '{key}=a #c' would be cut off at ' #'"):
        cohorts(config, arguments=["snakemake", "--config", f"{key}=a #c"])
    cohorts(config, arguments=["snakemake", "--config", f"{key}=a#c", "other=a #c"])
