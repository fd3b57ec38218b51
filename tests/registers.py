"""Simulators of registers: the same simulated persons in every layout, and what of them the layout carries.

Each simulator takes the truth (extract -> rows of the contract) and returns the files that the register would
deliver, what a cohort file says of them, and the truth that they carry, as plain rows. It knows the layouts from
their documentation only and uses none of their code.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

Frames = dict[str, pd.DataFrame]
FIRST, LAST = "2012-01", "2016-12"  # complete months of the registers
BREAK = "2015-01"
COUNTRIES = {1: "000", 0: "564"}  # Norway; another
BENEFIT_CODES = {  # of DREAM
    "work_assessment_allowance": "810",
    "disability_pension": "783",
    "social_assistance": "730",
    "unemployment_benefit": "111",
    "new_benefit": "899",
}


@dataclass(frozen=True)
class Delivered:
    """Files of one extract, what the cohort file says of it, and the rows that they carry."""

    files: dict[str, pd.DataFrame]
    said: dict[str, Any]
    carried: pd.DataFrame
    more: dict[str, Any] = field(default_factory=dict)


def days(month: str) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last day of a month or year."""
    period = pd.Period(month)
    return period.start_time.normalize(), period.end_time.normalize()


def whole(spells: pd.DataFrame, unit: str) -> pd.DataFrame:
    """Spells from the first day of their first month (M) or week (W) to the last day of their last."""
    start = spells["start_on"].dt.to_period(unit).dt.start_time.dt.normalize()
    end = spells["end_on"].dt.to_period(unit).dt.end_time.dt.normalize()
    return spells.assign(start_on=start, end_on=end)


def cut(spells: pd.DataFrame, first: str | None, last: str | None) -> pd.DataFrame:
    """The days of spells from the first month to the last."""
    if first:
        spells = spells[~(spells["end_on"] < days(first)[0])]
        spells = spells.assign(start_on=spells["start_on"].clip(lower=days(first)[0]))
    if last:
        spells = spells[spells["start_on"] <= days(last)[1]]
        spells = spells.assign(end_on=spells["end_on"].fillna(days(last)[1]).clip(upper=days(last)[1]))
    return spells


def in_periods(spells: pd.DataFrame, first: str, last: str, unit: str, late: int = 0) -> dict[str, pd.DataFrame]:
    """Period -> rows of the jobs with a day in it, their dates untouched; ``late``: and of those that just ended."""
    made = {}
    for period in pd.period_range(first, last, freq=unit):
        opens, closes = days(str(period))
        ended = spells["end_on"] < opens - pd.Timedelta(late, "D")
        made[str(period)] = spells[~ended & (spells["start_on"] <= closes)].reset_index(drop=True)
    return made


# --- employment --------------------------------------------------------------------------------


def spells(truth: Frames) -> Delivered:
    frame = truth["employment"]
    return Delivered({"employment.parquet": frame}, {"layout": "spells"}, frame)


def spells_in_period(truth: Frames) -> Delivered:
    """One file, the month in a column."""
    frame = truth["employment"]
    rows = [f.assign(year_month=int(m.replace("-", ""))) for m, f in in_periods(frame, FIRST, LAST, "M", 40).items()]
    return Delivered({"employment.parquet": pd.concat(rows)}, {"layout": "spells_in_period", "period": "month"}, frame)


def spells_by_month(truth: Frames) -> Delivered:
    frame = truth["employment"]
    months = {
        f"{end}_month": frame[f"{end}_on"].dt.strftime("%Y%m").astype("str").where(frame[f"{end}_on"].notna())
        for end in ("start", "end")
    }
    given = frame.drop(columns=["start_on", "end_on"]).assign(**months)
    return Delivered({"employment.parquet": given}, {"layout": "spells_by_month"}, whole(frame, "M"))


