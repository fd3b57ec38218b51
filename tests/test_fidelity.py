"""Fidelity: published reviews and sums that were added up by hand; bounds against every score that is possible."""

import itertools
import random
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from ipseval.errors import UserError
from ipseval.figures.fidelity import fidelity_by_item, fidelity_over_time
from ipseval.figures.fidelity_effect import fidelity_and_effect
from ipseval.language import speaking
from ipseval.places.bounds import Bounds, Conflict, propagated
from ipseval.places.fidelity import fidelity_tables
from ipseval.places.scale import TOTAL, Scale, read_scale
from ipseval.settings import SCALES_FOLDER, cohort_settings, read_cohort
from ipseval.store import as_read
from ipseval.tables.fidelity import fidelity, fidelity_items, reviews_while_followed
from ipseval.tables.review import Review
from ipseval.tables.table import Table

DATA = Path(__file__).parent / "data"
TEAMS = {1: "København", 2: "Odense", 3: "Frederiksberg", 4: "Silkeborg"}
ITEMS = [*(f"P{i}" for i in range(1, 4)), *(f"O{i}" for i in range(1, 9)), *(f"J{i}" for i in range(1, 15))]


def write_cohort_file(folder: Path, centres: Mapping, **more: object) -> Path:
    content = {"extracts": "x", "arms": {"reference": "a", "treatments": ["b"]}, "centres": dict(centres), **more}
    file = folder / "cohort.yaml"
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return file


def made(folder: Path, centres: Mapping, reviews: Path | str, **more: object) -> dict[str, pd.DataFrame]:
    """The tables of a cohort with a file of reviews, or its text."""
    if isinstance(reviews, str):
        (folder / "reviews.csv").write_text(reviews, encoding="utf-8")
        reviews = folder / "reviews.csv"
    return fidelity_tables(read_cohort(write_cohort_file(folder, centres, fidelity=str(reviews), **more)))


@pytest.fixture(scope="module")
def danish(tmp_path_factory) -> dict[str, pd.DataFrame]:
    return made(tmp_path_factory.mktemp("danish"), TEAMS, DATA / "fidelity_reviews_dk.csv")


@pytest.fixture(scope="module")
def lost(tmp_path_factory) -> dict[str, pd.DataFrame]:
    """The review most of whose scores are lost."""
    return made(tmp_path_factory.mktemp("lost"), {"b": "Billund"}, DATA / "fidelity_billund.csv")


# --- the Danish reviews, as the README beside the published file adds them up ----------------------

TOTALS = {"1": [90, 90, 95, 96, 97, 100], "2": [82, 101, 94], "3": [80, 76, 75], "4": [82, 95, 99]}
SECTIONS = {
    "P": {"1": [10, 12, 13, 14, 13, 14], "2": [13, 13, 13], "3": [14, 11, 10], "4": [13, 15, 15]},
    "O": {"1": [24, 21, 25, 26, 27, 27], "2": [22, 27, 29], "3": [23, 23, 23], "4": [24, 28, 29]},
    "J": {"1": [56, 57, 57, 56, 57, 59], "2": [47, 61, 52], "3": [43, 42, 42], "4": [45, 52, 55]},
}
MEANS = dict(
    zip(
        ITEMS,
        [
            *(4.47, 3.93, 4.47),
            *(2.93, 2.00, 4.53, 4.53, 3.47, 3.33, 2.40, 2.00),
            *(4.47, 4.40, 4.13, 3.53, 4.67, 1.80, 3.53, 4.60, 4.93, 2.13, 4.20, 3.60, 2.07, 4.00),
        ],
        strict=True,
    )
)


@pytest.mark.parametrize(("part", "scores"), [(TOTAL, TOTALS), *SECTIONS.items()])
def test_totals_and_sums_of_sections_are_those_of_the_published_reviews(danish, part, scores) -> None:
    rows = danish["fidelity"].query("part == @part")
    assert {centre: own["score"].tolist() for centre, own in rows.groupby("centre")} == scores
    assert (rows["low"] == rows["score"]).all() and (rows["high"] == rows["score"]).all()


def test_means_of_the_items_and_the_grand_mean(danish) -> None:
    every = danish["fidelity_summary"].query("centre == 'all'").set_index("part")
    assert {item: round(every["mean"][item], 2) for item in ITEMS} == MEANS
    assert round(every["mean"][TOTAL], 2) == 90.13
    assert every["n_reviews"].eq(15).all()
    assert every[["first", "last", "change", "slope_per_year"]].isna().all(axis=None)  # of several teams there is none


