"""What is printed and drawn: table 5 as published, honest empty cells, safe text, equal bytes."""

import csv
import dataclasses
import io
import re
import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import jinja2
import matplotlib.image
import numpy as np
import pandas as pd
import pytest

from cohorts import Recipe, random_cohort, write_cohort
from ipseval import store, words
from ipseval.config import Arms
from ipseval.figures.drawing import spread
from ipseval.figures.registry import FIGURES
from ipseval.pipeline import analyse
from ipseval.present import present, products
from ipseval.products import PRESENTED
from ipseval.settings import ROOT, read_cohort
from ipseval.tables.record import left_by
from ipseval.tables.registry import NAMED, TABLES
from ipseval.tables.render import RENDERERS, to_html
from ipseval.tables.render_csv import grid, safe, to_csv
from ipseval.tables.review import Review
from ipseval.tables.table import Table
from ipseval.template import TEMPLATES
from ipseval.words import EN_DASH, MINUS
from readers import Texts, expected, read_docx, read_tex, read_xlsx

NAME_NO_CENTRE = (
    "effects_by_month", "adjustment", "subgroups", "heterogeneity", "time_to_job", "accumulated", "achieved", "cost",
    "specifications", "complier_effects", "event_study", "missing_data", "published_comparison", "quality",
    "baseline", "main_effects",
    "organisation_tests",
)  # fmt: skip
NASTY = {"1": "<script>alert(1)</script>", "2": "=1+1", "3": "\"Quoted\" & 'single'\nsecond *line* | `code`"}
WITHOUT = ("education", "persons", "wage_subsidy")
RECIPES = {
    "plain": Recipe(n_persons=150, n_centres=3, before=3, after=20, has_services=True, has_places=True),
    "several": Recipe(
        n_persons=120, n_centres=3, treatments=("ips", "ips_plus"), has_tiny_centre=True, exclude_wage_subsidy=False,
        without=WITHOUT,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Cohort, review tables and what was presented, by recipe."""
    found = {}
    for name, recipe in RECIPES.items():
        file = write_cohort(random_cohort(recipe, seed=3), tmp_path_factory.mktemp(name))
        cohort = read_cohort(file)
        stages = analyse(cohort)
        tables = {k: v for contents in stages.values() for k, v in contents.items()}  # a later stage's wins
        inside = {k: tables[k] for names in PRESENTED.values() for k in names}
        found[name] = SimpleNamespace(
            cohort=cohort, tables=inside, presented=present(cohort, inside), people=tables["people"]
        )
    return found


def looked_up(one, **changed):
    """The review of a cohort with some of its tables replaced."""
    return Review(one.cohort, {k: store.as_read(v) for k, v in (one.tables | changed).items()})


def cells(table: Table, head: str, group: str = ""):
    (row,) = [row for row in table.rows if row.head == head and row.group == group]
    return row.cells


def csv_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def signed(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace("-", MINUS)


# --- the files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECIPES)
def test_every_product_is_made_and_nothing_else(made, name):
    contents = made[name].presented
    assert set(contents) == set(products())
    assert len(set(products().values())) == len(contents)
    unnamed = {"published_comparison"} | (
        set(NAMED) if name == "several" else set()
    )  # files that the cohort names none of
    assert all(len(content) > 150 for file, content in contents.items() if file.removesuffix("_csv") not in unnamed)


@pytest.mark.parametrize("name", RECIPES)
def test_memory_and_files_give_the_same_bytes(made, name, tmp_path):
    one = made[name]
    read = {}
    for table, frame in one.tables.items():
        store.write(tmp_path / f"{table}.csv", frame)
        read[table] = store.read(tmp_path / f"{table}.csv")
    assert present(one.cohort, read) == one.presented


def test_arms_may_be_coded_as_numbers(made):
    one = made["plain"]
    arms = {"control": "0", "ips": "1"}
    frames = {
        name: frame.assign(
            **{c: frame[c].replace(arms) for c in ("arm", "reference_arm", "service", "codes") if c in frame}
        )
        for name, frame in one.tables.items()
    }
    terms = frames["coefficients"]["term"].str.replace("assigned[ips]", "assigned[1]", regex=False)
    frames["coefficients"] = frames["coefficients"].assign(term=terms)
    cohort = dataclasses.replace(one.cohort, arms=Arms("0", ("1",)))
    contents = present(cohort, frames)
    assert contents["table3_inclusion_csv"] == one.presented["table3_inclusion_csv"]
    wanted = one.presented["table5_effects_csv"].replace("ips × centre", "arm 1 × centre")
    assert contents["table5_effects_csv"] == wanted
    numbers = [list(row.values())[1:] for row in csv_rows(contents["balance_csv"])]
    assert numbers == [list(row.values())[1:] for row in csv_rows(one.presented["balance_csv"])]


def test_arguments_are_left_as_they_were(made):
    one = made["several"]
    before = {name: frame.copy(deep=True) for name, frame in one.tables.items()}
    present(one.cohort, one.tables)
    for name, frame in one.tables.items():
        pd.testing.assert_frame_equal(frame, before[name])


@pytest.mark.parametrize("name", TABLES)
def test_every_table_carries_the_record_of_choices(made, name):
    table = TABLES[name](looked_up(made["plain"]))
    about = [key for key, _ in table.record]
    assert about == ["Population", "Treatment", "Outcome", "Window", "Intercurrent events", "Summary measure"]
    assert all(key in to_html("A trial", table) for key in about)
    assert all(len(row.cells) == len(table.columns) for row in table.rows)


def test_record_follows_the_choices(made):
    one = made["plain"]
    chosen = dataclasses.replace(
        one.cohort.outcome, month_rule={"min_days": 4}, min_weekly_hours=4.0, exclude_wage_subsidy=False,
        after_death="missing",
    )  # fmt: skip
    cohort = dataclasses.replace(one.cohort, outcome=chosen)
    record = dict(TABLES["table5_effects"](Review(cohort, looked_up(one).tables)).record)
    assert "at least 4 hours a week on at least 4 days of the month" in record["Outcome"]
    assert "with a wage subsidy count, too" in record["Outcome"]
    assert (
        "after death count as not observed; months after emigration count as not emp" in record["Intercurrent events"]
    )
    assert "had a job" in record["Population"]
    assert "withdrew consent" in record["Population"]


@pytest.mark.parametrize(("layout", "when"), [("monthly", "month before"), ("weekly_wide", "week before")])
def test_record_says_what_eligibility_looked_at(layout, when, made):
    """Layouts without days know who had a job in the month, or week, before randomisation."""
    one = made["plain"]
    assert "on the day of randomisation" in left_by(looked_up(one), "employed_at_randomisation")
    cohort = dataclasses.replace(one.cohort, layouts={"employment": {"layout": layout}})
    review = Review(cohort, looked_up(one).tables)
    assert f"in the {when} randomisation" in dict(TABLES["table5_effects"](review).record)["Population"]


# --- table 5 -------------------------------------------------------------------------------------


def test_table_5_is_laid_out_as_published(made):
    table = TABLES["table5_effects"](looked_up(made["plain"]))
    assert [column.head for column in table.columns] == ["Model 1", "Model 2", "Model 3"]
    base, arms, last = "Centre (base: 1 Centre 1)", "ips × centre", "Constant and sample"
    assert [(row.group, row.head) for row in table.rows] == [
        ("", "Age, years"),
        ("", "Female"),
        ("", "Less than upper secondary education"),
        ("", "Born in the country"),
        (base, "2 Centre 2"),
        (base, "3 Centre 3"),
        (arms, "1 Centre 1"),
        (arms, "2 Centre 2"),
        (arms, "3 Centre 3"),
        (last, "Constant"),
        (last, "N, person-months"),
        (last, "N, persons"),
    ]
    notes = " ".join(table.notes)
    for said in (
        "calendar year and calendar month",
        "Base centre: 1 Centre 1",
        "clustered on person (cr1",
        "* p < 0.10",
    ):
        assert said in notes


@pytest.mark.parametrize(
    ("term", "head", "group"),
    [
        ("age", "Age, years", ""),
        ("centre[3]", "3 Centre 3", "Centre (base: 1 Centre 1)"),
        ("assigned[ips]:centre[2]", "2 Centre 2", "ips × centre"),
        ("intercept", "Constant", "Constant and sample"),
    ],
)
def test_table_5_prints_cr1_to_three_decimals(made, term, head, group):
    table = TABLES["table5_effects"](looked_up(made["plain"]))
    rows = made["plain"].tables["coefficients"].query("variance == 'cr1' and term == @term")
    for number, cell in enumerate(cells(table, head, group), start=1):
        (row,) = rows[rows["analysis"] == f"table5_model_{number}"].to_dict("records")
        assert cell.text == signed(row["estimate"], 3)
        assert cell.small == f"({row['std_error']:.3f})"


def test_table_5_counts_and_terms_of_other_models(made):
    table = TABLES["table5_effects"](looked_up(made["plain"]))
    coefficients = made["plain"].tables["coefficients"]
    sizes = [coefficients.query("analysis == @m")["n_obs"].iloc[0] for m in ("table5_model_1", "table5_model_3")]
    months = cells(table, "N, person-months", "Constant and sample")
    assert [months[0].text, months[2].text] == [f"{n:,}" for n in sizes]
    assert sizes[0] > sizes[1]  # model 3 lacks who has a missing covariate
    born = cells(table, "Born in the country")
    assert [cell.text == "" for cell in born] == [True, True, False]
    assert not any(cell.reason for cell in born)


@pytest.mark.parametrize(
    ("p_value", "mark"),
    [
        (0.1, ""), (0.0999999, "*"), (0.05, "*"), (0.0499999, "**"), (0.01, "**"), (0.0099999, "***"), (0.0, "***"),
        (1.0, ""), (float("nan"), ""),
    ],
)  # fmt: skip
def test_stars_at_their_boundaries(made, p_value, mark):
    coefficients = made["plain"].tables["coefficients"]
    changed = coefficients.assign(p_value=coefficients["p_value"].mask(coefficients["term"] == "age", p_value))
    table = TABLES["table5_effects"](looked_up(made["plain"], coefficients=changed))
    assert [cell.stars for cell in cells(table, "Age, years")] == [mark] * 3


def test_model_without_its_covariate_says_so(made):
    table = TABLES["table5_effects"](looked_up(made["several"]))
    first, second, third = cells(table, "Age, years")
    assert first.small
    assert second.text == third.text == EN_DASH
    assert second.reason == "the cohort does not have a covariate that this model needs"
    assert "Not in this cohort" in " ".join(table.notes)


def test_model_that_is_not_configured_says_so(made):
    one = made["plain"]
    left = {k: one.tables[k].query("analysis != 'table5_model_2'") for k in ("effects", "coefficients")}
    table = TABLES["table5_effects"](looked_up(one, **left))
    assert [cell.text == EN_DASH for cell in cells(table, "Age, years")] == [False, True, False]
    assert table.reasons == (words.STATUSES["not_configured"],)


def test_several_arms_have_rows_of_their_own(made):
    review = looked_up(made["several"])
    groups = TABLES["table5_effects"](review).groups
    assert [g for g in groups if "×" in g] == ["ips × centre", "ips plus × centre"]
    against = ("ips against control", "ips plus against control")
    for name in ("effects_by_centre", "effects_by_month"):
        assert TABLES[name](review).groups == against
    each = tuple(f"{review.centre(centre)}: {arms}" for centre in review.centres for arms in against)
    assert TABLES["effects_by_centre_month"](review).groups == each
    assert [c.head for c in TABLES["table4_wage_subsidy"](review).columns[-2:]] == [
        "ips − control",
        "ips plus − control",
    ]


# --- the other tables ----------------------------------------------------------------------------


def test_cells_that_are_not_estimated_carry_a_footnote(made):
    review = looked_up(made["several"])
    table = TABLES["effects_by_centre"](review)
    effects = made["several"].tables["effects"]
    skipped = effects.query("analysis == 'centre_unadjusted' and variance == 'cr2' and status != 'estimated'")
    assert set(skipped["centre"]) == {"3"}
    for _, row in skipped.iterrows():
        cell = cells(table, "Centre 3", f"{words.plain(row['arm'])} against control")[3]
        assert (cell.text, cell.small, cell.stars) == (EN_DASH, "", "")
        assert cell.reason == words.status(row["status"], 2)
        assert "fewer than 2 persons" in cell.reason
        assert (table.mark(cell.reason), f"{words.sentence(cell.reason)}.") in table.footnotes
    html = to_html("A trial", table)
    marks = re.findall(r"<td>–<sup>(\w+)</sup></td>", html)
    assert set(marks) == {mark for mark, _ in table.footnotes}
    last = [row for row in csv_rows(to_csv("A trial", table)) if row["Centre"] == "Centre 3"]
    assert all("fewer than 2 persons" in row["not estimated"] for row in last)


@pytest.mark.parametrize("code", ["too_few_assigned", "no_variation", "something_new"])
def test_status_is_printed_in_words(code):
    said = words.status(code, 5)
    assert "_" not in said and "{" not in said
    assert ("5" in said) == (code == "too_few_assigned")


@pytest.mark.parametrize("variance", ["cr1"])
def test_effects_by_month_are_the_numbers_of_effects(made, variance):
    printed = pd.DataFrame(csv_rows(made["plain"].presented["effects_by_month_csv"]))
    effects = made["plain"].tables["effects"].query("analysis == 'by_month' and variance == @variance")
    assert printed["Month"].astype(int).tolist() == list(range(-3, 21)) == effects["month_from"].tolist()
    known = (effects["status"] == "estimated").to_numpy()
    assert known.sum() > 15
    columns = {"estimate": "Effect, points", "ci_low": "Effect, points: 95% interval, low"}
    for column, head in columns.items():
        got = printed.loc[known, head].astype(float).to_numpy()
        np.testing.assert_allclose(got, 100 * effects.loc[known, column], atol=0.05000001)


def test_effects_by_centre_month_is_rectangular(made):
    table = TABLES["effects_by_centre_month"](looked_up(made["several"]))
    assert len(table.rows) == 3 * 2 * 9  # centres x arms x months -2..6
    assert len(table.columns) == 3  # the share in both arms and the effect
    assert all(cell.text for row in table.rows for cell in row.cells)


def test_wage_subsidy_that_was_not_delivered_is_not_zero(made):
    table = TABLES["table4_wage_subsidy"](looked_up(made["several"]))
    texts = [row.cells[i].text for row in table.rows for i in (1, 2, 3, -1)]
    assert set(texts) == {EN_DASH}
    assert table.reasons == ("wage subsidies were not delivered",)


def test_wage_subsidy_difference(made):
    table = TABLES["table4_wage_subsidy"](looked_up(made["plain"]))
    shares = made["plain"].tables["wage_subsidy"].query("centre == 'all'").set_index("arm")["share"]
    assert cells(table, "All centres")[-1].text == signed(100 * (shares["ips"] - shares["control"]), 1)


def test_inclusion_prints_counts_and_share(made):
    table = TABLES["table3_inclusion"](looked_up(made["plain"]))
    row = made["plain"].tables["inclusion"].query("centre == 'all'").iloc[0]
    wanted = [str(row["n_randomised"]), str(row["n_analysed"]), f"{100 * row['share']:.1f}"]
    assert [cell.text for cell in cells(table, "All centres")] == wanted


def test_balance_tells_shares_from_means(made):
    table = TABLES["balance"](looked_up(made["plain"]))
    balance = made["plain"].tables["balance"].query("centre == 'all' and arm == 'control'").set_index("variable")
    women, years = cells(table, "Female, %", "All centres"), cells(table, "Age, years", "All centres")
    assert (women[0].text, women[0].small) == (f"{100 * balance.loc['female', 'mean']:.1f}", "")
    assert (years[0].text, years[0].small) == (f"{balance.loc['age', 'mean']:.1f}", f"({balance.loc['age', 'sd']:.1f})")
    assert table.groups[0] == "All centres"


def test_flow_ends_with_the_analysed(made):
    table = TABLES["flow"](looked_up(made["plain"]))
    first = [row for row in table.rows if row.group == "All centres"]
    counts = [int(row.cells[-1].text) for row in first]
    assert [row.head for row in first] == ["Randomised", "Withdrew consent", "Employed at randomisation", "Analysed"]
    assert counts[0] - counts[1] - counts[2] == counts[3]
    assert counts[3] == made["plain"].tables["inclusion"]["n_analysed"].iloc[-1]


def test_receipt_and_its_effect_are_printed(made):
    table = TABLES["receipt"](looked_up(made["plain"]))
    rows = made["plain"].tables["receipt"].query("centre == 'all' and arm == 'control' and month_from == 13").iloc[0]
    printed = [cell.text for cell in cells(table, "control", "All centres")[-3:]]
    assert printed == [str(rows["n_started"]), str(rows["n_received"]), f"{100 * rows['share']:.1f}"]
    effects = made["plain"].tables["complier_effects"].query("month_from == 0 and month_to == 20").iloc[0]
    shown = cells(TABLES["complier_effects"](looked_up(made["plain"])), "Months 0 to 20", "ips against control")
    wanted = [100 * effects[name] for name in ("itt", "first_stage")]
    assert [cell.text for cell in shown[2:4]] == [signed(value, 1) for value in wanted]
    assert shown[-1].text == signed(100 * effects["estimate"], 1)


def test_services_that_were_not_delivered_are_said(made):
    review = looked_up(made["several"])
    assert TABLES["receipt"](review).reasons == ("the extract of services was not delivered",)
    assert "the extract of services was not delivered" in TABLES["complier_effects"](review).reasons
    assert "The extract services was not delivered." in TABLES["receipt"](review).notes


def test_a_weak_instrument_is_in_the_notes(made):
    effects = made["plain"].tables["complier_effects"]
    notes = effects["note"].mask(effects["month_from"] == 13, "weak instrument: first-stage F below 10")
    for note, is_said in (("", False), (notes, True)):
        table = TABLES["complier_effects"](looked_up(made["plain"], complier_effects=effects.assign(note=note)))
        assert any("weak instrument (F below 10) in months 13 to 20" in said for said in table.notes) == is_said


def test_event_study_prints_the_base_and_the_joint_test(made):
    table = TABLES["event_study"](looked_up(made["plain"]))
    assert cells(table, "Months −3 to −1 (base)", "ips against control")[2].text == "0"
    events = made["plain"].tables["event_study"].set_index("month_from")
    assert cells(table, "Months 6 to 11", "ips against control")[2].text == signed(100 * events.loc[6, "estimate"], 1)
    together = "ips against control: periods before the base together"
    assert cells(table, "Joint test: p", together)[2].reason == "no period before the base"
    placebo = (
        made["plain"]
        .tables["placebo"]
        .assign(
            status="estimated",
            estimate=0.012,
            ci_low=-0.02,
            ci_high=0.044,
            wald_f=1.5,
            wald_df1=2,
            wald_df2=40,
            wald_p=0.2,
        )
    )
    table = TABLES["event_study"](looked_up(made["plain"], placebo=placebo))
    shown = [row.cells[2].text for row in table.rows if row.group == together]
    assert shown == ["1.2", "1.50", "2 and 40", "0.200"]


# --- numbers and text ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [(-0.0004, 3, "0.000"), (-0.0006, 3, "−0.001"), (1234.5, 1, "1,234.5"), (-43, 0, "−43"), (0.1235, 3, "0.123")],
)
def test_number(value, decimals, text):
    assert words.number(value, decimals) == text


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("=1+1", "'=1+1"), ("+47 55", "'+47 55"), ("@SUM(A1)", "'@SUM(A1)"), ("-2+3", "'-2+3"), ("\t=1", "'\t=1"),
        ("  =1", "'  =1"), ("＝1", "'＝1"), ("−3.4", "-3.4"), ("-3.4", "-3.4"), ("14,388", "14388"), ("Oslo", "Oslo"),  # noqa: RUF001
        ("1,2,3", "1,2,3"), ("", ""),
    ],
)  # fmt: skip
def test_csv_fields_are_safe_in_a_spreadsheet(text, field):
    assert safe(text) == field


@pytest.fixture(scope="module")
def nasty(made):
    """What is presented of a cohort whose names are hostile."""
    one = made["plain"]
    return present(dataclasses.replace(one.cohort, centres=NASTY, title="=1+1 <b>$x_1^2$</b>\n"), one.tables)


@pytest.mark.parametrize("name", [f"{name}_html" for name in TABLES])
def test_names_stay_text_in_html(nasty, name):
    page = Texts(nasty[name])
    assert "script" not in {tag for tag, _ in page.tags}
    assert "=1+1 <b>$x_1^2$</b>" in page.texts
    seen = "\n".join(page.texts)
    assert name.removesuffix("_html") in NAME_NO_CENTRE or all(
        words.one_line(centre) in seen for centre in NASTY.values()
    )


@pytest.mark.parametrize("name", TABLES)
def test_names_stay_text_in_csv(nasty, name):
    rows = list(csv.reader(io.StringIO(nasty[f"{name}_csv"])))
    assert len({len(row) for row in rows}) == 1
    fields = [field for row in rows for field in row]
    assert all(re.fullmatch(r"-?[\d.]+", field) or not field.startswith(("=", "+", "-", "@")) for field in fields)
    assert name in NAME_NO_CENTRE or any("=1+1" in field for field in fields)
    assert not any("\n" in field for field in fields)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", TABLES)
def test_every_format_says_what_the_table_says(made, recipe, name):
    if name in NAMED and recipe == "several":
        pytest.skip("the workbook has no sheet of a file that the cohort does not name")
    table, files = TABLES[name](looked_up(made[recipe])), made[recipe].presented
    wanted = expected(table, " " if table.is_long else "\n")
    assert read_docx(files[f"{name}_docx"]).rows == wanted
    assert read_tex(files[f"{name}_tex"]).rows == wanted
    fields = grid(table)
    for cells in (read_xlsx(files[f"{name}_xlsx"]), read_xlsx(files["all_tables"], name)):
        assert cells[0][0].value == table.title
        assert [cell.value for cell in cells[2]] == list(fields.heads)
        for found, row in zip(cells[3:], fields.rows, strict=False):
            assert [_printed(cell) for cell in found] == [text.replace(MINUS, "-").replace(",", "") for text in row]


def _printed(cell) -> str:
    """A cell of a sheet as it is printed, without marks at thousands."""
    if cell.data_type == "n" and cell.value is not None:
        return f"{cell.value:.{len(cell.number_format.partition('.')[2])}f}"
    return (cell.value or "").replace(MINUS, "-").replace(",", "")


@pytest.mark.parametrize("name", RECIPES)
def test_pages_load_nothing_and_are_accessible(made, name):
    contents = made[name].presented
    for key, page in contents.items():
        if not key.endswith("_html"):
            continue
        tags = Texts(page).tags
        names = [tag for tag, _ in tags]
        links = [a[k] for _, a in tags for k in ("src", "href") if k in a]
        assert all(not re.match(r"(?i)https?:|//|file:", link) for link in links)
        assert "url(" not in page and "@import" not in page
        assert not {"script", "link", "iframe"} & set(names)
        assert names.count("caption") == names.count("table") >= 1
        assert all(a.get("scope") in ("col", "row", "colgroup", "rowgroup") for tag, a in tags if tag == "th")
        ids = [a["id"] for _, a in tags if "id" in a]
        assert len(ids) == len(set(ids))
        named = [i for _, a in tags for k in ("aria-labelledby", "aria-describedby") if k in a for i in a[k].split()]
        assert set(named) <= set(ids)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_contrast_of_text_is_enough_in_light_and_dark():
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    modes = [dict(re.findall(r"--(\w+): (#\w{6});", block)) for block in re.findall(r":root \{([^}]*)\}", style)[:2]]
    assert luminance(modes[0]["paper"]) > luminance(modes[1]["paper"])
    for mode in modes:
        for ink in ("ink", "quiet", "link"):
            low, high = sorted(luminance(mode[name]) for name in ("paper", ink))
            assert (high + 0.05) / (low + 0.05) >= 4.5


# --- figures -------------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_drawn_whole(made, recipe, name):
    picture = matplotlib.image.imread(io.BytesIO(made[recipe].presented[f"{name}_png"]))[..., :3]
    assert picture.shape[1] > 1200
    assert 0.01 < (picture < 0.9).any(axis=2).mean() < 0.6
    edges = [picture[:4], picture[-4:], picture[:, :4], picture[:, -4:]]
    assert all((edge == 1).all() for edge in edges)  # nothing is cut off


@pytest.mark.parametrize("name", FIGURES)
def test_files_of_figures_hold_no_date_and_no_version(made, name):
    svg, png = (made["plain"].presented[f"{name}_{kind}"] for kind in ("svg", "png"))
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert b"dc:date" not in svg and b"atplotlib v" not in svg and b"Software" not in png
    assert not re.search(rb'href="(?!#)', svg)


def test_figures_show_hostile_names_and_do_not_read_them_as_mathematics(made):
    one = made["plain"]
    cohort = dataclasses.replace(one.cohort, centres={"1": "$\\frac{$", "2": "a " * 60, "3": "Æ & <b>"})
    assert present(cohort, one.tables)["effects_by_centre_png"] != one.presented["effects_by_centre_png"]


def test_figure_shows_what_the_table_says(made):
    one = made["plain"]
    frame = one.tables["employment_by_month"]
    other = frame.assign(share=frame["share"].mask((frame["centre"] == "all") & (frame["month"] == 5), 0.9))
    changed = present(one.cohort, one.tables | {"employment_by_month": other})
    differ = {name for name in changed if changed[name] != one.presented[name]}
    assert differ == {"employment_by_arm_png", "employment_by_arm_svg", "report"}


def test_labels_are_moved_apart_and_keep_their_order():
    placed = spread([50.0, 49.0, 1.0, 100.0], gap=6, low=0, high=100)
    assert min(np.diff(sorted(placed))) >= 6
    assert np.argsort(placed).tolist() == [2, 1, 0, 3]
    assert max(placed) <= 100


# --- captions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", sorted((ROOT / "workflow" / "report").rglob("*.rst")), ids=lambda file: file.stem)
def test_captions_name_only_what_exists(file):
    snakemake = SimpleNamespace(wildcards=SimpleNamespace(cohort="north"))
    text = file.read_text(encoding="utf-8")
    caption = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(text).render(snakemake=snakemake)
    assert len(caption) > 40
    assert ("snakemake.wildcards.cohort" in text) == ("north" in caption)


def test_every_kind_of_table_is_rendered():
    assert set(RENDERERS) == {"csv", "html", "tex", "docx", "xlsx"}


@pytest.mark.parametrize("name", RECIPES)
def test_missing_data_prints_every_row_once(made, name):
    one = made[name]
    table, review = TABLES["missing_data"](looked_up(one)), one.tables["missing_data"]
    rows = review[review["variance"].isin(["cr2", "bootstrap"])]
    assert len(table.rows) == len(rows) == len(one.cohort.arms.treatments) * (5 + 2 * len(one.cohort.bound.months))
    assert len({(row.group, row.head) for row in table.rows}) == len(rows)
    for arm in one.cohort.arms.treatments:
        theirs = rows[rows["arm"] == arm].to_dict("records")
        printed = (
            [row for row in table.rows if row.group.endswith(f": {words.plain(arm)} against control")]
            if name == "several"
            else list(table.rows)
        )
        for row, wanted in zip(printed, theirs, strict=True):
            unit = "n_missing" if wanted["about"] == "covariates" else "n_months_missing"
            counts = [wanted[f"{n}_{side}"] for n in ("n", unit) for side in ("assigned", "control")]
            assert [cell.text for cell in row.cells[:4]] == [str(n) for n in counts]
            assert row.cells[4].text == signed(100 * wanted["estimate"], 1).replace(f"{MINUS}0.0", "0.0")
    assert (rows["n_missing_assigned"].max() > 0) == (name == "plain")  # the other has what it needs


def test_missing_data_says_what_was_done(made):
    one = made["plain"]
    notes = " ".join(TABLES["missing_data"](looked_up(one)).notes)
    assert "Nothing was trimmed." in notes
    assert "stay missing (none here)" in notes
    cohort = dataclasses.replace(one.cohort, bound=dataclasses.replace(one.cohort.bound, impute="all"))
    share = one.tables["missing_data"]["share_trimmed"] + 0.0521
    changed = one.tables["missing_data"].assign(share_trimmed=share, n_months_outside_assigned=1200, note="")
    review = Review(cohort, {**looked_up(one).tables, "missing_data": store.as_read(changed)})
    notes = " ".join(TABLES["missing_data"](review).notes)
    assert "5.2% in month 12" in notes and "does not cover are set likewise" in notes
    notes = " ".join(TABLES["missing_data"](looked_up(one, missing_data=changed)).notes)
    assert "stay missing (1,200 person-months)" in notes


# --- the tables that a trial paper opens with ----------------------------------------------------


def test_the_first_table_is_what_persons_make(made):
    """Counts, shares, means and deviations of both arms and of all, from the persons themselves."""
    one = made["plain"]
    people = one.people[one.people["is_analysed"].astype(bool)]
    table = TABLES["baseline"](looked_up(one))
    assert [column.head for column in table.columns] == ["control", "ips", "All", "Standardised difference"]
    groups = [people[people["arm"] == "control"], people[people["arm"] == "ips"], people]
    assert [cell.text for cell in cells(table, "Persons, n")[:3]] == [str(len(group)) for group in groups]
    ages = [(f"{group['age'].mean():.1f}", (f"{group['age'].std():.1f}",)) for group in groups]
    assert [(cell.text, cell.beside) for cell in cells(table, "Age, years, mean (SD)")[:3]] == ages
    known = [group["native_born"].dropna().astype(float) for group in groups]
    counts = [(f"{values.sum():.0f}", (f"{100 * values.mean():.1f}",)) for values in known]
    assert [(cell.text, cell.beside) for cell in cells(table, "Born in the country, n (%)")[:3]] == counts
    missing = [str(len(group) - len(values)) for group, values in zip(groups, known, strict=True)]
    assert [cell.text for cell in cells(table, "Born in the country: not known, n")[:3]] == missing


def test_all_arms_together_are_hidden_where_an_arm_is(made):
    one = made["plain"]
    frame = one.tables["balance"]
    for arm in ("control", "ips"):
        mask = pd.DataFrame(False, frame.index, frame.columns)
        mask.loc[(frame["variable"] == "female") & (frame["arm"] == arm), "mean"] = True
        review = dataclasses.replace(looked_up(one), hidden={"balance": mask})
        female = cells(TABLES["baseline"](review), "Female, n (%)")
        assert [cell.text == ":" for cell in female[:3]] == [arm == "control", arm == "ips", True]


def test_a_count_is_not_made_of_a_share_that_is_rounded_too_much(made):
    one = made["plain"]
    frame = one.tables["balance"]
    many = frame.assign(n=frame["n"] * 1000)
    none = pd.DataFrame(False, frame.index, frame.columns)
    tables = looked_up(one).tables | {"balance": many}
    review = Review(one.cohort, tables, {"balance": none})
    female = cells(TABLES["baseline"](review), "Female, n (%)")
    assert all(cell.beside == () and "." in cell.text for cell in female[:2])  # shares alone
    assert female[2].reason == "does not follow from the rounded numbers of the arms"


def test_the_main_effects_are_those_of_the_analyses(made):
    one = made["plain"]
    table = TABLES["main_effects"](looked_up(one))
    effect = one.tables["effects"].query("analysis == 'pooled' and variance == @one.cohort.estimation.primary").iloc[0]
    drawn = one.tables["randomisation"].query("analysis == 'pooled'").iloc[0]
    first = table.rows[0].cells
    assert [cell.text for cell in first[:3]] == [
        signed(100 * effect[name], 1) for name in ("mean_assigned", "mean_control", "estimate")
    ]
    assert first[2].beside == tuple(signed(100 * effect[name], 1) for name in ("ci_low", "ci_high"))
    assert [cell.text for cell in first[3:5]] == [words.p_value(effect["p_value"]), words.p_value(drawn["p_value"])]
    assert [cell.text for cell in first[5:]] == [str(effect["n_assigned"]), str(effect["n_control"])]


def test_missing_data_are_told_in_short_where_nothing_is_missing(made):
    one = made["plain"]
    assert not one.tables["missing_data"].filter(like="n_months_missing").to_numpy().any()
    table = TABLES["missing_data"](looked_up(one))
    assert [row.head for row in table.short.rows] == [row.head for row in table.rows[:3]]
    counts = one.tables["missing_data"].filter(like="n_missing").columns
    nothing = one.tables["missing_data"].assign(**dict.fromkeys(counts, 0))
    assert "No person of the analysed lacks" in TABLES["missing_data"](looked_up(one, missing_data=nothing)).instead
    gap = one.tables["missing_data"].assign(n_months_missing_control=1)
    assert TABLES["missing_data"](looked_up(one, missing_data=gap)).short is None
