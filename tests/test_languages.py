"""Print in Norwegian and Danish: every text is in the catalogues, no English leaks, the numbers are the same."""

import ast
import dataclasses
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml

from cohorts import Recipe, random_cohort, write_cohort
from ipseval import store, words
from ipseval.bound import UNORDERED
from ipseval.bundle import consort
from ipseval.disclosure import profiles
from ipseval.figures.registry import FIGURES
from ipseval.language import FOLDER, TAGS, say, speaking
from ipseval.pipeline import analyse
from ipseval.present import present
from ipseval.products import REVIEWED
from ipseval.settings import ROOT, read_cohort, read_yaml
from ipseval.tables.registry import INSIDE, TABLES
from ipseval.tables.render import RENDERERS
from ipseval.tables.review import Review
from ipseval.tables.table import Table
from readers import read_csv

OTHERS = sorted(set(TAGS) - {"en"})
ENGLISH = re.compile(r"\b(the|and|of|with|months?|from|who|was|is|or|centres|effects?|arms?)\b", re.I)
RECIPES = {
    "plain": Recipe(n_persons=150, n_centres=3, before=3, after=20, has_services=True, has_places=True),
    "several": Recipe(
        n_persons=120, n_centres=3, treatments=("ips", "ips_plus"), has_tiny_centre=True, exclude_wage_subsidy=False,
        has_places=True, without=("education", "persons", "wage_subsidy"),
    ),
}  # fmt: skip
# Rows whose words are not ours to translate: what the check says is English on the screen and in docs/data.md, too,
# and published numbers are named as in the file that transcribes them.
AS_WRITTEN = {"quality", "published_comparison"}
# The same in all three: names, signs, codes of arms and of services, and words that the languages share.
SAME = {
    "p", "Data", "N", "I², %", "placebo", "ips", "ips plus", "control", "Model 1", "Model 2", "Model 3", "Population",
    "ips − control", "ips plus − control", "p, Holm", "Status", "Balance",
    "Owner", "Urban", "NAV", "Sykehuset", "three left",  # of the file of organisation, as the user wrote it
}  # fmt: skip


OWN_NAMES = re.compile(r"(\d |Ips( plus)?: )?Centre \d")  # of the cohort's centres


def english_in(text: str) -> str:
    """An English word in a text, without names of files and of the cohort."""
    found = ENGLISH.search(re.sub(r"\w+\.csv|\{\w+\}", "", text))
    return found[0] if found and text not in SAME else ""