def test_bands_are_good_twice_and_fair_thirteen_times(danish) -> None:
    totals = danish["fidelity"].query("part == 'total'")
    good = totals[totals["band"] == "good"]
    assert list(zip(good["centre"], good["review_on"], strict=True)) == [("1", "2016-11-01"), ("2", "2013-12-15")]
    assert totals["band"].value_counts().to_dict() == {"fair": 13, "good": 2}
    assert danish["fidelity"].query("part != 'total'")["band"].isna().all()


def test_first_to_last_and_points_a_year(danish) -> None:
    totals = danish["fidelity_summary"].query("part == 'total' and centre != 'all'").set_index("centre")
    assert totals["change"].to_dict() == {"1": 10, "2": 12, "3": -5, "4": 17}
    assert totals["slope_per_year"].round(2).to_dict() == {"1": 2.95, "2": 9.07, "3": -3.90, "4": 16.62}


def test_slopes_are_those_of_numpy(danish) -> None:
    rows = danish["fidelity_summary"].query("centre != 'all'").to_dict("records")
    assert len(rows) == 4 * 29
    for row in rows:
        own = danish["fidelity"].query("part == @row['part'] and centre == @row['centre']")
        years = [date.fromisoformat(day).toordinal() / 365.25 for day in own["review_on"]]
        expected = np.polyfit(np.array(years) - years[0], own["score"].to_numpy(float), 1)[0]
        assert row["slope_per_year"] == pytest.approx(expected, abs=1e-9)


def test_the_first_three_rounds_had_another_rater(danish) -> None:
    totals = danish["fidelity"].query("part == 'total'")
    abroad = totals.loc[totals["rater"] == "United States", "review_on"]
    assert abroad.max() == "2014-08-18" and len(abroad) == 6


# --- a review with most scores lost ----------------------------------------------------------------


def test_what_arithmetic_forces_of_the_review_with_lost_scores(lost) -> None:
    ends = {row["part"]: (row["low"], row["high"]) for row in lost["fidelity"].to_dict("records")}
    high = ["P3", "O1", "O3", "O6", "J1", "J2", "J3", "J5", "J8", "J9", "J11"]
    at_most_4 = ["O2", "O4", "O5", "O7", "O8", "J6", "J7", "J12", "J13", "J14"]
    assert {item: ends[item] for item in high} == dict.fromkeys(high, (3, 5))
    assert {item: ends[item] for item in at_most_4} == dict.fromkeys(at_most_4, (2, 4))
    assert {section: ends[section] for section in "POJ"} == {"P": (13, 15), "O": (33, 35), "J": (60, 62)}
    assert {item: ends[item] for item in ("P1", "P2", "J4", "J10")} == {
        "P1": (5, 5), "P2": (5, 5), "J4": (4, 4), "J10": (3, 3),
    }  # fmt: skip
    rows = lost["fidelity"].set_index("part")
    assert rows.loc[TOTAL, ["score", "band"]].tolist() == [110, "good"]
    assert rows["score"].isna().sum() == 24 and rows["score"].notna().sum() == 5  # the total and four scores


def test_ranges_without_the_total_and_without_the_text() -> None:
    scale = read_scale(SCALES_FOLDER / "ips_25.yaml")
    known = {"P1": Bounds(5, 5), "P2": Bounds(5, 5), "J4": Bounds(4, 4), "J10": Bounds(3, 3)}
    without = propagated(scale, known)
    assert isinstance(without, dict) and without[TOTAL] == Bounds(38, 122)
    text = dict.fromkeys(["O2", "O4", "O5", "O7", "O8", "J6", "J7", "J12", "J13", "J14"], Bounds(1, 4))
    within = propagated(scale, known | text)
    assert isinstance(within, dict) and within[TOTAL].high == 112
    assert scale.band(without[TOTAL].low, without[TOTAL].high) == ""


# --- bounds are reached, and no others ---------------------------------------------------------------

SMALL = Scale(1, 3, {"A": ("a", "b"), "B": ("c", "d", "e")}, (), {})


