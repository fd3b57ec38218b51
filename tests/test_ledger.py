"""What released numbers count: every count is declared, no two share a key, and odd but valid trials are protected."""

from dataclasses import fields, replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from cohorts import Recipe, random_cohort, write_cohort
from ipseval import store
from ipseval.disclosure import keys, profiles
from ipseval.disclosure.cells import Decided
from ipseval.disclosure.keys import Employed, Found, Key, Lost, Observed, Persons
from ipseval.disclosure.ledger import Count, Ledger, Printed, Relation, Shown, is_count
from ipseval.disclosure.released import INSIDE, LABELS, TEXTS
from ipseval.disclosure.study import Study
from ipseval.pipeline import analyse
from ipseval.protect import RELEASED, protect
from ipseval.settings import read_cohort
from ipseval.terms import assigned, of_centre, parts_of

# Person-months of estimates where somebody is not observed in every month: see derived.whole_trial.
STAY_INSIDE = {(table, "n_obs") for table in ("specifications", "complier_effects", "event_study", "placebo")}
CLOSED = [name for name in profiles.profile_names() if profiles.profile(name).min_cell_count]


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """A valid trial with persons in one arm only of a centre, one never observed, and some who lack a covariate."""
    made = random_cohort(Recipe(n_persons=75, n_centres=3, before=2, after=4, observed_from="2010-01"), seed=11)
    trial = made.extracts["trial"]
    trial.loc[trial["centre"] == 3, "arm"] = "control"
    trial.loc[trial.index[0], "randomised_on"] = date(1999, 5, 6)
    people = made.extracts["persons"]
    people["sex"] = people["sex"].where(np.arange(len(people)) % 9 > 0)
    made.config.update({"randomisation": {"draws": 99, "seed": 1}, "bound": {"draws": 99}})
    cohort = read_cohort(write_cohort(made, tmp_path_factory.mktemp("odd")))
    found = {name: table for names in analyse(cohort).values() for name, table in names.items()}
    return cohort, {name: store.as_read(found[name]) for name in RELEASED}


def ledger_of(cohort, tables) -> Ledger:
    study = Study(cohort, tables, profiles.profile("ssb"))
    return Ledger.of(entry for speak in dict.fromkeys(RELEASED.values()) for entry in speak(study))


def test_the_trial_is_as_odd_as_it_says(odd):
    _, tables = odd
    analysed = tables["flow"].query("step == 'analysed'").set_index(["centre", "arm"])["n_persons"]
    assert analysed["3", "ips"] == 0 < analysed["3", "control"]
    months = tables["employment_by_month"].query("centre == 'all'").groupby("arm")["n_observed"].max()
    assert (months < analysed["all"].reindex(months.index)).any()  # somebody is observed in no month
    assert (tables["balance"].query("variable == 'female'")["n_missing"] > 0).any()


@pytest.mark.parametrize("profile", CLOSED)
def test_an_odd_trial_is_protected(odd, profile):
    cohort, tables = odd
    found = protect(replace(cohort, disclosure={"profile": profile}), tables)
    least = profiles.profile(profile).min_cell_count
    for name in RELEASED:
        table = found[f"released_{name}"]
        for column in filter(is_count, table.columns):
            shown = pd.to_numeric(table[column].where(table[column] != ":"), errors="coerce").dropna()
            assert not shown.between(1, least - 1).any(), (name, column)


def test_every_number_of_every_table_is_declared(odd):
    """A new column stays inside until an entry speaks for it: this says so at once."""
    cohort, tables = odd
    declared = {(entry.table, column) for entry in ledger_of(cohort, tables).shown for column in entry.columns}
    numbers = {
        (name, column)
        for name, table in tables.items()
        for column in table.columns
        if column not in LABELS | TEXTS | INSIDE and table[column].notna().any()
    }
    assert numbers - declared == STAY_INSIDE


def test_every_count_prints_what_it_says(odd):
    """A cell that prints something else than the number it is declared to count is hidden: none is for that reason."""
    cohort, tables = odd
    ledger = ledger_of(cohort, tables)
    wrong = [
        (entry.table, entry.column, entry.row)
        for entry in ledger.shown
        if isinstance(entry, Printed)
        and not entry.is_of(tables[entry.table][entry.column].iloc[entry.row], ledger.counts[entry.key].value)
    ]
    assert wrong == []