def monthly(truth: Frames) -> Delivered:
    """A file a month, the month in its name only."""
    frame = truth["employment"]
    files = {
        f"employment/jobs{m.replace('-', '')}.parquet": f.drop(columns=["start_on", "end_on"])
        for m, f in in_periods(frame, FIRST, LAST, "M").items()
    }
    return Delivered(files, {"layout": "monthly"}, whole(frame, "M"))


def relative_monthly(truth: Frames) -> Delivered:
    carried = whole(truth["employment"], "M")[["person_id", "start_on", "end_on"]]
    rows = []
    for person, randomised_on in truth["trial"].set_index("person_id")["randomised_on"].items():
        theirs = carried[carried["person_id"] == person]
        for k in range(-12, 25):
            opens, closes = days(str(randomised_on.to_period("M") + k))
            works = (theirs["start_on"] <= closes) & ~(theirs["end_on"] < opens)
            rows.append({"person_id": person, "month": k, "employed": int(works.any())})
    return Delivered({"employment.parquet": pd.DataFrame(rows)}, {"layout": "relative_monthly"}, carried)


def in_weeks(frame: pd.DataFrame, value: Callable[[pd.Series], Any], persons: pd.Series, empty: Any) -> pd.DataFrame:
    """One row a person, one column an ISO week; of several spells the first decides."""
    mondays = pd.date_range("2011-12-26", "2016-12-31", freq="W-MON")
    table = {monday: pd.Series(empty, index=pd.Index(persons), dtype=object) for monday in mondays}
    for _, spell in frame[::-1].iterrows():
        if spell["person_id"] in set(persons):
            for monday in mondays[mondays >= spell["start_on"] - pd.Timedelta(6, "D")]:
                if not monday > spell["end_on"]:
                    table[monday][spell["person_id"]] = value(spell)
    named = {f"y_{m.isocalendar().year % 100:02d}{m.isocalendar().week:02d}": cells for m, cells in table.items()}
    return pd.DataFrame(named).rename_axis("person_id").reset_index()


def weekly_wide(truth: Frames) -> Delivered:
    frame = truth["employment"]
    given = in_weeks(frame, lambda spell: 1, truth["trial"]["person_id"], 0)
    carried = whole(frame, "W-SUN")[["person_id", "start_on", "end_on"]]
    return Delivered({"employment.parquet": given}, {"layout": "weekly_wide"}, carried)


def dream_states(truth: Frames) -> Delivered:
    """A code a week: a job, or unemployment in weeks without one."""
    frame = truth["employment"]
    given = in_weeks(frame, lambda spell: 771 if spell["kind"] == "ordinary" else 774, truth["trial"]["person_id"], 111)
    carried = whole(frame, "W-SUN")[["person_id", "start_on", "end_on"]]
    said = {"layout": "dream_states", "employed": [771, 774], "not_employed": [111]}
    return Delivered({"dream2016.parquet": given.rename(columns={"person_id": "pnr"})}, said, carried)


def small(frame: pd.DataFrame) -> pd.Series:
    """Jobs that the Aa-register did not hold."""
    return (frame["end_on"] - frame["start_on"] < pd.Timedelta(6, "D")) | (frame["weekly_hours"] < 4)


def aa_register(truth: Frames, more: dict[str, Any] | None = None) -> Delivered:
    """One file a year until 2014; keys under another name in some, dates as text in one."""
    frame = truth["employment"][~small(truth["employment"])]
    files = {}
    for year, rows in in_periods(frame.drop(columns="kind"), "2012", "2014", "Y").items():
        key = "lopenr_person" if year == "2012" else "w19_0634_lnr"
        names = {"person_id": key, "employer_id": "lopenr_virksomhet", "start_on": "startdato", "end_on": "stoppdato"}
        if year == "2013":
            rows = rows.assign(start_on=rows["start_on"].dt.strftime("%d.%m.%Y"))
        files[f"atmlto{year}.parquet"] = rows.rename(columns=names | {"weekly_hours": "korr_tim"})
    bounds = {"observed_until": "2014-12"} if more is None else more
    return Delivered(files, {"layout": "aa_register"}, cut(frame, None, "2014-12"), bounds)


