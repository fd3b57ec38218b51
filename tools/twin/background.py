"""Benefits, wage income, health contacts and services, with appendix B's range over centres.

Counts run over the centres 1..6 and are those of the analysed persons; the excluded follow the
same shares.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tools.twin.people import People, birth_days, days
from tools.twin.regression import Ints
from tools.twin.timeline import FIRST_MONTH, NO_DAY

BENEFITS = {
    "disability_pension": (11, 8, 9, 0, 4, 7),
    "work_assessment_allowance": (26, 43, 38, 16, 20, 35),
    "social_assistance": (6, 12, 9, 2, 9, 10),
    "unemployment_benefit": (0, 12, 5, 2, 3, 5),
}
INCOME_2012 = (37.3, 58.2, 66.0, 74.9, 88.4, 136.3)  # thousand NOK, centre means in any order
CONTACTS_PER_MONTH = {
    "outpatient": (5.25, 1.42, 1.88, 2.61, 1.23, 0.97),
    "day": (0.34, 0.05, 0.11, 0.00, 0.02, 0.08),
    "inpatient": (0.19, 0.05, 0.08, 0.03, 0.00, 0.06),
}
MOST_PER_MONTH = (38000, 54000)
YEARS = range(2009, 2019)
LAST_DAY = 17896  # 2018-12-31


def benefits_table(people: People, rng: np.random.Generator) -> pd.DataFrame:
    """Benefit spells: the printed numbers on the day of randomisation, others off it."""
    rows: list[tuple[int, str, int, int]] = []
    pensioned = np.zeros(len(people.person_id), dtype=bool)
    adult = (birth_days(people) + 18 * 365.25).astype(int).tolist()
    for benefit, numbers in BENEFITS.items():
        receives = np.zeros(len(people.person_id), dtype=bool)
        for centre, number in enumerate(numbers, start=1):
            barred = pensioned if benefit == "work_assessment_allowance" else pensioned & False
            receives |= _drawn(people, centre, number, barred, rng)
        if benefit == "disability_pension":
            pensioned = receives
        for person in range(len(receives)):
            begin = int(people.randomised_on[person])
            spells = _benefit_spells(person, benefit, begin, bool(receives[person]), rng)
            rows += [
                (*row[:2], max(row[2], adult[person]), row[3])
                for row in spells
                if row[3] == NO_DAY or row[3] > adult[person]
            ]
    frame = pd.DataFrame(rows, columns=["person", "benefit", "start_on", "end_on"])
    return _dated(people, frame, ["start_on", "end_on"])


def _drawn(people: People, centre: int, number: int, barred: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """So many of a centre's analysed persons, and the same share of its excluded."""
    drawn = np.zeros(len(barred), dtype=bool)
    here = people.roster.centre == centre
    analysed = np.flatnonzero(here & people.is_analysed.astype(bool) & ~barred)
    drawn[rng.permutation(analysed)[:number]] = True
    others = np.flatnonzero(here & ~people.is_analysed.astype(bool) & ~barred)
    drawn[others] = rng.random(len(others)) < 0.6 * number / len(analysed)
    return drawn


def _benefit_spells(
    person: int, benefit: str, chosen: int, receives: bool, rng: np.random.Generator
) -> list[tuple[int, str, int, int]]:
    """Spells of one benefit: around the day of randomisation, or before or after it."""
    is_pension = benefit == "disability_pension"
    if receives:
        start = chosen - int(rng.integers(0, 900))
        end = chosen + int(rng.integers(0, 1200))
        return [(person, benefit, start, NO_DAY if is_pension or end > LAST_DAY else end)]
    rows = []
    if not is_pension and rng.random() < 0.2:
        end = chosen - int(rng.integers(1, 700))
        rows.append((person, benefit, end - int(rng.integers(20, 500)), end))
    if rng.random() < (0.06 if is_pension else 0.15):
        start = chosen + int(rng.integers(1, 1000))
        end = start + int(rng.integers(20, 700))
        rows.append((person, benefit, start, NO_DAY if is_pension or end > LAST_DAY else end))
    return rows


def income_table(people: People, left: Ints, rng: np.random.Generator) -> pd.DataFrame:
    """Yearly wage income from months at work; 2012 is scaled to the printed range."""
    at_work = people.timeline.ordinary | people.timeline.subsidised
    pay = rng.choice([12000, 17000, 22000, 27000, 31000, 36000], len(at_work))
    frames = []
    for year in YEARS:
        first = year * 12 - FIRST_MONTH
        months = at_work[:, first : first + 12].sum(axis=1)
        wages = months * pay * rng.uniform(0.85, 1.15, len(pay))
        wages += np.where(rng.random(len(pay)) < 0.12, rng.uniform(1000, 12000, len(pay)), 0)
        gone = (left != NO_DAY) & (left < (year - 1970) * 365.25)
        wages = np.where(gone, 0, wages)
        if year == 2012:
            wages = _to_centre_means(people, wages, months, rng)
        frames.append(pd.DataFrame({"person": np.arange(len(pay)), "wage_income": wages}))
        frames[-1].insert(1, "year", year)
    frame = pd.concat(frames)
    frame["wage_income"] = np.rint(frame["wage_income"]).astype(np.int64)
    return _dated(people, frame[frame["wage_income"] > 0].astype({"year": "int16"}), [])


