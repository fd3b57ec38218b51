"""One attack: a release, the truth behind it, and the protected numbers that can be told too well."""

import csv
import io
from collections.abc import Mapping

import attacker_estimates
import attacker_models
import attacker_places
import attacker_reads
import attacker_told
from attacker import Name, narrow, untrue
from attacker_reads import ALL, Reading, Rules

PERSONS = {
    *("left", "out", "randomised", "n", "job", "nojob", "subsidised", "unsubsidised", "received", "unreceived"),
    *("started", "unstarted", "known", "missing", "has", "hasnot", "risk", "first", "lost", "still"),
    *("in", "ever", "never", "newly", "unkept", "bounded", "lacks", "arrived"),
}  # names of numbers of persons
TELLING = {"job", "nojob", "subsidised", "received", "unreceived", "has", "hasnot", "ever"}


def understood(texts: Mapping[str, str], rules: Rules) -> Reading:
    """All that the tables say."""
    reading = attacker_reads.read(texts, rules)
    attacker_models.who(reading)
    attacker_places.exposure(reading)
    attacker_told.told(reading)
    attacker_estimates.estimates(reading)
    return reading


def with_days(released: Mapping[str, str], review: Mapping[str, str]) -> dict[str, str]:
    """The released tables with the days of events, which are published elsewhere."""
    tables = dict(released)
    if "exposure" in released:
        rows, days = (list(csv.DictReader(io.StringIO(texts["exposure"]))) for texts in (released, review))
        text = io.StringIO()
        writer = csv.DictWriter(text, rows[0] if rows else ["on"])
        writer.writeheader()
        writer.writerows(row | {"on": day["on"]} for row, day in zip(rows, days, strict=True))
        tables["exposure"] = text.getvalue()
    return tables


def true_numbers(review: Mapping[str, str]) -> dict[Name, float]:
    """The numbers behind a release, as the tables for review give them."""
    system = understood(review, Rules(0, exact=1e-9)).system
    truth = {name: (system.low[name] + system.high[name]) / 2 for name in system.low if system.is_fixed(name)}
    wrong = untrue(system, truth)
    if wrong:
        raise ArithmeticError("\n".join(wrong[:10]))
    return truth


def protected(truth: Mapping[Name, float], threshold: int) -> list[Name]:
    """Persons from 1 to threshold - 1, and nobody in an arm of a centre where somebody of the arm is elsewhere."""
    few = [name for name, value in truth.items() if name[0] in PERSONS and 0 < value < threshold]
    nobody = [name for name, value in truth.items() if name[0] in TELLING and value == 0 and name[1] != ALL]
    return few + [n for n in nobody if truth.get(everybody(n), 0) and truth.get((n[0], ALL, *n[2:]), 0)]


def everybody(name: Name) -> Name:
    """The persons of whom a number counts some."""
    kind, where = name[0], name[1:3]
    if kind in ("job", "nojob"):
        return ("seen", *where, name[3])
    if kind in ("has", "hasnot"):
        return ("known", *where, name[3])
    return ("in", *name[1:]) if kind == "ever" else ("n", *where)


def attack(released: Mapping[str, str], review: Mapping[str, str], rules: Rules) -> list[tuple[object, ...]]:
    """Protected numbers that can be told within fewer than threshold whole numbers: name, true number, interval.

    Raises
    ------
    ArithmeticError
        What was read does not hold of the true numbers: the attacker is wrong.
    """
    truth = true_numbers(review)
    system = understood(with_days(released, review), rules).system
    wrong = untrue(system, truth)
    if wrong:
        raise ArithmeticError("\n".join(wrong[:10]))
    found = narrow(system, protected(truth, rules.threshold), rules.threshold - 1)
    return [(name, truth[name], *interval) for name, interval in sorted(found.items(), key=str)]