def a_ordningen(truth: Frames) -> Delivered:
    """One file a month from 2015; pensions, open jobs on leave and pay after a job's end are among the rows."""
    frame, files = truth["employment"], {}
    for month, rows in in_periods(frame, BREAK, LAST, "M", late=40).items():
        opens, _ = days(month)
        jobs = rows.assign(kind="ordinaert", status="1a")
        idle = truth["trial"][["person_id"]].assign(employer_id="X", start_on=opens, weekly_hours=37.5)
        pension, leave = idle[::2].assign(kind="ikke_ansettelse"), idle[1::2].assign(kind="ordinaert", status="4a")
        given = pd.concat([jobs, pension.assign(status="1a"), leave], ignore_index=True)
        key = "lopenr_person" if month < "2016-03" else "w21_5590_lopenr_person"
        if month == "2016-05":
            hours = given["weekly_hours"].astype("str").str.replace(".", ",").where(given["weekly_hours"].notna())
            given = given.assign(start_on=given["start_on"].dt.strftime("%Y-%m-%d"), weekly_hours=hours)
        names = {"person_id": key, "employer_id": "lopenr_virksomhet", "start_on": "arb_start", "end_on": "arb_slutt"}
        names |= {"weekly_hours": "arb_arbeidstid", "kind": "arb_type", "status": "arb_syss"}
        year, number = month.split("-")
        files[f"ameld_statdata_{year}_m{int(number)}.parquet"] = given.rename(columns=names)
    return Delivered(files, {"layout": "a_ordningen"}, cut(frame, BREAK, None), {"observed_from": BREAK})


def across_2015(truth: Frames) -> Delivered:
    """Both Norwegian registers."""
    before, after = aa_register(truth), a_ordningen(truth)
    carried = pd.concat([before.carried, after.carried], ignore_index=True)
    return Delivered(before.files | after.files, [before.said, after.said], carried)


def bfl(truth: Frames) -> Delivered:
    """One file a month, hours as a share of 37."""
    frame, files = truth["employment"].drop(columns=["employer_id", "kind"]), {}
    for month, rows in in_periods(frame, FIRST, LAST, "M", late=40).items():
        names = {"person_id": "pnr", "start_on": "ajo_job_start_dato", "end_on": "ajo_job_slut_dato"}
        given = rows.assign(weekly_hours=rows["weekly_hours"] / 37, ajo_smalt_loenbeloeb=20000.0)
        given = given.rename(columns=names | {"weekly_hours": "ajo_fuldtid_beskaeftiget"})
        files[f"bfl{month.replace('-', '')}.parquet"] = given
    return Delivered(files, {"layout": "bfl"}, frame)


def ras(truth: Frames) -> Delivered:
    carried = truth["employment"][["person_id", "start_on", "end_on"]]
    given = carried.rename(columns={"person_id": "pnr", "start_on": "ansfra", "end_on": "anstil"})
    return Delivered({"employment.parquet": given}, {"layout": "ras"}, carried)


# --- other extracts ----------------------------------------------------------------------------


def fd_trygd(truth: Frames) -> Delivered:
    """One file a benefit, months as text."""
    frame, files, said = truth["benefits"], {}, []
    for name, rows in frame.groupby("benefit"):
        first = rows["start_on"].dt.strftime("%Y%m")
        last = rows["end_on"].dt.strftime("%Y%m").where(rows["end_on"].notna())
        files[f"fd_{name}.parquet"] = pd.DataFrame(
            {"w19_0634_lnr": rows["person_id"], "tilgdato_mnd": first, "avgdato_mnd": last}
        )
        said.append({"layout": "fd_trygd", "files": f"fd_{name}.parquet", "constants": {"benefit": name}})
    return Delivered(files, said, whole(frame, "M"))