def every_score(given: Mapping[str, Bounds]) -> list[dict[str, int]]:
    """All scores of a small scale that what is given allows."""
    found = []
    for scores in itertools.product(range(1, 4), repeat=5):
        one = dict(zip(SMALL.items, scores, strict=True))
        one |= {section: sum(one[item] for item in items) for section, items in SMALL.sections.items()}
        one[TOTAL] = one["A"] + one["B"]
        if all(bounds.low <= one[part] <= bounds.high for part, bounds in given.items()):
            found.append(one)
    return found


@pytest.mark.parametrize("seed", range(60))
def test_bounds_are_the_ends_of_all_scores_that_are_possible(seed: int) -> None:
    draw = random.Random(seed)
    given = {}
    for part in SMALL.parts:
        if draw.random() < 0.5:
            low, high = sorted(draw.choices(range(SMALL.reach(part)[0], SMALL.reach(part)[1] + 1), k=2))
            given[part] = Bounds(low, high)
    possible, found = every_score(given), propagated(SMALL, given)
    if not possible:
        assert isinstance(found, list) and all(isinstance(one, Conflict) for one in found)
        return
    ends = {p: Bounds(min(s[p] for s in possible), max(s[p] for s in possible)) for p in SMALL.parts}
    assert found == ends


def test_bounded_scores_bound_means_changes_and_slopes(tmp_path: Path) -> None:
    rows = "team,date,item,score,low,high\nN,2013-01-01,P1,,1,3\nN,2014-01-01,P1,4,,\nN,2016-01-01,P1,,2,5\n"
    summary = made(tmp_path, {1: "N"}, rows)["fidelity_summary"]
    (row,) = summary.query("part == 'P1' and centre == '1'").to_dict("records")
    every = list(itertools.product((1, 2, 3), (4,), (2, 3, 4, 5)))
    years = np.array([0, 365, 1095]) / 365.25
    slopes = [np.polyfit(years, scores, 1)[0] for scores in every]
    for name, values in {
        "mean": [np.mean(scores) for scores in every],
        "change": [scores[-1] - scores[0] for scores in every],
        "slope": slopes,
    }.items():
        assert row[f"{name}_low"] == pytest.approx(min(values)), name
        assert row[f"{name}_high"] == pytest.approx(max(values)), name
    assert np.isnan([row["mean"], row["change"], row["slope_per_year"], row["first"], row["last"]]).all()


def test_reviews_that_are_known_to_the_month_have_no_slope(tmp_path: Path) -> None:
    rows = "team,date,item,score\n1,2013-01,total,90\n1,2014-02-03,total,95\n"
    (row,) = (
        made(tmp_path, {1: "N"}, rows)["fidelity_summary"].query("part == 'total' and centre == '1'").to_dict("records")
    )
    assert row["change"] == 5 and np.isnan(row["slope_per_year"])


# --- refusals ----------------------------------------------------------------------------------------

