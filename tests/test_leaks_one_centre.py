"""Derivations from a release of one centre with extremes: one arm is all employed, of another few never are.

Each reads what an outsider reads, and is shown to succeed on tables in which small cells are hidden one by one.
"""

import itertools
import math
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from attacker_reads import Rules
from cohorts import Recipe, days_of, month_of, random_cohort, write_cohort
from ipseval import store
from ipseval.disclosure import released as files
from ipseval.errors import UserError
from ipseval.pipeline import analyse
from ipseval.protect import RELEASED, protect
from ipseval.settings import read_cohort

LEAST = {"ssb": 3, "acro": 10}
N_SUBSIDISED, N_NEVER, FULL = 2, 2, 3
Tables = dict[str, pd.DataFrame]


def persons_of(made) -> None:
    """All of the reference arm work in month 3, two of them in a subsidised month 2; of arm ips two never do.

    Of the third arm every second person works in month 1.
    """
    trial = made.extracts["trial"].assign(withdrawn_on=None)
    rows, subsidies = [], []
    seen = {"control": 0, "ips": 0, "ipsplus": 0}
    for person in trial.to_dict("records"):
        zero, arm, place = month_of(person["randomised_on"]), person["arm"], seen[person["arm"]]
        seen[arm] += 1
        months = [FULL] if arm == "control" else [] if place < N_NEVER else [1 + place % 2, 4 - place % 3]
        if arm == "ipsplus":
            months = [1] * (place % 2)
        if arm == "control" and place < N_SUBSIDISED:
            months = [2, FULL]
            day = days_of(zero + 2)[0]
            subsidies.append((person["person_id"], day, day + timedelta(27), "wage subsidy"))
        for k in months:
            days = days_of(zero + k)
            rows.append((person["person_id"], "A", days[0], days[-1], 37.5, None))
    made.extracts["trial"] = trial
    spells = made.extracts["employment"].columns
    made.extracts["employment"] = pd.DataFrame(rows, columns=spells).astype(object)
    made.extracts["wage_subsidy"] = pd.DataFrame(subsidies, columns=made.extracts["wage_subsidy"].columns).astype(
        object
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The cohort, its tables for review, and what two profiles release."""
    arms = ("ips", "ipsplus")
    recipe = Recipe(n_persons=84, n_centres=1, treatments=arms, before=1, after=4, share_missing=0, share_leaving=0)
    drawn = random_cohort(recipe, seed=4)
    persons_of(drawn)
    drawn.config.update({"randomisation": {"draws": 99, "seed": 1}, "bound": {"draws": 99}})
    cohort = read_cohort(write_cohort(drawn, tmp_path_factory.mktemp("one")))
    found = {name: table for names in analyse(cohort).values() for name, table in names.items()}
    review = {name: store.as_read(found[name]) for name in RELEASED}
    return cohort, review, {profile: released(cohort, review, profile) for profile in LEAST}


def released(cohort, review: Tables, profile: str, earlier: Tables | None = None) -> Tables:
    made = protect(replace(cohort, disclosure={"profile": profile}), review, earlier)
    return {name: made[f"released_{name}"].mask(made[f"released_{name}"] == ":") for name in RELEASED}


def number(table: pd.DataFrame, column: str, **labels) -> float:
    """One cell; nan where it is hidden."""
    for name, label in labels.items():
        table = table[table[name] == label]
    return float(table[column].iloc[0])


# --- 6. the curve under profiles that round ------------------------------------------------------


def test_the_curve_is_made_of_rounded_counts(made):
    _, review, shown = made
    curve = shown["acro"]["time_to_job"].set_index(["arm", "month"])
    whole = curve["n_at_risk"].groupby("arm").first().astype(float)
    known = curve["share_with_job"].dropna().astype(float)
    assert (known > 0).any()
    for (arm, _), share in known.items():
        low, high = Rules(0).around(share)
        assert any(low <= 5 * k / whole[arm] <= high for k in range(12))
    exact = review["time_to_job"].set_index(["arm", "month"])["share_with_job"]
    assert any(min(abs(share - 5 * k / whole[arm]) for k in range(12)) > 1e-3 for (arm, _), share in exact.items())


# --- 7. who is ever employed ---------------------------------------------------------------------


def never(tables: Tables, profile: str) -> set[float]:
    """Persons of the arm without a job in any month, as three tables give them."""
    n = number(tables["flow"], "n_persons", step="analysed", centre="all", arm="ips")
    effects = tables["effects"].query("centre == 'all' and analysis == 'pooled_unadjusted' and arm == 'ips'")
    mean, curve = tables["restricted_mean"], tables["time_to_job"].query("arm == 'ips'")
    last = mean[(mean["arm"] == "ips") & mean["reference_arm"].isna()].iloc[0]
    return {
        n - number(effects, "n_assigned_ever"),
        n - float(last["n_events"]),
        n * (1 - float(curve["share_with_job"].iloc[-1])),
        float(curve["n_at_risk"].iloc[-1]) - float(curve["n_events"].iloc[-1]),
    }


def test_who_never_found_a_job_is_not_told_by_events(made):
    _, review, shown = made
    assert {round(n) for n in never(review, "ssb")} == {N_NEVER}
    assert not [n for n in never(shown["ssb"], "ssb") if 0 < n < LEAST["ssb"]]


# --- 9. two definitions of the outcome -------------------------------------------------------------


def subsidised_months(tables: Tables) -> set[int]:
    """Person-months of subsidised work in the reference arm, from the means of two definitions."""
    table = tables["specifications"].dropna(subset=["mean_control", "n_control"])
    table = table[table["arm"] == "ips"].astype({"mean_control": float, "n_control": float})
    found = set()
    for _, rows in table.groupby(["month_rule", "min_weekly_hours", "time", "adjustment", "variance"]):
        means = rows.set_index("exclude_wage_subsidy")["mean_control"]
        if len(means) == 2:
            apart = [float(means[flag]) for flag in means.index if str(flag) == "False"]
            without = [float(means[flag]) for flag in means.index if str(flag) == "True"]
            found.add(round((apart[0] - without[0]) * rows["n_control"].iloc[0] * 5))
    return found


@pytest.mark.parametrize("profile", LEAST)
def test_means_of_two_definitions_do_not_tell_of_subsidised_months(made, profile):
    _, review, shown = made
    hidden = shown["ssb"]["wage_subsidy"].query("centre == 'all' and arm == 'control'")
    assert hidden["n_subsidised"].isna().all()
    assert subsidised_months(review) == {N_SUBSIDISED}
    assert N_SUBSIDISED not in subsidised_months(shown[profile])


# --- 11. a whole arm -------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", LEAST)
def test_that_everybody_of_an_arm_is_employed_is_not_told(made, profile):
    _, review, shown = made
    full = {"centre": "all", "arm": "control", "month": FULL}
    assert number(review["employment_by_month"], "share", **full) == 1
    month = shown[profile]["employment_by_month"]
    assert math.isnan(number(month, "share", **full))
    seen, yes = (number(month, name, **full) for name in ("n_observed", "n_employed"))
    assert not seen - yes < LEAST[profile]
    effects = shown[profile]["effects"]
    assert not (effects.query("month_from == 3 and month_to == 3")["mean_control"].astype(float) == 1).any()
    assert not (shown[profile]["time_to_job"].query("arm == 'control'")["share_with_job"].astype(float) == 1).any()


# --- 12. specifications without covariates ---------------------------------------------------------


def test_no_specification_is_the_unadjusted_effect_that_rounding_hides(made):
    _, review, shown = made
    effects = review["effects"].query("analysis == 'pooled_unadjusted'")
    own = set(effects["estimate"].round(4))
    table = review["specifications"].query("is_main or adjustment == 'none'")
    assert own & set(table["estimate"].round(4))  # one of them is
    assert shown["acro"]["effects"].query("analysis == 'pooled_unadjusted'")["estimate"].isna().all()
    assert not own & set(shown["acro"]["specifications"]["estimate"].astype(float).round(4))


# --- 5. an earlier release -------------------------------------------------------------------------


def as_text(tables: Tables) -> Tables:
    """Tables as their files are read, hidden numbers with their sign."""
    found = {}
    for name, table in tables.items():
        numbers = [c for c in table if c not in files.LABELS | files.TEXTS]
        hidden = {c: table[c].astype(object).fillna(":") for c in numbers}
        found[name] = files.read(store.as_csv(table.assign(**hidden)))
    return found


@pytest.fixture(scope="module")
def earlier(made) -> Tables:
    """What left when one more person was in the trial, who never worked: all of its counts and means, another name."""
    shown = as_text(made[2]["ssb"])
    tables = {name: shown[name] for name in ("balance", "flow", "employment_by_month")}
    balance, flow, months = tables.values()
    balance = balance[balance["variable"] == "age"].copy()
    here = (balance["arm"] == "ips") & (balance["mean"] != ":")
    n = balance.loc[here, "n"].astype(float)
    mean = (balance.loc[here, "mean"].astype(float) * n + 61) / (n + 1)
    balance.loc[here, "mean"], balance.loc[here, "n"] = mean.round(4).astype(str), (n + 1).astype(int).astype(str)
    for table, columns in ((flow, ["n_persons"]), (months, ["n_persons", "n_observed"])):
        for column in columns:
            own = table["arm"].isin(["ips", "all"]) & (table[column] != ":")
            table.loc[own, column] = (table.loc[own, column].astype(int) + 1).astype(str)
    return {"balance": balance, "flow": flow.assign(cohort="pilot"), "employment_by_month": months}


def age_of_who_left(before: Tables, now: Tables) -> set[float]:
    """The age of one person, as n times mean before and now."""
    found = set()
    both = [t["balance"][t["balance"]["variable"] == "age"] for t in (before, now)]
    for (_, old), (_, new) in itertools.product(both[0].iterrows(), both[1].iterrows()):
        if (old["centre"], old["arm"]) == (new["centre"], new["arm"]) and ":" not in (old["mean"], old["n"]):
            found.add(float(old["n"]) * float(old["mean"]) - (float(old["n"]) - 1) * float(new["mean"]))
    return {round(age) for age in found if not math.isnan(age)}


def test_means_before_and_now_do_not_tell_of_one_person(made, earlier):
    cohort, review, shown = made
    assert 61 in age_of_who_left(earlier, shown["ssb"])
    now = released(cohort, review, "ssb", earlier)
    assert 61 not in age_of_who_left(earlier, now)
    ips = now["balance"].query("arm == 'ips' and variable == 'age'")
    assert ips[["mean", "sd", "smd"]].isna().all(axis=None)
    assert now["flow"].query("arm == 'ips' and step == 'analysed'")["n_persons"].isna().all()
    assert now["effects"]["df"].isna().all()  # persons less one
    other = now["balance"].query("arm == 'control' and variable == 'age'")
    assert other["mean"].notna().all()  # as it was


def test_an_earlier_count_that_stands_beside_a_changed_one_tells_no_outcome(made, earlier):
    """One person left, as many are employed: whoever left was not. What follows from the earlier release has moved."""
    cohort, review, _ = made
    now = released(cohort, review, "ssb", earlier)["employment_by_month"]
    then = earlier["employment_by_month"]
    for month in now["month"].unique():
        n, yes = (number(now, c, centre="all", arm="ips", month=month) for c in ("n_observed", "n_employed"))
        was = then[(then["centre"] == "all") & (then["arm"] == "ips") & (then["month"].astype(int) == month)].iloc[0]
        if ":" not in (was["n_employed"], was["n_observed"]) and not math.isnan(yes):
            assert math.isnan(n) or (float(was["n_observed"]) - float(was["n_employed"])) - (n - yes) not in (1, 2)


def test_another_study_is_no_earlier_release(made, earlier):
    cohort, review, _ = made
    other = {"flow": earlier["flow"].assign(arm="sham")}
    with pytest.raises(UserError, match=r"no row of the earlier release's flow is a row of this one"):
        released(cohort, review, "ssb", other)


def test_what_an_earlier_release_tells_whatever_is_hidden_is_refused(made):
    """Everybody of an arm had a job in a month, and the earlier release printed who was observed and who had one."""
    cohort, review, _ = made
    whole = as_text({"employment_by_month": review["employment_by_month"]})
    with pytest.raises(UserError, match="protected numbers can be worked out whatever is hidden"):
        released(cohort, review, "ssb", whole)