def _to_centre_means(people: People, wages: np.ndarray, months: Ints, rng: np.random.Generator) -> np.ndarray:
    """Move a year's wages to the printed centre means; centres keep their order."""
    analysed = people.is_analysed.astype(bool)
    centres = [people.roster.centre == number for number in range(1, 7)]
    ranks = np.argsort(np.argsort([wages[here & analysed].mean() for here in centres]))
    limit = rng.uniform(*MOST_PER_MONTH, len(months)) * np.maximum(months, 1)
    moved = wages.copy()
    for here, rank in zip(centres, ranks, strict=True):
        target = np.sort(INCOME_2012)[rank] * 1000
        for _ in range(50):
            moved[here] = np.minimum(moved[here] * target / moved[here & analysed].mean(), limit[here])
        for person in rng.permutation(np.flatnonzero(here & analysed)):
            short = (target - moved[here & analysed].mean()) * (here & analysed).sum()
            moved[person] += np.clip(short, 0, rng.uniform(2e4, 9e4))
    return moved


def contacts_table(people: People, rng: np.random.Generator) -> pd.DataFrame:
    """Health contacts: so many in the 12 months before randomisation, others around them."""
    rows: list[tuple[int, str, int]] = []
    analysed = people.is_analysed.astype(bool)
    for contact, means in CONTACTS_PER_MONTH.items():
        for centre, mean in enumerate(means, start=1):
            for group in (analysed, ~analysed):
                members = np.flatnonzero((people.roster.centre == centre) & group)
                total = round(mean * 12 * len(members))
                for person, number in zip(members, _spread(total, len(members), rng), strict=True):
                    before = _window(people, int(person))
                    picked = rng.choice(before, number, replace=False)
                    around = _around(people, int(person), int(rng.poisson(number * 0.6)), rng)
                    rows += [(int(person), contact, int(day)) for day in (*picked, *around)]
    frame = pd.DataFrame(rows, columns=["person", "contact", "date"]).drop_duplicates()
    return _dated(people, frame, ["date"])


def _spread(total: int, size: int, rng: np.random.Generator) -> Ints:
    """Share a total over persons unevenly, at most 150 each."""
    share = rng.gamma(0.7, 1.0, size) + 0.02
    numbers = rng.multinomial(total, share / share.sum())
    while numbers.max() > 150:
        numbers[int(np.argmax(numbers))] -= 1
        numbers[int(np.argmin(numbers))] += 1
    return np.asarray(numbers, dtype=np.int64)


def _window(people: People, person: int) -> Ints:
    """Days of the year before randomisation that any way to count twelve months agrees on."""
    chosen = int(people.randomised_on[person])
    month = np.datetime64(chosen, "D").astype("datetime64[M]")
    end = int(month.astype("datetime64[D]").astype(np.int64))
    return np.arange(chosen - 364, end)


def _around(people: People, person: int, number: int, rng: np.random.Generator) -> Ints:
    """Contacts outside the year before randomisation."""
    chosen = int(people.randomised_on[person])
    before = chosen - 400 - rng.integers(0, 500, number // 2)
    after = chosen + 32 + rng.integers(0, 1200, number - number // 2)
    return np.concatenate([before, after])


def services_table(people: People, rng: np.random.Generator) -> pd.DataFrame:
    """Who received IPS and when; some controls begin after month 12."""
    rows = []
    for person, assigned in enumerate(people.roster.assigned):
        chosen = int(people.randomised_on[person])
        if rng.random() > (0.91 if assigned else 0.16):
            continue
        start = chosen + int(rng.integers(3, 70) if assigned else rng.integers(372, 900))
        end = start + int(rng.gamma(2.2, 170)) + 14
        rows.append((person, "ips", start, NO_DAY if end > LAST_DAY else end))
    frame = pd.DataFrame(rows, columns=["person", "service", "start_on", "end_on"])
    return _dated(people, frame, ["start_on", "end_on"])


def _dated(people: People, frame: pd.DataFrame, dates: list[str]) -> pd.DataFrame:
    """Replace positions by keys and day numbers by dates."""
    keys = [people.person_id[person] for person in frame["person"]]
    table = frame.drop(columns=["person", *dates]).reset_index(drop=True)
    table = table.assign(**{name: days(frame[name].to_numpy()) for name in dates})
    table.insert(0, "person_id", keys)
    return table
