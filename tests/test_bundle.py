"""What goes with a release: the README and the checklist from facts, CONSORT, a crate that its validator accepts."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from cohorts import Recipe, random_cohort, write_cohort
from ipseval import store
from ipseval.bundle import behind, bundle, consort
from ipseval.bundle.crate import KINDS
from ipseval.config import Cohort
from ipseval.disclosure import profiles
from ipseval.figures.registry import FIGURES
from ipseval.finished.rules import Rules, breaches
from ipseval.language import speaking
from ipseval.pipeline import analyse
from ipseval.products import PRODUCTS, REVIEWED
from ipseval.scan import READERS, scan, settings
from ipseval.settings import ROOT, read_cohort, read_yaml
from ipseval.tables.registry import TABLES
from ipseval.tables.render import RENDERERS
from ipseval.tables.review import Review
from test_languages import english_in

FROZEN = Path(__file__).resolve().parent / "reference" / "ro_crate" / "context.json"
RULES = {
    "title": "Statistics Norway",
    "source": "cells of 1 or 2 persons hidden",
    "min_cell_count": 3,
    "small_whole_trial": "round",
    "rounding_base": 0,
    "min_residual_df": 10,
    "dominance": {"persons": 2, "share": 0.85},
    "p_ratio": None,
    "decimals": 4,
}
INCLUSION = pd.DataFrame({"centre": ["1", "all"], "n_randomised": [60, 408], "n_analysed": [48, 327]})
COUNTS = pd.DataFrame({"table": ["flow", "effects", "inclusion"], "n_numbers": [90, 1200, 6], "n_hidden": [7, 310, 0]})
CONTENTS: dict[str, str | bytes] = {
    "data/flow.csv": "a\n",
    "data/effects.csv": "abc",
    "figures/effects_by_centre.png": b"\x89PNG",
    "figures/effects_by_centre.svg": b"<svg/>",
    "tables/table3_inclusion.csv": "group,Centre,Randomised,Share,not estimated\n,Oslo,60,:,Share: hidden\n",
    "tables/table3_inclusion.html": "<p>",
    "hidden_cells.csv": "",
    "ard.csv": "context,row,stat_name,stat\n",
}


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    recipe = random_cohort(Recipe(), 1)
    recipe.config["title"] = "A *trial* | of <b>work</b>"
    return read_cohort(write_cohort(recipe, tmp_path / "cohort"))


def made(cohort: Cohort, rules: Mapping[str, Any] = RULES, inclusion: pd.DataFrame = INCLUSION) -> dict[str, str]:
    cost = pd.DataFrame({"cost": [18_223], "bound": [18_214], "gap": [0.0005]})
    released = {"inclusion": inclusion, "hidden_by_table": COUNTS, "hidden_cost": cost}
    return bundle.bundle(bundle.facts(cohort, rules, released, CONTENTS), CONTENTS)


def rows_of(markdown: str) -> dict[str, list[str]]:
    """Rows of the pipe tables by their first cell."""
    lines = [
        line.removeprefix("| ").removesuffix(" |").split(" | ")
        for line in markdown.splitlines()
        if line.startswith("| ")
    ]
    return {cells[0]: [cell.strip() for cell in cells[1:]] for cells in lines}


def test_the_readme_says_of_each_file_what_it_is_who_is_behind_it_and_how_much_is_hidden(cohort) -> None:
    rows = rows_of(made(cohort)["readme"])
    assert [rows["data/flow"][i] for i in (0, 2, 3, 4)] == ["csv", "408", "hidden, rates rounded", "7 of 90 cells"]
    assert rows["data/effects"][2:] == ["327", "hidden, rates rounded", "310 of 1,200 cells"]
    assert rows["tables/table3_inclusion"][2:] == ["408", "rates rounded", "1 of 2 cells"]
    assert rows["figures/effects_by_centre"][0] == "png, svg"
    assert rows["figures/effects_by_centre"][4] == "`data/effects.csv`"
    assert rows["hidden_cells"][2:] == ["", "no numbers of persons", ""]
    assert set(rows) == {"File", ":--"} | {f.rpartition(".")[0] for f in (*CONTENTS, *bundle.FILES.values())}
    assert all(cells[1] and cells[1] != "not described" for cells in rows.values())


def test_the_readme_begins_with_what_a_stranger_needs_and_groups_the_files(cohort) -> None:
    text = made(cohort)["readme"]
    assert "were assigned at random to control or ips. Registers say of each calendar month" in text.split("\n\n")[1]
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Everything together",
        "## Who was in the trial, and what was received",
        "## Effects",
        "## About the release",
    ]
    assert "In `data/` 317 of 1,290 cells are hidden" in text


def test_a_hidden_number_of_persons_is_said_to_be_hidden(cohort) -> None:
    inclusion = INCLUSION.astype(object).replace(327, ":")
    assert rows_of(made(cohort, inclusion=inclusion)["readme"])["data/effects"][2] == "hidden"


def test_the_readme_says_whether_less_hidden_would_have_done(cohort) -> None:
    assert "of other numbers 99.9 % is proved to be unavoidable" in made(cohort)["readme"]


def test_the_checklist_says_whether_an_earlier_release_was_looked_at(cohort) -> None:
    named = replace(cohort, earlier=(Path("release/data/flow.csv"),))
    assert "earlier release are not part of these facts" in made(cohort)["checklist"]
    assert "counts that fewer than 3 persons have moved since are hidden" in made(named)["checklist"]
    assert "earlier release are not part of these facts" in made(named, {**RULES, "min_cell_count": 0})["checklist"]
    assert "flow.csv" not in made(named)["checklist"].split("Earlier releases")[1]


def test_a_title_stays_text(cohort) -> None:
    assert made(cohort)["readme"].startswith("# A \\*trial\\* \\| of \\<b\\>work\\</b\\>: results that may leave\n")


def test_the_checklist_answers_from_the_facts(cohort) -> None:
    text = made(cohort)["checklist"]
    assert "None from 1 to 2: 317 of 1,290 cells are hidden." in text
    assert "**Figures without data.** figures/effects_by_centre.png: data/effects.csv.\n" in text
    assert "The profile does not round counts that may be shown; rates have 4 decimals." in text
    assert "6 csv, 1 html, 5 json, 3 md, 1 png, 1 smk, 1 svg" in text


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"rounding_base": 5}, "Counts are multiples of 5"),
        ({"decimals": None}, "rates are in full precision"),
        ({"min_cell_count": 0}, "Nothing is protected"),
        ({"min_cell_count": 8}, "None from 1 to 7"),
    ],
)
def test_the_checklist_follows_the_profile(cohort, changed, says) -> None:
    assert says in made(cohort, RULES | changed)["checklist"]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, "Dominance (2, 85 %)"),
        ({"p_ratio": 0.1}, "below 10 % of the largest"),
        ({"rounding_base": 5}, "multiples of 5"),
        ({"rounding_base": 5}, "Estimates of regressions with covariates are not rounded to a base"),
        ({"min_cell_count": 0}, "**Nothing is protected"),
    ],
)
def test_the_readme_follows_the_profile(cohort, changed, says) -> None:
    assert says in made(cohort, RULES | changed)["readme"]


def test_the_bundle_is_the_same_each_time_and_holds_nothing_that_must_not_leave(cohort, tmp_path) -> None:
    texts = made(cohort)
    assert texts == made(cohort)
    assert set(texts) == set(bundle.products(CONTENTS))
    release = tmp_path / "release"
    release.mkdir()
    for name, file in bundle.FILES.items():
        (release / file).write_text(texts[name], encoding="utf-8")
    assert [str(f) for f in scan(release, threshold=10, keys=frozenset({"P1000"}))] == []


OURS = re.compile(  # names that are the same in every language
    r"^\| [\w/-]+ \||`[^`]*`|[\w/]+\.(?:csv|md|json|html|png|svg|smk)|"
    r"CONSORT(?: 2025|-ROUTINE)?|RO-Crate|ACRO \(Bristol, UWE\)"
)


@pytest.mark.parametrize("rules", ["ssb", "acro", "none"])
@pytest.mark.parametrize("language", ["nb", "da"])
def test_the_texts_are_in_the_language_of_the_cohort_with_the_same_numbers(cohort, tmp_path, language, rules) -> None:
    profile = asdict(profiles.profile(rules))
    spoken = replace(cohort, language=language, title="Et forsøk", disclosure={"profile": rules})
    english = made(replace(cohort, title="Et forsøk", disclosure={"profile": rules}), profile)
    texts = made(spoken, profile)
    for name in ("readme", "checklist", "consort_md"):
        for line, other in zip(english[name].splitlines(), texts[name].splitlines(), strict=True):
            cells = zip(line.split(" | "), other.split(" | "), strict=True)
            assert not [text for text in OURS.split(other) if english_in(text)], other
            assert [c for c, o in cells if c == o and len(c.split()) > 2 and not OURS.search(c)] == []
            numbers = [re.findall(r"\d+", re.sub(r"(?<=\d)[.,\u202f](?=\d)", "", text)) for text in (line, other)]
            assert numbers[0] == numbers[1], other
    assert texts["crate"] == english["crate"] and texts["workflow"] == english["workflow"]
    release = tmp_path / "release"
    release.mkdir()
    for name, file in bundle.FILES.items():
        (release / file).write_text(texts[name], encoding="utf-8")
    assert [str(f) for f in scan(release, threshold=10, keys=frozenset({"P1000"}))] == []


# --- what stands behind a file -----------------------------------------------------------------


class Noted(Mapping[str, pd.DataFrame]):
    """Tables that note which of them are looked at."""

    def __init__(self, tables: Mapping[str, pd.DataFrame]) -> None:
        self.tables, self.seen = tables, set[str]()

    def __getitem__(self, name: str) -> pd.DataFrame:
        self.seen.add(name)
        return self.tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)


@pytest.fixture(scope="module")
def review(tmp_path_factory) -> tuple[Cohort, dict[str, pd.DataFrame]]:
    """A cohort in which every table and figure has something to show, and its tables."""
    recipe = random_cohort(Recipe(n_persons=60, before=14, after=14, has_services=True, has_places=True), 1)
    cohort = read_cohort(write_cohort(recipe, tmp_path_factory.mktemp("behind")))
    stages = analyse(replace(cohort, randomisation=replace(cohort.randomisation, draws=49)))
    return cohort, {n: store.as_read(stages[stage][n]) for stage, names in REVIEWED.items() for n in names}


@pytest.fixture(scope="module")
def looked_at(review) -> dict[str, set[str]]:
    """Tables that each printed table and figure looks at."""
    cohort, tables = review
    seen = {}
    for folder, registry in (("tables", TABLES), ("figures", FIGURES)):
        for name, make in registry.items():
            noted = Noted(tables)
            make(Review(cohort, noted))
            seen[f"{folder}/{name}"] = noted.seen
    return seen


def test_the_tables_behind_each_file_are_those_that_it_looks_at(looked_at) -> None:
    inside = {"tables/published_comparison", "tables/quality"}
    assert set(looked_at) - inside == {file for file in behind.PRINTED if "/" in file} - {"tables/all_tables"}
    for file, seen in looked_at.items():
        if file not in inside:
            assert set(behind.PRINTED[file].tables) - {"flow"} == seen - {"flow"}, file  # the notes name its steps


@pytest.mark.parametrize("language", ["nb", "da"])
def test_the_scan_finds_the_same_in_every_language(review, language) -> None:
    def findings(name: str, kind: str) -> set[tuple[str, str]]:
        content = RENDERERS[kind]("A trial", TABLES[name](Review(*review)))
        read = READERS[f".{kind}"](content.encode() if isinstance(content, str) else content)
        return set(breaches(read, Rules(settings(), threshold=10)))

    places = [(name, kind) for name in TABLES if f"tables/{name}" in behind.PRINTED for kind in RENDERERS]
    english = {place: findings(*place) for place in places}
    with speaking(language):
        assert {place: findings(*place) for place in places} == english
    assert sum(map(len, english.values())) > 100


def test_a_file_that_is_not_known_is_not_described() -> None:
    assert behind.behind("data/persons.csv") == behind.Behind("not described")


# --- CONSORT -----------------------------------------------------------------------------------

ITEMS_2025 = [  # table 1 of the statement
    *(
        "1a",
        "1b",
        "2",
        "3",
        "4",
        "5a",
        "5b",
        "6",
        "7",
        "8",
        "9",
        "10",
        "11",
        "12a",
        "12b",
        "13",
        "14",
        "15",
        "16a",
        "16b",
    ),
    *("17a", "17b", "18", "19", "20a", "20b", "21a", "21b", "21c", "21d", "22a", "22b", "23a", "23b", "24a", "24b"),
    *("25", "26", "27", "28", "29", "30"),
]
ROUTINE = [  # five new items, eight that add to items of CONSORT 2010
    *("1b", "3a", "ROUTINE-1", "ROUTINE-2", "ROUTINE-3", "4a", "ROUTINE-4", "6a", "ROUTINE-5", "9", "13a", "22", "25"),
]


def released_names() -> set[str]:
    """Files of a release, as those of the review tier are named."""
    shown = {file.removeprefix("review/") for file in PRODUCTS["present"].values()}
    return shown | {f"data/{name}.csv" for name in behind.TABLES} | set(bundle.FILES.values())


def test_every_item_of_the_two_checklists_is_there_once() -> None:
    checklist = consort.items(released_names())
    assert [i.item for i in checklist if i.standard == "CONSORT 2025"] == ITEMS_2025
    assert [i.item.removesuffix(" (adds)") for i in checklist if i.standard == "CONSORT-ROUTINE"] == ROUTINE


def test_every_file_that_an_item_names_is_made() -> None:
    named = {
        file for entries in read_yaml(consort.FILE).values() for entry in entries for file in entry.get("found", ())
    }
    assert named - released_names() == set()


def test_what_is_not_released_is_not_named_and_what_cannot_be_known_says_so() -> None:
    everywhere, nowhere = consort.items(released_names()), consort.items(set())
    assert {i.answered for i in everywhere} == set(consort.ANSWERED.values())
    assert {i.answered for i in nowhere} == {"not known here"}
    assert all(i.left for i in everywhere if i.answered != "yes")


def test_the_csv_and_the_markdown_say_the_same(cohort) -> None:
    texts = made(cohort)
    rows = list(csv.DictReader(io.StringIO(texts["consort_csv"])))
    assert list(rows[0]) == list(consort.HEADS)
    assert len(rows) == len(ITEMS_2025) + len(ROUTINE)
    for row in rows:
        where = row["where"].replace("; ", ", ")
        line = f"| {row['item']} | {row['topic']} | {row['asks']} | {row['answered']} | {where} | {row['left']} |"
        assert line in texts["consort_md"]


# --- RO-Crate ----------------------------------------------------------------------------------


def test_the_crate_names_every_file_and_what_made_it(cohort) -> None:
    graph = {entity["@id"]: entity for entity in json.loads(made(cohort)["crate"])["@graph"]}
    files = {*CONTENTS, *bundle.FILES.values()} - {"ro-crate-metadata.json"}
    assert {part["@id"] for part in graph["./"]["hasPart"]} == files
    assert {part["@id"] for part in graph["#run"]["result"]} == files - {"workflow.smk"}
    assert graph["data/effects.csv"]["contentSize"] == "3"
    # echo -n abc | sha256sum
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert graph["data/effects.csv"]["sha256"] == known
    assert set(KINDS) == {file.rpartition(".")[2] for file in released_names()}
    assert all(graph[file]["encodingFormat"] for file in files)
    assert not {"Person", "Organization"} & {str(entity["@type"]) for entity in graph.values()}


def test_the_workflow_is_in_the_crate_with_its_tables_as_outputs(cohort) -> None:
    texts = made(cohort)
    graph = {entity["@id"]: entity for entity in json.loads(texts["crate"])["@graph"]}
    snakefile = (ROOT / "Snakefile").read_bytes()
    assert texts["workflow"].encode() == snakefile
    workflow = graph[graph["./"]["mainEntity"]["@id"]]
    assert workflow["sha256"] == hashlib.sha256(snakefile).hexdigest()
    assert graph["#run"]["instrument"] == {"@id": "workflow.smk"}
    examples = {graph[out["@id"]]["workExample"]["@id"] for out in workflow["output"]}
    assert examples == {"data/flow.csv", "data/effects.csv"}
    assert all(graph[graph[file]["exampleOfWork"]["@id"]]["workExample"] == {"@id": file} for file in examples)
    assert [profile["@id"] for profile in graph["./"]["conformsTo"]] == [
        "https://w3id.org/ro/wfrun/process/0.5",
        "https://w3id.org/ro/wfrun/workflow/0.5",
        "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
    ]


Change = Callable[[dict[str, Any]], Any]
BREACHES: dict[str, Change] = {
    "no instrument": lambda graph: graph["#run"].pop("instrument"),
    "no profile": lambda graph: graph["./"].pop("conformsTo"),
    "no date": lambda graph: graph["./"].pop("datePublished"),
    "no workflow": lambda graph: graph["./"].pop("mainEntity"),
    "a workflow without a language": lambda graph: graph["workflow.smk"].pop("programmingLanguage"),
    "another instrument": lambda graph: graph["#run"].update(instrument={"@id": "#ipseval"}),
    "a process only": lambda graph: graph["./"]["conformsTo"].pop(1),
    "a parameter without a type": lambda graph: graph["#output-flow"].pop("additionalType"),
    "an unknown term": lambda graph: graph["#run"].update(ranOn="a machine"),
}


@pytest.fixture
def issues(monkeypatch, tmp_path) -> Callable[[], list[str]]:
    """What roc-validator says of the crate in a folder. Contexts are the frozen ones: no network."""
    from rocrate_validator import services
    from rocrate_validator.models import ValidationSettings
    from rocrate_validator.utils.http import HttpRequester

    context = json.loads(FROZEN.read_text())["@context"]
    sha256 = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
    known = {
        "https://w3id.org/ro/crate/1.1/context": context,
        "https://w3id.org/ro/terms/workflow-run/context": context | sha256,
    }

    def get(self: HttpRequester, url: str, **options: Any) -> SimpleNamespace:
        content = {"@context": known[url]}
        return SimpleNamespace(status_code=200, headers={"Content-Type": "application/ld+json"}, json=lambda: content)

    monkeypatch.setattr(HttpRequester, "get", get, raising=False)

    def found() -> list[str]:
        settings = ValidationSettings(
            rocrate_uri=tmp_path,
            profile_identifier="workflow-run-crate",
            cache_path=tmp_path.parent / "cache",
            offline=True,
        )
        return [str(issue.message) for issue in services.validate(settings).get_issues()]

    return found


def write_crate(folder: Path, texts: Mapping[str, str]) -> None:
    for file, content in {**CONTENTS, **{file: texts[name] for name, file in bundle.FILES.items()}}.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)


def test_the_validator_accepts_the_crate(cohort, issues, tmp_path) -> None:
    write_crate(tmp_path, made(cohort))
    assert issues() == []


@pytest.mark.parametrize("breach", BREACHES)
def test_the_validator_finds_a_breach(cohort, issues, tmp_path, breach) -> None:
    texts = made(cohort)
    content = json.loads(texts["crate"])
    BREACHES[breach]({entity["@id"]: entity for entity in content["@graph"]})
    write_crate(tmp_path, texts | {"crate": json.dumps(content)})
    assert issues() != []