HEAD = "team,date,item,score,low,high\n"
FULL = "".join(f"1,2013-01-01,{item},4,,\n" for item in ITEMS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEAD + FULL + "1,2013-01-01,total,101,,\n", "total is 101, but the scores of its parts allow 100."),
        (HEAD + "1,2013-01-01,total,130,,\n", "total is 130. Expected: from 25 to 125"),
        (HEAD + FULL + "1,2013-01-01,O,31,,\n", "O is 31, but the scores of its parts allow 32."),
        (
            HEAD + "1,,P1,5,,\n1,,total,,123,\n1,,P2,2,,\n",
            "total is 123 to 125, but the scores of its parts allow 30 to 122.",
        ),
        (HEAD + "1,2013-01-01,P1,6,,\n", "line 2: P1 is 6. Expected: from 1 to 5"),
        (HEAD + "1,2013-01-01,P1,,4,2\n", "P1 is 4 to 2. Expected: from 1 to 5, the least first."),
        (HEAD + "1,2013-01-01,P1,4.5,,\n", "score is '4.5'. Expected: whole numbers."),
        (HEAD + "1,2013-01-01,P1,4,1,\n", "has a score beside low or high."),
        (HEAD + "1,2013-01-01,P4,4,,\n", "item is 'P4', which the scale does not have."),
        (HEAD + "1,2013-01-01,P1,4,,\n1,2013-01-01,P1,4,,\n", "line 3: P1 has a score twice in this review."),
        (HEAD + "Nord,2013-01-01,P1,4,,\n", "team is 'Nord', which is no centre. Did you mean 'North'?"),
        (HEAD + "1,2013-02-30,P1,4,,\n", "date is '2013-02-30'."),
        (HEAD + "1,2013,P1,4,,\n1,2013-05-01,P1,4,,\n", "review of '2013' beside one that may lie before it or after"),
        (HEAD + "1,,P1,4,,\n1,2013-05-01,P1,4,,\n", "review of 'no date' beside one that may lie before it or after"),
        ("team;date;itm;score\n1;2013-01-01;P1;4\n", "has a column 'itm', which is not known. Did you mean 'item'?"),
        ("team,date,score\n1,2013-01-01,4\n", "has no column item."),
        ("", "holds no rows."),
        (HEAD + "1,2013-01-01,P1,4,,,7\n", "has more cells in line 2 than in its head (7, 6)."),
    ],
)  # fmt: skip
def test_a_file_is_refused_with_both_numbers(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as raised:
        made(tmp_path, {1: "North"}, text)
    assert says in str(raised.value)


def test_all_faults_are_told_at_once_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").write_text(HEAD + "2,2013-01-01,P1,4,,\n1,2013-01-01,P1,9,,\n", encoding="utf-8")
    with pytest.raises(UserError) as raised:
        cohort_settings(write_cohort_file(tmp_path, {1: "N"}, fidelity="reviews.csv"))
    assert len(raised.value.faults) == 2


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"fidelity names .*nowhere\.csv', which is no file"):
        cohort_settings(write_cohort_file(tmp_path, {1: "N"}, fidelity="nowhere.csv"))


def without_73(bands: dict) -> None:
    bands["not_ips"] = {"low": 25, "high": 72}


def twice_100(bands: dict) -> None:
    bands["fair"]["high"] = 100


def as_printed(bands: dict) -> None:
    bands["not_ips"] = "below 73"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (without_73, "no band holds a total of 73. Say where it belongs"),
        (twice_100, "two bands hold a total of 100. Say where it belongs"),
        (as_printed, "bands.not_ips is below 73. Expected: its least and largest total"),
    ],
)
def test_a_gap_in_the_bands_is_refused(change: Callable[[dict], None], says: str, tmp_path: Path) -> None:
    scale = yaml.safe_load((SCALES_FOLDER / "ips_25.yaml").read_text(encoding="utf-8"))
    change(scale["bands"])
    (tmp_path / "scale.yaml").write_text(yaml.safe_dump(scale), encoding="utf-8")
    with pytest.raises(UserError) as raised:
        made(tmp_path, {1: "N"}, HEAD + "1,2013-01-01,total,73,,\n", fidelity_scale="scale.yaml")
    assert says in str(raised.value)


def test_the_scale_is_that_of_the_published_sheet() -> None:
    scale = read_scale(SCALES_FOLDER / "ips_25.yaml")
    assert list(scale.items) == ITEMS and scale.reach(TOTAL) == (25, 125)
    printed = {n: scale.band(n, n) for n in (25, 73, 74, 99, 100, 114, 115, 125)}
    assert list(printed.values()) == ["not_ips", "not_ips", "fair", "fair", "good", "good", "exemplary", "exemplary"]
    for language in ("en", "nb", "da"):
        with speaking(language):
            assert len({scale.name(code) for code in (*scale.parts[1:], *(b.code for b in scale.bands))}) == 32


def test_the_same_rows_in_yaml_give_the_same_tables(danish, tmp_path: Path) -> None:
    rows = pd.read_csv(DATA / "fidelity_reviews_dk.csv", dtype=str).to_dict("records")
    (tmp_path / "reviews.yaml").write_text(yaml.safe_dump({"rows": rows}, allow_unicode=True), encoding="utf-8")
    again = made(tmp_path, TEAMS, tmp_path / "reviews.yaml")
    for name, table in danish.items():
        pd.testing.assert_frame_equal(again[name], table)


# --- print -------------------------------------------------------------------------------------------


def review_of(folder: Path, tables: Mapping[str, pd.DataFrame], centres: Mapping, reviews: Path) -> Review:
    cohort = read_cohort(write_cohort_file(folder, centres, fidelity=str(reviews)))
    columns = {"flow": ["step", "order", "centre", "arm", "n_persons", "n_excluded", "reason"]}
    columns["timeline"] = ["centre", "event", "on"]
    others = {name: pd.DataFrame(columns=own) for name, own in columns.items()}
    return Review(cohort, {name: as_read(table) for name, table in {**tables, **others}.items()})


