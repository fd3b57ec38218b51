"""The report: complete, safe, and every number traceable to its row."""

import dataclasses
import hashlib
import html
import itertools
import json
import re
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cohorts import Recipe, random_cohort, write_cohort
from ipseval import store, words
from ipseval.figures import flow_diagram
from ipseval.figures.registry import FIGURES
from ipseval.pipeline import analyse
from ipseval.present import present, products
from ipseval.products import PRESENTED
from ipseval.report import methods as report_methods
from ipseval.report import provenance as report_provenance
from ipseval.report.data import embedded
from ipseval.report.report import report
from ipseval.settings import ROOT, STAGE_KEYS, WHOLE_KEYS, read_cohort, read_yaml
from ipseval.tables.registry import NAMED, TABLES
from ipseval.tables.review import Review
from readers import Texts

NASTY = {"1": "</script><script>alert(1)</script>", "2": "=1+1", "3": "\"Quoted\" & 'single'\nsecond $\\frac{$ line"}
KEYS = {"month", "by_month", "month_from", "month_to", "order", "draws", "seed"}  # that say which row it is
# Zero, and one, by construction: their rows say why and hold no such number.
BY_CONSTRUCTION = {("event_study", "0"), ("specifications", "1")}
# Numbers of the persons that name no row, and why.
UNNAMED = {
    r"left out for unknown hours: \d+ of \d+ persons": "a note, which repeats the column note of accumulated.csv",
    r"Months that the register does not cover": "a note: person-months in all and persons trimmed, of missing_data.csv",
}
RECIPES = {
    "plain": Recipe(n_persons=150, n_centres=3, before=3, after=20, has_services=True, has_places=True),
    "several": Recipe(n_persons=90, n_centres=2, treatments=("ips", "ips_plus"), without=("wage_subsidy",),
                      exclude_wage_subsidy=False),
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Cohort, review tables and what was presented, by recipe."""
    found = {}
    for name, recipe in RECIPES.items():
        cohort = read_cohort(write_cohort(random_cohort(recipe, seed=3), tmp_path_factory.mktemp(name)))
        stages = analyse(cohort)
        tables = {k: store.as_read(stages[stage][k]) for stage, names in PRESENTED.items() for k in names}
        found[name] = SimpleNamespace(cohort=cohort, tables=tables, presented=present(cohort, tables))
    return found


def data_of(page: str) -> dict:
    """What the script of a page reads."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])


def hiding(tables, share: float, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Truth values that hide a share of the numbers of every table."""
    rng, masks = np.random.default_rng(seed), {}
    for name, frame in tables.items():
        may = [
            pd.api.types.is_numeric_dtype(t) and not pd.api.types.is_bool_dtype(t) and c not in KEYS
            for c, t in frame.dtypes.items()
        ]
        mask = pd.DataFrame(rng.random(frame.shape) < share, frame.index, frame.columns)
        masks[name] = mask & np.array(may)
    return masks


# --- what it holds -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECIPES)
def test_report_shows_everything_and_its_links_lead_somewhere(made, name):
    page = Texts(made[name].presented["report"])
    without = set() if name == "plain" else set(NAMED)  # of files that the cohort does not name
    every = [Path(file).relative_to("review") for file in products().values()]
    files = {file.as_posix() for file in every if file.stem not in without}
    links = [a["href"] for tag, a in page.tags if tag == "a"]
    assert {k for k in links if not k.startswith("#")} == files - {"report.html"}
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {k[1:] for k in links if k.startswith("#")} <= set(ids)
    assert {f"table-{k}" for k in TABLES if k not in without} <= set(ids)
    assert {f"figure-{k}" for k in FIGURES if k not in without} <= set(ids)
    named = [a[k] for _, a in page.tags for k in ("aria-labelledby", "aria-describedby", "for") if k in a]
    assert set(named) <= set(ids)
    pictures = [a for tag, a in page.tags if tag == "img"]
    assert len(pictures) == len(set(FIGURES) - without)
    assert all(a["src"].startswith("data:image/svg+xml;base64,") and len(a["alt"]) > 40 for a in pictures)


@pytest.mark.parametrize("name", RECIPES)
def test_report_loads_nothing_and_allows_its_own_script_alone(made, name):
    page = made[name].presented["report"]
    tags = Texts(page).tags
    assert [a.get("type") for tag, a in tags if tag == "script"] == ["application/json", None]
    assert not {"link", "iframe", "object", "base"} & {tag for tag, _ in tags}
    assert "url(" not in page and "@import" not in page and "fetch(" not in page
    assert not [a for _, a in tags for k in a if k.startswith("on") or k == "style"]
    script = page.rpartition("<script>")[2].partition("</script>")[0]
    policy = next(a["content"] for tag, a in tags if a.get("http-equiv") == "Content-Security-Policy")
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'; connect-src 'none'" in policy
    assert policy.startswith("default-src 'none'")


@pytest.mark.parametrize("name", RECIPES)
def test_headings_are_in_order_and_tables_have_captions_and_scopes(made, name):
    tags = Texts(made[name].presented["report"]).tags
    names = [tag for tag, _ in tags]
    levels = [int(tag[1]) for tag in names if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))
    without = set() if name == "plain" else set(NAMED)
    assert names.count("caption") == names.count("table") > len(set(TABLES) - without)
    assert all(a.get("scope") in ("col", "row", "colgroup", "rowgroup") for tag, a in tags if tag == "th")


@pytest.mark.parametrize("name", RECIPES)
def test_embedded_data_are_the_tables_and_nothing_more(made, name):
    one, data = made[name], data_of(made[name].presented["report"])
    assert set(data["tables"]) == set(one.tables)
    for table, frame in one.tables.items():
        found = data["tables"][table]
        assert found["columns"] == list(frame.columns) and found["hidden"] == []
        wanted = [[None if pd.isna(v) or v in (np.inf, -np.inf) else v for v in row] for row in frame.values.tolist()]
        assert found["rows"] == wanted
    assert set(data) == {
        "tables", "folder", "names", "columns", "texts", "reference", "arms", "centres", "window", "primary",
    }  # fmt: skip


WAYS = (words.points, words.count, words.price, words.p_value, *(lambda v, d=d: words.number(v, d) for d in range(5)))


def rows_of(source: str, tables) -> list[pd.Series]:
    """The rows that a source names: ``wage_subsidy:2,7 flow:3``."""
    lines = [(part.split(":")[0], line) for part in source.split(" ") for line in part.split(":")[1].split(",")]
    return [tables[table].iloc[int(line) - 2] for table, line in lines]


def values(row: pd.Series) -> list[float]:
    return [float(v) for v in row if pd.api.types.is_number(v) and v == v]


def in_all_arms(rows: list[pd.Series]) -> set[str]:
    """What the table of the whole trial may print of all arms together: persons, who is missing, the mean."""
    frame = pd.DataFrame(rows)
    n, mean = frame["n"], (frame["n"] * frame["mean"]).sum() / frame["n"].sum()
    counts = {words.count((n * frame["mean"]).round().sum()), words.count(frame["n_missing"].sum())}
    return counts | {words.number(mean, decimals) for decimals in (0, 1, 2)}


def made_again(name: str, place: int, rows: list[pd.Series]) -> str:
    """What a table prints of a number that several rows make, by the definition in its head."""
    if name == "table4_wage_subsidy":
        return words.points(rows[0]["share"] - rows[1]["share"])
    effects = pd.Series([row["estimate"] for row in rows])
    clear = pd.Series([row["ci_low"] > 0 or row["ci_high"] < 0 for row in rows])
    ways = (
        words.count(len(rows)),
        words.points(effects.median()),
        f"{words.points(effects.min())} to {words.points(effects.max())}",
        words.number(100 * clear.mean(), 0),
    )
    return ways[place]


@pytest.mark.parametrize("name", RECIPES)
def test_the_source_of_a_number_is_the_rows_that_hold_it_or_make_it(made, name):
    """Each number of a table is one of those of the row that it names, in print, or is made again of its rows."""
    review = Review(made[name].cohort, made[name].tables)
    n_printed, made_of_several = 0, set()
    for table, build in TABLES.items():
        for row in build(review).rows:
            for place, cell in enumerate(row.cells):
                if not re.match(r"[−<]?\s?\d", cell.text):  # a code may hold a digit: "ips in 1" of the quality table
                    continue
                n_printed += 1
                rows = rows_of(cell.source, review.tables)
                if table == "baseline" and "mean" in rows[0]:
                    one_arm = {words.number(rows[0][c], d) for c in ("mean", "smd") for d in (0, 1, 2)}
                    assert cell.text in in_all_arms(rows) | (one_arm if len(rows) == 1 else set()), (cell, rows)
                elif len(rows) > 1:
                    made_of_several.add(table)
                    assert cell.text == made_again(table, place, rows), (cell, rows)
                elif (table, cell.text) not in BY_CONSTRUCTION:
                    for text in cell.text.split(" and " if table == "heterogeneity" else " to "):
                        assert any(text == way(v) for v in values(rows[0]) for way in WAYS), (cell, rows)
    assert n_printed > 300
    assert made_of_several == {"specifications"} | ({"table4_wage_subsidy"} if name == "plain" else set())


def test_the_files_of_the_extracts_are_named_inside_with_their_checksums(made):
    one = made["plain"]
    delivered = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in one.cohort.extracts.iterdir()}
    texts = Texts(one.presented["report"]).texts
    for file, checksum in delivered.items():
        assert file in texts and checksum in texts
    assert len(delivered) > 3
    without = {name: frame for name, frame in one.tables.items() if name != "fingerprint"}  # as a release has them
    page = report(Review(one.cohort, without), {}, {}, "release")
    assert not [checksum for checksum in delivered.values() if checksum in page]


class Sentences(HTMLParser):
    """Texts of a page that hold a digit and do not name the row that they come from."""

    def __init__(self, page: str):
        super().__init__()
        self.found: list[str] = []
        self._inside: list[bool] = []  # of each open element: whether it names a row, or is not read
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag not in ("br", "meta", "img", "input", "link"):
            named = {"data-source", "data-line"} & set(dict(attrs))
            self._inside.append(bool(named) or tag in ("script", "style"))

    def handle_endtag(self, tag):
        self._inside.pop()

    def handle_data(self, data):
        if re.search(r"\d", data) and not any(self._inside):
            self.found.append(" ".join(data.split()))


def moved(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with every number that is about persons changed, in its sentences too."""
    chosen = KEYS | {"month_from", "month_to", "min_weekly_hours"}
    numbers = [c for c in frame.select_dtypes("number") if c not in chosen]
    texts = [c for c in ("note", "detail") if c in frame]
    changed = {c: frame[c] + (7 if frame[c].dtype.kind == "i" else 0.0131) for c in numbers}
    # Whether somebody is missing decides which rows there are.
    changed |= {c: changed[c].where(frame[c] != 0, 0) for c in numbers if "missing" in c}
    said = {c: frame[c].str.replace(r"\d+ of \d+", "78 of 97", regex=True) for c in texts if frame[c].dtype.kind == "O"}
    return frame.assign(**changed, **said)


@pytest.mark.parametrize("name", RECIPES)
def test_what_names_no_row_does_not_hang_on_the_persons(made, name):
    """Changes every number of every table: what is left as it was are names, choices, months and the literature."""
    one = made[name]
    pages = [
        report(review, {k: build(review) for k, build in TABLES.items()}, {}, "review")
        for review in (Review(one.cohort, one.tables), Review(one.cohort, {k: moved(f) for k, f in one.tables.items()}))
    ]
    before, after = (Sentences(page).found for page in pages)
    assert len(before) == len(after) > 100
    differ = [a for a, b in zip(before, after, strict=True) if a != b]
    assert [text for text in differ if not any(re.search(form, text) for form in UNNAMED)] == []
    assert len(differ) < 5


def test_every_effect_is_a_row_with_its_line(made):
    one = made["plain"]
    rows = re.findall(r'<tr data-line="(\d+)">(.*?)</tr>', one.presented["report"])
    effects = one.tables["effects"]
    lines = [int(line) for line, _ in rows]
    assert sorted(lines) == list(range(2, len(effects) + 2))
    n_first = int((effects["variance"] == one.cohort.estimation.primary).sum())
    which = ["analysis", "subgroup", "centre", "month_from", "month_to", "arm"]
    first = effects.loc[[line - 2 for line in lines]].reset_index(drop=True)
    n_effects = len(effects.drop_duplicates(which))
    assert not first[:n_effects].duplicated(which).any() and n_effects >= n_first  # one row an effect, then the rest
    effects = effects.loc[[line - 2 for line in lines]]
    for (_, text), (_, row) in zip(rows, effects.iterrows(), strict=True):
        cells = [html.unescape(re.sub("<[^>]+>", "", cell)).strip() for cell in re.findall(r"<td.*?</td>", text)]
        assert cells[-4:-1] == [row["variance"], f"{row['n_assigned']:,}", f"{row['n_control']:,}"]
        assert cells[2:4] == [
            f"{100 * row[name]:.1f}" if row[name] == row[name] else "–" for name in ("mean_assigned", "mean_control")
        ]
        if row["status"] == "estimated":
            assert cells[4].startswith(f"{100 * row['estimate']:.1f}".replace("-", "−").replace("−0.0", "0.0"))
        else:
            assert cells[4].startswith("–")


# --- hidden numbers and names --------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.3, 1.0])
@pytest.mark.parametrize("name", RECIPES)
def test_hidden_numbers_leave_no_trace(made, name, share):
    """The page is the same whatever a hidden number is; a number that is not hidden moves it."""
    one, masks = made[name], hiding(made[name].tables, share)
    pages = []
    for tables in (one.tables, {k: f.where(~masks[k], 0) for k, f in one.tables.items()}):
        review = Review(one.cohort, tables, masks)
        printed = {k: build(review) for k, build in TABLES.items()}
        drawn = {k: FIGURES[k](review) for k in ("flow_diagram", "balance", "employment_by_arm")}
        pages.append(report(review, printed, drawn, "release"))
    assert pages[0] == pages[1]
    data = data_of(pages[0])
    n_hidden = {k: len(found["hidden"]) for k, found in data["tables"].items()}
    assert n_hidden == {k: int(mask.to_numpy().sum()) for k, mask in masks.items()}
    assert all(found["rows"][y][x] is None for found in data["tables"].values() for y, x in found["hidden"])
    assert pages[0] != report(Review(one.cohort, one.tables), printed, drawn, "release")


def test_names_stay_text_in_the_page_and_in_its_data(made):
    one = made["plain"]
    page = present(dataclasses.replace(one.cohort, centres=NASTY, title="</title><b>x</b>"), one.tables)["report"]
    found = Texts(page)
    assert [tag for tag, _ in found.tags].count("script") == 2 and "b" not in {tag for tag, _ in found.tags[:20]}
    assert "alert(1)" not in "".join(re.findall(r"<script>(.*?)</script>", page, re.S))
    assert data_of(page)["names"]["centre"]["1"] == NASTY["1"]
    seen = "\n".join(found.texts)
    assert all(words.one_line(centre) in seen for centre in NASTY.values())


@pytest.mark.parametrize(
    ("tier", "profile", "mark"),
    [
        ("review", "ssb", "Restricted: for the secure environment"),
        ("review", "none", "Restricted: for the secure environment"),
        ("release", "none", "Synthetic data, not protected"),
        ("release", "ssb", None),
    ],
)
def test_a_tier_is_marked_on_screen_and_on_every_printed_page(made, tier, profile, mark):
    one = made["plain"]
    cohort = dataclasses.replace(one.cohort, disclosure={"profile": profile})
    page = report(Review(cohort, one.tables), {}, {}, tier)
    assert re.findall(r'<aside class="restriction"[^>]*>(.*?)</aside>', page) == ([mark] if mark else [])
    assert (f'@top-center {{ content: "{mark}"' in page) == bool(mark)
    assert bool(mark) == ("@top-center" in page)


def test_every_printed_table_is_marked(made):
    for name in TABLES:
        assert "Restricted: for the secure environment" in made["plain"].presented[f"{name}_html"]


# --- methods and figures -------------------------------------------------------------------------


def test_methods_are_those_that_the_cohort_uses(made):
    one = made["plain"]
    titles = [method.title for method in report_methods.methods(Review(one.cohort, one.tables))]
    assert {"Variance cr1", "Variance cr2", "Logit with g-computation", "Complier effect"} <= set(titles)
    assert "Variance cr3" not in titles
    fewer = dataclasses.replace(
        one.cohort,
        analyses=tuple(a for a in one.cohort.analyses if a.estimator == "ols"),
        estimation=dataclasses.replace(one.cohort.estimation, variances=("cr3",)),
    )
    without = one.tables | {"complier_effects": one.tables["complier_effects"].assign(estimate=np.nan)}
    titles = [method.title for method in report_methods.methods(Review(fewer, without))]
    assert "Variance cr3" in titles
    assert not {"Variance cr1", "Logit with g-computation", "Complier effect"} & set(titles)
    assert report_methods.regression(next(a for a in fewer.analyses if a.name == "table5_model_1")) == (
        "y ~ assigned × centre + age + female + calendar year + calendar month"
    )


@pytest.mark.parametrize("name", RECIPES)
def test_the_flow_diagram_holds_the_counts_of_each_arm(made, name):
    one = made[name]
    review, flow = Review(one.cohort, one.tables), one.tables["flow"].query("centre == 'all'")
    n = {(step, arm): (k, out) for step, arm, k, out in flow[["step", "arm", "n_persons", "n_excluded"]].to_numpy()}
    assessed, excluded, randomised = flow_diagram.enrolment(review)
    assert "not in the extracts" in assessed[0] and "not in the extracts" in excluded[0] and len(excluded) == 4
    assert randomised == (f"Randomised (n\u00a0=\u00a0{n['randomised', 'all'][0]})",)
    phases = dict(flow_diagram.by_arm(review))
    months = one.tables["employment_by_month"].query("centre == 'all'")
    for place, arm in enumerate(one.cohort.arms.all):
        assert f"(n\u00a0=\u00a0{n['randomised', arm][0]})" in phases["Allocation"][place][0]
        assert phases["Analysis"][place][0] == f"Analysed (n\u00a0=\u00a0{n['analysed', arm][0]})"
        steps = [key for key in n if key[1] == arm and key[0] not in ("randomised", "analysed")]
        assert len(phases["Analysis"][place]) == 2 + len(steps)
        for line, key in zip(phases["Analysis"][place][2:], steps, strict=True):
            assert line.endswith(f"(n\u00a0=\u00a0{n[key][1]})")
        last = months.query("arm == @arm and month == @one.cohort.window.after").iloc[0]
        assert phases["Follow-up"][place][2].endswith(f": {last['n_observed']} of {last['n_persons']}")
    received = one.tables["receipt"].query("centre == 'all' and arm == 'control' and month_from == 0")
    row = received.loc[received["month_to"].idxmax()]
    if name == "plain":
        wanted = f"• Received ips: {int(row['n_received'])} of {row['n_persons']} analysed"
        assert phases["Allocation"][0][1:] == (wanted,)
    else:
        assert phases["Allocation"][0][1:] == tuple(
            f"• Received {arm}: not in the extracts" for arm in ("ips", "ips plus")
        )


@pytest.mark.parametrize("n_arms", [1, 5])
def test_the_flow_diagram_has_room_for_any_number_of_arms(made, n_arms):
    one = made["plain"]
    arms = dataclasses.replace(one.cohort.arms, treatments=tuple(f"treatment_{i}" for i in range(n_arms)))
    review = Review(dataclasses.replace(one.cohort, arms=arms), one.tables)
    assert flow_diagram.flow_diagram(review).png
    assert all(len(boxes) == n_arms + 1 for _, boxes in flow_diagram.by_arm(review))


def test_the_balance_plot_follows_the_standardised_differences(made):
    one = made["plain"]
    frame = one.tables["balance"]
    before = FIGURES["balance"](Review(one.cohort, one.tables)).svg
    for centre in ("all", "2"):
        chosen = (frame["variable"] == "age") & (frame["centre"] == centre) & (frame["arm"] == "ips")
        assert chosen.sum() == 1
        moved = one.tables | {"balance": frame.assign(smd=frame["smd"].mask(chosen, frame["smd"] + 0.05))}
        assert FIGURES["balance"](Review(one.cohort, moved)).svg != before


def test_the_data_of_a_page_end_no_script():
    frame = pd.DataFrame({"centre": ["</script>\u2028&<!--"], "n": [1]})
    cohort = SimpleNamespace(
        labels={"arms": {}, "outcomes": {}}, centres={"1": "</script>"},
        arms=SimpleNamespace(reference="a", all=("a",), treatments=()),
        outcome=SimpleNamespace(primary="ordinary_employment"), window=SimpleNamespace(before=1, after=2),
        estimation=SimpleNamespace(variances=("cr1",), primary="cr1", confidence_level=0.95, min_persons_per_arm=2),
    )  # fmt: skip
    text = str(embedded(Review(cohort, {"flow": frame}), "review"))
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text)["tables"]["flow"]["rows"] == [["</script>\u2028&<!--", 1]]


def test_the_choices_are_those_of_the_cohort_file_and_none_that_present_does_not_read(made):
    one = made["plain"]
    found = dict(report_provenance.choices(one.cohort))
    assert {found["window.before"], found["window.after"]} == {"3", "20"}
    assert found["outcome.exclude_wage_subsidy"] == "true" and found["estimation.variances"] == "cr1, cr2"
    read = {*STAGE_KEYS["present"], *WHOLE_KEYS}
    others = {"not_employed_at_randomisation"}  # of the key eligibility
    assert set(report_provenance.CHOICES) - others <= read and "eligibility" in read


def test_tables_are_numbered_in_order_and_a_sentence_has_no_number(made):
    """The recipe has no services: who received is a sentence, which is not counted among the tables."""
    page = made["several"].presented["report"]
    articles = dict(re.findall(r'<article id="table-(\w+)">(.*?)</article>', page, re.S))
    captions = [re.search(r"<caption><span[^>]*>(.*?)</span>", text, re.S) for text in articles.values()]
    numbers = [found[1].partition(".")[0] for found in captions if found]
    n_open = sum(not number.startswith("Table A") for number in numbers)
    wanted = [f"Table {n + 1}" for n in range(n_open)] + [f"Table A{n + 1}" for n in range(len(numbers) - n_open)]
    assert numbers == wanted and n_open == 5
    for name, reason in (("receipt", "was not delivered."), ("table4_wage_subsidy", "were not delivered.")):
        assert "<table" not in articles[name] and reason in articles[name]
    figures = re.findall(r"<figcaption><p><strong>(Figure A?\d+)", page)
    assert figures[:4] == [f"Figure {n}" for n in range(1, 5)] and figures[4] == "Figure A1"
    assert "NORCE" not in page and "Table 5." in page


def test_a_number_in_a_publication_stands_behind_the_title(made):
    one = made["plain"]
    labels = one.cohort.labels | {"numbers": {"balance": "table 1 of <it>", "employment_by_arm": "figure 5 of it"}}
    contents = present(dataclasses.replace(one.cohort, labels=labels), one.tables)
    assert ", by centre and arm (table 1 of &lt;it&gt;)" in contents["report"]
    assert re.search(r"<strong>Figure 3 \(figure 5 of it\)\.", contents["report"])
    assert "(table 1 of &lt;it&gt;)" in contents["balance_html"]


def test_what_can_be_numbered_is_printed():
    names = read_yaml(ROOT / "workflow" / "schemas" / "cohort.schema.yaml")["properties"]["labels"]["properties"]
    assert set(names["numbers"]["propertyNames"]["enum"]) <= {*TABLES, *FIGURES}