def test_a_count_that_is_not_declared_as_one_cannot_be_released():
    with pytest.raises(TypeError, match="flow: n_lost must be Printed with what they count"):
        Shown("flow", 0, ("n_lost",), (Persons("1", "ips", "analysed"),))


def test_a_cell_prints_what_it_says_or_stays_inside():
    key = Persons("1", "ips", "analysed")
    ledger = Ledger.of([Count(key, 20)])
    decided = Decided(ledger, {key: False}, {}, profiles.profile("ssb"), 0.95)
    for n, times, shown in ((20, 1.0, 20), (40, 2.0, 40), (21, 1.0, ":"), (20, 2.0, ":")):
        entry = Printed("flow", 0, "n_persons", key, times)
        assert decided.cell(n, "n_persons", entry, "flow") == shown


def test_keys_of_different_counts_are_never_equal():
    """Records of two types differ though all their fields agree, in a set as well."""
    one, other = Employed("1", "ips", 3), Observed("1", "ips", 3)
    assert one != other
    assert len({one, other, Employed("1", "ips", 3)}) == 2
    assert Found("1", "ips", None, 3) != Lost("1", "ips", None, 3)
    kinds = [kind for kind in vars(keys).values() if isinstance(kind, type) and issubclass(kind, Key) and kind.kind]
    assert len({kind.kind for kind in kinds}) == len(kinds) > 15  # nor are their names in print


def test_a_key_of_the_rest_moves_with_its_centre():
    rest = keys.others(Employed("1", "ips", 3))
    assert rest.at("all") == keys.others(Employed("all", "ips", 3))
    assert rest.of("all") == keys.others(Employed("1", "all", 3))
    assert {field.name for field in fields(rest)} == {"centre", "arm", "counted"}


def test_a_relation_holds_no_number_that_it_says_nothing_of():
    a, b, c = (Persons(centre, "ips", "analysed") for centre in "abc")
    assert Relation(((a, -1.0), (b, 0.0), (c, 1.0))).terms == ((a, -1.0), (c, 1.0))
    assert Relation(((a, -1.0), (b, 0.5), (b, 0.5), (c, 1.0), (c, -1.0))).terms == ((a, -1.0), (b, 1.0))
    ledger = Ledger.of([Count(a, 3), Count(b, 9), Count(c, 3), Relation(((a, -1.0), (b, 0.0), (c, 1.0)))])
    assert ledger.matrix.toarray().tolist() == [[-1.0, 0.0, 1.0]]
    assert ledger.matrix.nnz == 2


def with_centres(table: pd.DataFrame, codes: dict[str, str]) -> pd.DataFrame:
    """The table of the same trial whose centres have other codes."""
    table = table.assign(centre=table["centre"].replace(codes)) if "centre" in table else table
    if "kind" in table:
        parts = [parts_of(row) for row in table.to_dict("records")]
        texts = [
            assigned(p.arm, p.centre) if p.arm and p.centre else of_centre(p.centre) if p.centre else "" for p in parts
        ]
        table = table.assign(term=[new or old for new, old in zip(texts, table["term"], strict=True)])
    return table


@pytest.mark.parametrize("code", ["[{}]", "{}]", "a]:centre[{}", "{}[", ":{}", "None{}"])
def test_codes_of_centres_change_nothing_of_what_may_be_shown(odd, code):
    cohort, tables = odd
    codes = {c: code.format(c) for c in cohort.centres}
    other = replace(cohort, centres={codes[c]: name for c, name in cohort.centres.items()})
    plain = ledger_of(cohort, tables)
    found = ledger_of(other, {name: with_centres(table, codes) for name, table in tables.items()})
    assert [(e.table, e.row, e.columns, e.persons) for e in found.shown] == [
        (e.table, e.row, e.columns, e.persons) for e in plain.shown
    ]
    assert [len(entry.keys) for entry in found.shown] == [len(entry.keys) for entry in plain.shown]
    assert len(found.counts) == len(plain.counts)