def printed(table: Table, head: str, group: str) -> list[str]:
    (row,) = [row for row in table.rows if row.head == head and row.group == group]
    return [cell.text for cell in row.cells]


def test_tables_print_the_reviews_and_their_means(danish, tmp_path: Path) -> None:
    review = review_of(tmp_path, danish, TEAMS, DATA / "fidelity_reviews_dk.csv")
    table = fidelity(review)
    assert printed(table, "2013-12", "Odense") == ["101", "13", "27", "61", "good", "United States"]
    assert printed(table, "Change, first to last", "Frederiksberg")[0] == "−5"
    assert printed(table, "Points a year", "Silkeborg")[0] == "16.62"
    items = fidelity_items(review)
    assert [column.head for column in items.columns] == ["All reviews", *TEAMS.values()]
    assert printed(items, "O2 Integration through frequent team member contact", "Organisation")[0] == "2.00"


def test_tables_print_bounds_and_no_band_in_doubt(lost, tmp_path: Path) -> None:
    review = review_of(tmp_path, lost, {"b": "Billund"}, DATA / "fidelity_billund.csv")
    table = fidelity(review)
    assert printed(table, "no date", "Billund") == ["110", "13 to 15", "33 to 35", "60 to 62", "good", ""]
    with speaking("da"):
        assert printed(fidelity(review), "uden dato", "Billund")[:2] == ["110", "13 til 15"]


def test_figures_are_drawn_of_known_and_of_lost_scores(danish, lost, tmp_path: Path) -> None:
    review = review_of(tmp_path, danish, TEAMS, DATA / "fidelity_reviews_dk.csv")
    assert not fidelity_over_time(review).instead
    undated = review_of(tmp_path, lost, {"b": "Billund"}, DATA / "fidelity_billund.csv")
    assert not fidelity_by_item(undated).instead
    assert fidelity_over_time(undated).instead  # a review without a date has no place on the axis


# --- beside the effects ------------------------------------------------------------------------------

EVENTS = [  # Bonfils 2019; the team of København served Frederiksberg until June 2015
    ("1", "start", "2012-10", None), ("1", "follow_up_end", "2017-08", None),
    ("2", "start", "2012-10", None), ("2", "follow_up_end", "2016-08", None),
    ("3", "start", "2013-03", "1"), ("3", "team_change", "2015-06", "3"), ("3", "follow_up_end", "2016", None),
    ("4", "start", "2015-09", None), ("4", "follow_up_end", "2017-07", None),
]  # fmt: skip


def beside_effects(danish: Mapping[str, pd.DataFrame], folder: Path) -> Review:
    tables = dict(review_of(folder, danish, TEAMS, DATA / "fidelity_reviews_dk.csv").tables)
    tables["timeline"] = pd.DataFrame(EVENTS, columns=["centre", "event", "on", "team"])
    effects = [("table5_model_1", "b", centre, 0.1, 0.0, 0.2) for centre in "1234"]
    columns = ["analysis", "arm", "centre", "estimate", "ci_low", "ci_high"]
    cohort = read_cohort(write_cohort_file(folder, TEAMS, fidelity=str(DATA / "fidelity_reviews_dk.csv")))
    return Review(cohort, tables | {"centre_effects": pd.DataFrame(effects, columns=columns)})


def test_reviews_beside_an_effect_are_those_while_persons_were_followed(danish, tmp_path: Path) -> None:
    """Of Frederiksberg those of the team of København before June 2015: that its own of 2016 came before the end of
    follow-up, which is known to the year, is not certain.
    """
    found = reviews_while_followed(beside_effects(danish, tmp_path))
    totals = {centre: [row[TOTAL]["score"] for row in own] for centre, own in found.items()}
    assert totals == TOTALS | {"3": [90, 90, 95]}


def test_the_figure_beside_effects_says_what_no_order_can_show(danish, tmp_path: Path) -> None:
    drawing = fidelity_and_effect(beside_effects(danish, tmp_path))
    assert "with 4 centres the smallest p that any order of them can have is 0.083" in drawing.note  # 2 of 4! = 24
    assert not drawing.instead