def literals(tree: ast.AST) -> Iterator[str]:
    """Texts given to ``say``, ``phrase`` and ``phrases`` in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            first = node.args[0]
            if node.func.id in ("say", "phrase") and isinstance(first, ast.Constant):
                yield first.value
            if node.func.id == "phrases" and isinstance(first, ast.Dict):
                yield from (value.value for value in first.values)


def of_configuration() -> Iterator[str]:
    """Texts of config/ that go with a release: items of the checklists, and what each profile is."""
    for entries in read_yaml(consort.FILE).values():
        yield from (entry[name] for entry in entries for name in consort.SAID if name in entry)
    for profile in read_yaml(profiles.FILE)["profiles"].values():
        yield from (profile["title"], profile["source"])


def texts() -> set[str]:
    """Every text that is said anywhere, in modules, templates and configuration."""
    found = set(of_configuration())
    for path in sorted((ROOT / "ipseval").rglob("*.py")):
        found |= set(literals(ast.parse(path.read_text(encoding="utf-8"))))
    for path in sorted((ROOT / "ipseval" / "templates").iterdir()):
        found |= set(re.findall(r'\bsay\("([^"]*)"', path.read_text(encoding="utf-8")))
    return found


def catalogue(code: str) -> dict[str, str]:
    content = yaml.safe_load((FOLDER / f"{code}.yaml").read_text(encoding="utf-8"))
    assert set(content) == {"texts"}
    return content["texts"]


def places(text: str) -> list[str]:
    return sorted(re.findall(r"\{(\w+)\}", text))


# --- the catalogues ------------------------------------------------------------------------------


def test_there_is_a_catalogue_for_every_language():
    assert {path.stem for path in FOLDER.iterdir()} == set(OTHERS)


@pytest.mark.parametrize("code", OTHERS)
def test_a_catalogue_holds_every_text_and_no_other(code):
    assert sorted(texts() - set(catalogue(code))) == []
    assert sorted(set(catalogue(code)) - texts()) == []


@pytest.mark.parametrize("code", OTHERS)
def test_translations_have_the_places_of_the_text(code):
    assert [text for text, said in catalogue(code).items() if places(text) != places(said)] == []


@pytest.mark.parametrize("code", OTHERS)
def test_translations_are_not_english(code):
    assert {said: found for said in catalogue(code).values() if (found := english_in(said))} == {}


def test_each_text_is_said_as_a_literal_or_marked_by_phrases():
    """Else the catalogues could not be held complete: what ``say`` is given otherwise comes from ``phrases``."""
    for path in sorted((ROOT / "ipseval").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                assert not isinstance(node.args[0], (ast.JoinedStr, ast.BinOp)), f"{path.name}:{node.lineno}"


# --- numbers and sentences -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "number", "count", "p", "interval", "star"),
    [
        ("en", "−1,234.5", "14,388", "< 0.001", "−3.4 to 24.9", "* p < 0.10, ** p < 0.05, *** p < 0.01."),
        ("nb", "−1\u202f234,5", "14\u202f388", "< 0,001", "−3,4 til 24,9", "* p < 0,10, ** p < 0,05, *** p < 0,01."),
        ("da", "−1.234,5", "14.388", "< 0,001", "−3,4 til 24,9", "* p < 0,10, ** p < 0,05, *** p < 0,01."),
    ],
)
def test_numbers_have_the_signs_of_the_language(code, number, count, p, interval, star):
    with speaking(code):
        assert words.number(-1234.5, 1) == number
        assert words.count(14388) == count
        assert words.p_value(0.0001) == p
        assert words.to(words.points(-0.034), words.points(0.249)) == interval
        assert words.star_note() == star
        assert words.number(-0.0001, 2) == words.number(0, 2)
        for value in (0, 7, -0.5, 123456.789):
            assert float(words.in_ascii(words.number(value, 3))) == value
    assert words.number(0.5, 1) == "0.5"  # English again


def test_names_are_no_numbers_of_another_language():
    for code in TAGS:
        with speaking(code):
            assert [words.in_ascii(text) for text in ("Oslo", "1 2", "1-2", "", "1.2.3", "12,34.5,6")] == [""] * 6


@pytest.mark.parametrize("code", OTHERS)
def test_sentences_of_earlier_stages_are_said_in_the_language(code):
    written = {
        "not in this cohort: education, native_born": "education, native_born",
        "left out for unknown hours: 3 of 120 persons; nobody is observed before month 4": "120",
        f"{UNORDERED}": "0",
        "The trial list's arm is among exclusions.": "arm",
        "Employed, with or without wage subsidy, in the month before randomisation: employment was delivered by month."
        "; 12 persons whose employment then is not known are kept: ips 5, kontrol 7": "12",
        "left out: 15 persons whose centre or stratum has too few persons in an arm": "15",
        "no row of services has the code B1, B2": "B1, B2",
        "the extract services was not delivered": "",
        "no joint test: too few persons": "",
    }
    for sentence, value in written.items():
        assert words.note(sentence) == sentence
        with speaking(code):
            said = words.note(sentence)
        assert said != sentence and value in said
        assert not english_in(said.replace("arm", ""))
    with speaking(code):
        assert words.note("something new") == "something new"


def test_values_are_not_read_as_texts():
    with speaking("nb"):
        assert say("{arm} against {reference}", arm="{reference}", reference="yes") == "{reference} mot yes"


# --- what is printed -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Cohort and review tables by recipe."""
    found = {}
    for name, recipe in RECIPES.items():
        cohort = read_cohort(write_cohort(random_cohort(recipe, seed=3), tmp_path_factory.mktemp(name)))
        stages = analyse(cohort)
        tables = {k: v for contents in stages.values() for k, v in contents.items()}
        frames = {k: tables[k] for names in REVIEWED.values() for k in names}
        found[name] = SimpleNamespace(
            cohort=cohort, frames=frames, review=Review(cohort, {k: store.as_read(v) for k, v in frames.items()})
        )
    return found