def dream(truth: Frames) -> Delivered:
    """One benefit a week: of several the first in the order of the rows; persons without any have no row."""
    frame = truth["benefits"].drop_duplicates("person_id")  # what one code a week can carry
    persons = frame["person_id"].drop_duplicates()
    given = in_weeks(frame, lambda spell: BENEFIT_CODES[spell["benefit"]], persons, None)
    said = {
        "layout": "dream",
        "values": {"benefit": {code: name for name, code in BENEFIT_CODES.items()}},
        "received": list(BENEFIT_CODES),
    }
    return Delivered({"dream.parquet": given.rename(columns={"person_id": "PNR"})}, said, whole(frame, "W-SUN"))


def last_day(column: pd.Series) -> pd.Series:
    """Last day of each day's month."""
    return column.dt.to_period("M").dt.end_time.dt.normalize()


def month_of(column: pd.Series) -> pd.Series:
    """YYYYMM as text."""
    return column.dt.strftime("%Y%m").where(column.notna())


def by_month(frame: pd.DataFrame) -> pd.DataFrame:
    """Persons as their months tell: born on the 15th, died and emigrated on the last day."""
    born = frame["birth_date"].dt.to_period("M").dt.start_time + pd.Timedelta(14, "D")
    return frame.assign(
        birth_date=born, died_on=last_day(frame["died_on"]), emigrated_on=last_day(frame["emigrated_on"])
    )


def persons_by_month(truth: Frames) -> Delivered:
    frame = truth["persons"]
    given = pd.DataFrame(
        {
            "person_id": frame["person_id"],
            "birth_month": month_of(frame["birth_date"]),
            "sex": frame["sex"],
            "native_born": frame["native_born"],
            "died_month": month_of(frame["died_on"]),
            "emigrated_month": month_of(frame["emigrated_on"]),
        }
    )
    return Delivered({"persons.parquet": given}, {"layout": "persons_by_month"}, by_month(frame))


def faste_oppl(truth: Frames) -> Delivered:
    frame = truth["persons"]
    given = pd.DataFrame(
        {
            "lopenr_person": frame["person_id"],
            "foedsels_aar_mnd": month_of(frame["birth_date"]),
            "doeds_aar_mnd": month_of(frame["died_on"]),
            "kjoenn": frame["sex"].map({"male": "1", "female": "2"}),
            "fodeland": frame["native_born"].map(COUNTRIES),
        }
    )
    carried = by_month(frame).drop(columns="emigrated_on")
    return Delivered({"faste_oppl_2020.parquet": given}, {"layout": "faste_oppl"}, carried)


def education(truth: Frames, layout: str) -> Delivered:
    """Whole codes; of compulsory school as numbers without leading zeros elsewhere."""
    frame = truth["education"]
    given = pd.DataFrame(
        {
            "person_id" if layout == "nus2000" else "w19_0634_lnr": frame["person_id"],
            "nus2000": frame["level"].astype(int) * 100_000 + np.arange(len(frame)) % 1000,
            "completed_month": month_of(frame["completed_on"]),
        }
    )
    return Delivered(
        {"education.parquet": given}, {"layout": layout}, frame.assign(completed_on=last_day(frame["completed_on"]))
    )


# Layout or register -> the extract, and its simulator.
SIMULATORS: dict[str, tuple[str, Callable[[Frames], Delivered]]] = {
    **{
        function.__name__: ("employment", function)
        for function in (
            spells, spells_in_period, spells_by_month, monthly, relative_monthly, weekly_wide, dream_states,
            aa_register, a_ordningen, across_2015, bfl, ras,
        )
    },
    "fd_trygd": ("benefits", fd_trygd),
    "dream": ("benefits", dream),
    "persons_by_month": ("persons", persons_by_month),
    "faste_oppl": ("persons", faste_oppl),
    "nus2000": ("education", lambda truth: education(truth, "nus2000")),
    "bu": ("education", lambda truth: education(truth, "bu")),
}  # fmt: skip