def said_in(table: Table, rows: bool = True) -> Iterator[str]:
    """Every text of a table in a fixed order."""
    yield from (table.title, table.stub, *table.notes)
    yield from (text for pair in table.record for text in pair)
    yield from (text for column in table.columns for text in (column.head, column.span, *column.beside))
    for row in table.rows if rows else ():
        yield from (row.head, row.group)
        yield from (text for cell in row.cells for text in (cell.text, cell.reason))


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("code", OTHERS)
def test_tables_are_in_the_language(made, recipe, name, code):
    review, rows = made[recipe].review, name not in AS_WRITTEN
    english = list(said_in(TABLES[name](review), rows))
    with speaking(code):
        other = list(said_in(TABLES[name](review), rows))
    assert len(english) == len(other)
    words_alone = re.compile(r"[A-Za-z]{2}")
    same = {a for a, b in zip(english, other, strict=True) if a == b and words_alone.search(a)}
    assert {text for text in same - SAME if not OWN_NAMES.fullmatch(text)} == set()
    assert {text: found for text in other if (found := english_in(text))} == {}


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("code", OTHERS)
def test_numbers_are_those_of_english(made, recipe, name, code):
    def numbers() -> list[list[str]]:
        rows = read_csv(RENDERERS["csv"]("T", TABLES[name](made[recipe].review)))
        return [[field if re.fullmatch(r"-?[\d.]+", field) else "" for field in row] for row in rows[1:]]

    english = numbers()
    with speaking(code):
        assert numbers() == english
    assert name in AS_WRITTEN or any(field for row in english for field in row)


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_in_the_language(made, name):
    english = FIGURES[name](made["plain"].review)
    with speaking("nb"):
        other = FIGURES[name](made["plain"].review)
    for a, b in ((english.title, other.title), (english.description, other.description), (english.note, other.note)):
        assert a != b
        assert not english_in(b)
    assert english.png != other.png


class Headings(HTMLParser):
    """Texts of headings, captions, labels and paragraphs."""

    def __init__(self, page: str):
        super().__init__()
        self.language = ""
        self.texts: list[str] = []
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.language = self.language or dict(attrs).get("lang", "")
        self._open = tag if tag in ("h2", "h3", "h4", "caption", "label", "legend", "summary", "p", "button") else ""

    def handle_data(self, data):
        if self._open and data.strip():
            self.texts.append(data)


@pytest.mark.parametrize("code", OTHERS)
def test_the_cohort_file_chooses_the_language_of_every_page(made, code):
    one = made["plain"]
    labels = {**one.cohort.labels, "arms": {"ips": "IPS (=1+1)", "control": "Alm. <tilbud>"}}
    cohort = dataclasses.replace(one.cohort, language=code, labels=labels)
    contents = present(cohort, one.frames)
    pages = {name: Headings(page) for name, page in contents.items() if isinstance(page, str) and "<html" in page}
    assert len(pages) == len(TABLES) + 1
    assert {page.language for page in pages.values()} == {TAGS[code]}
    assert "IPS (=1+1)" in contents["table5_effects_html"] and "Alm. &lt;tilbud&gt;" in contents["report"]
    sources = re.compile(r"\d{4}")  # of the literature's references
    assert [text for text in pages["report"].texts if english_in(text) and not sources.search(text)] == []


def test_names_of_the_cohort_file_are_printed(made):
    one = made["plain"]
    labels = {
        "arms": {"ips": "IPS"}, "covariates": {"age": "Alder ved inklusjon"}, "services": {"ips": "jobbstøtte"},
        "outcomes": {"ordinary_employment": "vanlig jobb"}, "levels": {"higher": "Bachelor +"},
    }  # fmt: skip
    review = dataclasses.replace(one.review, cohort=dataclasses.replace(one.cohort, labels=labels))
    assert review.arm("ips") == "IPS" and review.arm("control") == "control"
    assert TABLES["table5_effects"](review).rows[0].head == "Alder ved inklusjon"
    assert "Education: Bachelor +, %" in {row.head for row in TABLES["balance"](review).rows}
    assert "jobbstøtte" in TABLES["receipt"](review).title
    assert "vanlig jobb" in TABLES["table5_effects"](review).title
    assert "IPS against control" in TABLES["effects_by_centre"](review).groups


@pytest.mark.parametrize("name", [name for name in TABLES if name not in INSIDE])
def test_no_table_prints_a_hidden_number_as_none(made, name):
    """Whatever is hidden, and even where its row does not say so: the sign or a dash, never ``nan``."""
    review, rng = made["plain"].review, np.random.default_rng(1)
    keys = {
        "month",
        "by_month",
        "month_from",
        "month_to",
        "order",
        "is_main",
        "min_weekly_hours",
        "exclude_wage_subsidy",
    }
    for share in (0.3, 1.0):
        hidden = {
            table: pd.DataFrame(
                {c: (rng.random(len(f)) < share) & (f[c].dtype.kind in "if") & (c not in keys) for c in f},
                index=f.index,
            )
            for table, f in review.tables.items()
        }
        with speaking("nb"):
            text = RENDERERS["csv"]("T", TABLES[name](dataclasses.replace(review, hidden=hidden)))
        assert not re.search(r"\bnan\b", text)
