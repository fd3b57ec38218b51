"""A release prints what the report inside prints, or says that it is hidden, and describes its files to programs."""

import hashlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import frictionless
import jsonschema
import numpy as np
import pandas as pd
import pytest

from cohorts import Recipe, random_cohort, write_cohort
from ipseval import store, versions, words
from ipseval.bundle import bundle
from ipseval.config import Cohort
from ipseval.disclosure import derived, profiles, released
from ipseval.disclosure.cells import shortened
from ipseval.disclosure.ledger import Shown
from ipseval.disclosure.study import Study
from ipseval.figures.registry import FIGURES
from ipseval.pipeline import analyse
from ipseval.present import tables_of
from ipseval.products import PRESENTED
from ipseval.protect import RELEASED, protect
from ipseval.release import FOLDER
from ipseval.release import protected as places
from ipseval.report.first import first_page, hidden
from ipseval.report.report import effects
from ipseval.scan import limits_of, scan
from ipseval.settings import ROOT, read_cohort, read_yaml
from ipseval.tables.registry import TABLES
from ipseval.tables.render_csv import to_csv
from ipseval.tables.review import Review
from ipseval.tables.table import Cell

PROFILES = ("ssb", "acro")
BASE = 5  # to which acro rounds
FEWER = {
    "robustness": {
        "month_rule": ["any_day", {"min_days": 5}], "min_weekly_hours": [0], "exclude_wage_subsidy": [True],
        "time": [["calendar_year"]], "adjustment": {"none": {"adjust": []}, "additive": {"adjust": ["age", "female"]}},
        "variances": ["cr2"],
    },
    "randomisation": {"draws": 99},
    "bound": {"draws": 99},
}  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A cohort, its tables inside, and what each profile makes of them: files of the release and what they print."""

    cohort: Cohort
    inside: Review
    protected: dict[str, dict[str, pd.DataFrame]]
    reviews: dict[str, Review]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Made:
    recipe = Recipe(
        n_persons=70, n_centres=2, before=1, after=4, has_services=True, share_missing=0.04, has_places=True
    )
    drawn = random_cohort(recipe, seed=5)
    drawn.config.update(FEWER | {"estimation": {"primary": "cr2"}})
    cohort = read_cohort(write_cohort(drawn, tmp_path_factory.mktemp("truth")))
    stages = analyse(cohort)
    tables = {n: store.as_read(stages[stage][n]) for stage, names in PRESENTED.items() for n in names}
    protected, reviews = {}, {}
    for profile in PROFILES:
        own = replace(cohort, disclosure={"profile": profile})
        protected[profile] = protect(own, {name: tables[name] for name in RELEASED})
        texts = {name: released.read(store.as_csv(protected[profile][f"released_{name}"])) for name in RELEASED}
        parts = {name: released.parted(text) for name, text in texts.items()}
        reviews[profile] = Review(own, *({name: both[i] for name, both in parts.items()} for i in (0, 1)))
    return Made(cohort, Review(cohort, tables), protected, reviews)


# --- every printed number ------------------------------------------------------------------------


def pairs(made: Made, profile: str) -> Iterator[tuple[tuple[str, ...], Cell, Cell, tuple[Cell, ...]]]:
    """Place, cell inside, cell of the release, and the row inside, of every printed table."""
    for name in tables_of("release"):
        one, other = (TABLES[name](review) for review in (made.inside, made.reviews[profile]))
        assert [(r.group, r.head) for r in one.rows] == [(r.group, r.head) for r in other.rows], name
        assert one.columns == other.columns, name
        for row, same in zip(one.rows, other.rows, strict=True):
            for column, a, b in zip(one.columns, row.cells, same.cells, strict=True):
                yield (name, row.group, row.head, column.label), a, b, row.cells


def number(text: str) -> float:
    """A printed number; not a number where there is none."""
    plain = re.sub(r"[,< ]", "", text.replace(words.MINUS, "-"))
    return float(plain) if re.fullmatch(r"-?\d+(\.\d+)?", plain) else math.nan


def is_small(place: tuple[str, ...], cell: Cell, row: tuple[Cell, ...]) -> bool:
    """Whether a share of an arm in a month is of one or two persons."""
    is_monthly = place[0] == "effects_by_month" and "%" in place[3]
    return is_monthly and 0 < number(cell.text) / 100 * persons(cell, row) < 2.5


def persons(cell: Cell, row: tuple[Cell, ...]) -> float:
    """Persons of the arm whose share in a month a cell is: shares are first in a row, and persons last."""
    return number(row[3 if cell is row[0] else 4].text)


def test_under_a_profile_that_does_not_round_every_printed_number_is_that_of_the_report_inside(made):
    shown = 0
    shares = made.reviews["ssb"].tables["time_to_job"]["share_with_job"].dropna()
    unit = 100 * 0.1 ** max(len(f"{share:.6f}".rstrip("0").partition(".")[2]) for share in shares)
    for place, a, b, row in pairs(made, "ssb"):
        if is_small(place, a, row):  # of the whole trial's curve: rounded to 0 or 3 persons, at random
            n = persons(a, row)
            assert b.text in (words.HIDDEN_SIGN, words.points(0), words.points(3 / n)), place
            continue
        if b.reason == words.STATUSES[words.PUT_OFF]:  # the share at an earlier month, which is no larger
            assert number(b.text) <= number(a.text) + unit / 2 + 0.05, place
            continue
        if place[0] == "time_to_job" and "%" in place[1]:  # the curve of a small trial has few decimals
            assert b.text == words.HIDDEN_SIGN or abs(number(a.text) - number(b.text)) <= unit / 2 + 0.05, place
            continue
        for text, own in zip((a.text, *a.beside), (b.text, *b.beside), strict=False):
            shown += own not in (words.HIDDEN_SIGN, "")
            assert own in (text, words.HIDDEN_SIGN), place
        assert b.stars in ("", a.stars) and (b.text == words.HIDDEN_SIGN or b.stars == a.stars), place
    assert shown > 300


def test_steps_of_a_curve_are_put_off_to_a_month_that_may_be_shown(made):
    """At months that are shown as many have moved as inside; between them nobody has, and nobody is lost on the way."""
    inside, shown = made.inside.tables["time_to_job"], made.protected["ssb"]["released_time_to_job"]
    put_off = 0
    for _, rows in shown.groupby("arm", sort=False):
        own = inside.loc[rows.index]
        moved = own[["n_events", "n_censored"]].cumsum()
        known = rows[rows["share_with_job"].map(lambda cell: cell != ":")]
        assert known.index.tolist() == rows.index[: len(known)].tolist()  # every month until the last one shown
        waiting, so_far, last = own["n_at_risk"].iloc[0], [0, 0], None
        for i, row in known.iterrows():
            assert row["n_at_risk"] in (waiting, ":")
            if row["status"] == "put_off":
                put_off += 1
                assert [row["n_events"], row["n_censored"]] == [0, 0]
                assert row["share_with_job"] == (0.0 if last is None else last["share_with_job"])
                assert row["status"] != own["status"][i]
                continue
            since = moved.loc[i].to_numpy() - so_far
            cells = row[["n_events", "n_censored"]]
            assert all(cell in (n, ":") for cell, n in zip(cells, since, strict=True)), i
            assert all(n == 0 or n >= 3 for n in since)
            so_far, waiting, last = moved.loc[i].to_numpy(), waiting - since.sum(), row
    assert put_off > 0


def test_under_one_that_rounds_counts_are_the_nearest_multiple_and_rates_follow(made):
    """What differs is a count, or comes from one: a share, or an interval or a p of rounded degrees of freedom."""
    differing = {}
    for place, a, b, _ in pairs(made, "acro"):
        if b.text in (a.text, words.HIDDEN_SIGN):
            continue
        n, rounded = number(a.text), number(b.text)
        is_count = not re.search(r"%|mean|points|\bp\b|degrees", " ".join(place[2:]).lower())
        if is_count:
            assert rounded == BASE * math.floor(n / BASE + 0.5), place
        differing[place] = (a.text, b.text)
    assert differing and all(abs(number(a) - number(b)) < 20 for a, b in differing.values())


@pytest.mark.parametrize("profile", PROFILES)
def test_a_reason_is_that_of_the_report_inside_or_says_hidden(made, profile):
    """No hidden number is said not to be there, and what never was there keeps its reason or is silent."""
    says = words.HIDDEN_REASON
    n_hidden = 0
    for place, a, b, _ in pairs(made, profile):
        if b.text == words.HIDDEN_SIGN:
            n_hidden += 1
            assert b.reason == says, place
        elif words.HIDDEN_SIGN in b.beside:
            assert b.reason == says, place
        else:
            assert b.reason == a.reason, place
        if b.text == words.EN_DASH:
            assert a.text == words.EN_DASH, place
    assert n_hidden > 20


@pytest.mark.parametrize("profile", PROFILES)
def test_the_table_of_all_effects_and_the_head_of_the_report_print_the_same(made, profile):
    inside, release_ = effects(made.inside), effects(made.reviews[profile])
    assert len(inside) == len(release_)
    for a, b in zip(inside, release_, strict=True):
        cells = [(a.effect, b.effect)]
        cells += [(a.p, b.p), *zip(a.shares, b.shares, strict=True)] if profile == "ssb" else []
        assert all(own.text in (one.text, words.HIDDEN_SIGN) for one, own in cells), a.line
    pages = [first_page(review) for review in (made.inside, made.reviews[profile])]
    for a, b in zip(*(page.results for page in pages), strict=True):
        assert b.effect.text in (a.effect.text, words.HIDDEN_SIGN)
    for a, b in zip(*(page.sides for page in pages), strict=True):
        if profile == "ssb":  # the others round counts
            for name in ("randomised", "analysed", "share"):
                assert getattr(b, name).text in (getattr(a, name).text, "hidden")


def test_units_of_covariates_are_those_of_the_report_inside(made):
    for profile in PROFILES:
        heads = [
            {row.head for row in TABLES["balance"](review).rows} for review in (made.inside, made.reviews[profile])
        ]
        assert heads[0] == heads[1] and "Female, %" in heads[0]


# --- one rounding --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.233463, 0.2334), (0.2335, 0.2335), (0.233521, 0.2336), (-0.233463, -0.2334), (0.12, 0.12),
        (0.04996, 0.0499), (0.00003, 0.0001), (-0.00003, -0.0001), (0.0, 0.0), (0.99998, 0.9999), (1.0, 1.0),
        (0.12344, 0.1234), (0.123461, 0.1234), (312456.78123, 312456.7812), (0.1 + 0.2, 0.3), (-0.7 - 0.1 - 0.1, -0.9),
    ],
)  # fmt: skip
def test_a_shortened_number(value, expected):
    assert shortened(value, 4) == pytest.approx(expected, abs=1e-12)


def test_a_shortened_number_prints_as_the_number_itself():
    draw = np.random.default_rng(1)
    for value in [*draw.uniform(-1, 1, 1000), *draw.uniform(0, 0.002, 200), *draw.uniform(-30, 30, 200)]:
        short = shortened(value, 4)
        assert abs(short - value) <= 1e-4
        assert words.points(short) == words.points(value)
        assert [words.number(short, d) for d in range(4)] == [words.number(value, d) for d in range(4)]
        assert words.stars(abs(short)) == words.stars(abs(value))
        assert words.p_value(abs(short)) == words.p_value(abs(value))
        assert (short > 0) == (value > 0)
    assert shortened(12.48, 1) == 12.5  # as many decimals as print has


# --- how much is hidden --------------------------------------------------------------------------


@pytest.mark.parametrize("profile", PROFILES)
def test_files_and_report_count_the_same_hidden_cells(made, profile):
    found = made.protected[profile]
    by_table = found["hidden_by_table"].set_index("table")
    counted = {row["table"]: (row["hidden"], row["hidden"] + row["shown"]) for row in hidden(made.reviews[profile])}
    positions = found["hidden_cells"].groupby("table").size()
    for name in RELEASED:
        signs = int((found[f"released_{name}"] == words.HIDDEN_SIGN).sum().sum())
        assert by_table.loc[name, "n_hidden"] == signs == positions.get(name, 0)
        assert counted[name] == tuple(by_table.loc[name, ["n_hidden", "n_numbers"]])


# --- figures -------------------------------------------------------------------------------------


def blank(review: Review) -> Review:
    """The same release with every number hidden."""
    masks = {}
    for name, table in review.tables.items():
        numbers = [column not in released.LABELS | released.TEXTS for column in table.columns]
        masks[name] = pd.DataFrame([numbers] * len(table), table.index, table.columns)
    tables = {
        name: table.mask(masks[name]).assign(
            **({"status": "hidden"} if "status" in table and name != "receipt" else {})
        )
        for name, table in review.tables.items()
    }
    return Review(review.cohort, tables, masks)


@pytest.mark.parametrize("name", ["effects_by_centre", "forest", "event_study", "specification_curve"])
def test_a_figure_without_values_is_a_sentence(made, name):
    drawing = FIGURES[name](blank(made.reviews["ssb"]))
    assert drawing.instead == drawing.description == "Every number of this figure is hidden by disclosure control."
    assert drawing.png.startswith(b"\x89PNG")


# --- one interval --------------------------------------------------------------------------------


def test_every_interval_is_of_the_primary_variance(made):
    """Of the effect of a centre: in the table of effects by centre and in the data of the forest plot."""
    assert made.cohort.estimation.primary == "cr2"
    cr1 = replace(made.cohort, estimation=replace(made.cohort.estimation, primary="cr1"))
    assert cr1.pooled_variance == "cr1"
    assert {row["variance"] for row in made.inside.rows("centre_effects")} == {"cr2"}
    table = TABLES["effects_by_centre"](made.inside)
    for row in made.inside.rows("centre_effects", analysis="table5_model_1"):
        (printed,) = [r for r in table.rows if r.head == made.inside.centre(row["centre"])]
        if words.is_known(row["ci_low"]):
            assert printed.cells[3].beside == (words.points(row["ci_low"]), words.points(row["ci_high"]))


# --- files for programs --------------------------------------------------------------------------

SCHEMAS = Path(__file__).resolve().parent / "reference" / "dataset_json"
COLUMNS = read_yaml(ROOT / "config" / "columns.yaml")


@pytest.fixture(scope="module")
def folder(made, tmp_path_factory) -> tuple[str, Path]:
    """Profile, and a release without its pages and figures: protected tables, two printed ones, and the rest."""
    profile, root = "acro", tmp_path_factory.mktemp("release")
    found, review = made.protected[profile], made.reviews[profile]
    files: dict[str, str | bytes] = {f.removeprefix(FOLDER): store.as_csv(found[n]) for n, f in places().items()}
    files |= {f"tables/{n}.csv": to_csv("A trial", TABLES[n](review)) for n in ("heterogeneity", "table5_effects")}
    texts = {name: released.read(str(files[file.removeprefix(FOLDER)])) for name, file in places().items()}
    known = {name.removeprefix("released_"): table for name, table in texts.items()}
    facts = bundle.facts(review.cohort, asdict(profiles.profile(profile)), known, files)
    rest = bundle.bundle(facts, files)
    contents = {**files, **{f.removeprefix(FOLDER): rest[n] for n, f in bundle.products(files).items()}}
    for file, content in contents.items():
        store.write(root / file, content)
    return profile, root


def test_the_data_package_is_valid_and_finds_what_is_not_of_its_schema(folder):
    descriptor = json.loads((folder[1] / "datapackage.json").read_text(encoding="utf-8"))
    report = frictionless.validate(str(folder[1] / "datapackage.json"))
    assert report.valid, report.flatten(["name", "type", "message"])[:5]
    assert report.stats["tasks"] == len(descriptor["resources"]) == len([*folder[1].rglob("*.csv")])
    broken = json.loads(json.dumps(descriptor))
    (flow,) = [one for one in broken["resources"] if one["name"] == "flow"]
    (arm,) = [field for field in flow["schema"]["fields"] if field["name"] == "arm"]
    arm["type"] = "integer"
    store.write(folder[1] / "broken.json", json.dumps({**broken, "resources": [flow]}))
    assert not frictionless.validate(str(folder[1] / "broken.json"), type="package").valid
    (folder[1] / "broken.json").unlink()


def test_fields_say_types_units_and_what_missing_values_mean(folder):
    descriptor = json.loads((folder[1] / "datapackage.json").read_text(encoding="utf-8"))
    resources = {one["name"]: one for one in descriptor["resources"]}
    fields = {field["name"]: field for field in resources["effects"]["schema"]["fields"]}
    assert fields["n_assigned"] == {
        "name": "n_assigned", "type": "integer", "title": "Persons in the arm", "unit": "persons",
    }  # fmt: skip
    assert fields["estimate"]["type"] == "number" and fields["variance"]["type"] == "string"
    for one in resources.values():
        labels = {each["value"]: each["label"] for each in one["schema"]["missingValues"]}
        assert labels[":"] == "hidden by disclosure control" and labels[""] == "there is no number"
        assert one["schema_version"] >= 1
        data = (folder[1] / one["path"]).read_bytes()
        assert one["hash"] == f"sha256:{hashlib.sha256(data).hexdigest()}" and one["bytes"] == len(data)
    assert descriptor["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"


def test_every_released_column_is_described_and_keys_tell_rows_apart(made):
    for name in RELEASED:
        table = made.protected["ssb"][f"released_{name}"]
        assert [column for column in table if column not in COLUMNS["columns"]] == [], name
        keys = COLUMNS["keys"][name]
        assert not table[keys].astype(object).fillna("").astype(str).duplicated().any(), name


@pytest.mark.parametrize("profile", PROFILES)
def test_months_after_an_event_leave_where_enough_persons_stand_before_and_after_it(made, profile):
    released_rows, least = made.protected[profile]["released_exposure"], profiles.profile(profile).min_cell_count
    inside = made.inside.tables["exposure"]
    assert len(inside) == len(released_rows) == 10 and inside["on"].str.len().max() == 10
    assert released_rows["on"].str.len().max() == 7  # no day leaves
    for row, out in zip(inside.to_dict("records"), released_rows.to_dict("records"), strict=True):
        few = any(0 < row[name] < least for name in ("n_persons_after", "n_persons_before"))
        if row["status"] == "counted" and few:
            assert {out[name] for name in ("n_months_after", "share_after")} <= {":", None}
    assert (released_rows["n_persons"] != ":").any()


@pytest.mark.parametrize("profile", PROFILES)
def test_the_cost_of_a_month_leaves_where_its_effect_does(made, profile):
    """It rests on what the effect rests on, and what leaves is arithmetic on what left of the effect."""
    study = Study(made.cohort, {name: made.inside.tables[name] for name in RELEASED}, profiles.profile(profile))
    behind = {(e.row, e.keys, e.persons) for e in derived.accumulated(study) if isinstance(e, Shown) and not e.over}
    costs, effects = (made.protected[profile][f"released_{name}"] for name in ("cost", "accumulated"))
    shown = [entry for entry in derived.cost(study) if isinstance(entry, Shown)]
    assert len(costs) == len(shown) == 1
    for entry, row in zip(shown, costs.to_dict("records"), strict=True):
        is_own = (effects["outcome"] == "ordinary_months") & (effects["month_to"] == row["by_month"])
        ((i, effect),) = effects[is_own & (effects["variance"] == "cr2")].to_dict("index").items()
        assert (i, entry.keys, entry.persons) in behind
        assert (row["effect"] == ":") == (effect["estimate"] == ":")
        if row["effect"] != ":":
            assert row["effect"] == effect["estimate"]
            assert row["ci_low"] == pytest.approx(100 / effect["ci_high"], rel=2e-3)
            assert row["status"] == ("unbounded" if effect["ci_low"] <= 0 else "estimated")


def of_primary(table: pd.DataFrame) -> pd.DataFrame:
    """Without the rows under cr1 of what has cr2 as well."""
    if "variance" not in table:
        return table
    which = table["analysis"] if "analysis" in table else pd.Series("", table.index)
    has_both = which.isin(which[table["variance"] == "cr2"])
    return table[~(has_both & (table["variance"] == "cr1"))]


def test_the_analysis_results_dataset_holds_every_released_number_of_the_primary_variance(made):
    for profile in PROFILES:
        found = made.protected[profile]
        assert not found["ard"][["context", "row", "stat_name"]].duplicated().any()
        for name in RELEASED:
            table = of_primary(found[f"released_{name}"])
            numbers = [c for c in table if c not in released.LABELS | released.TEXTS | {"draws", "seed"}]
            cells = table[numbers].astype(object).stack().dropna()
            wanted = {(row + 1, column): value for (row, column), value in cells.items()}
            told = found["ard"].query("context == @name").astype(object)
            shown = told["stat"].where(told["status"] == "shown", words.HIDDEN_SIGN)
            assert dict(zip(zip(told["row"], told["stat_name"], strict=True), shown, strict=True)) == wanted, name


def test_dataset_json_is_of_its_schema_and_says_what_the_csv_says(folder):
    content = json.loads((folder[1] / "ard.json").read_text(encoding="utf-8"))
    schema = json.loads((SCHEMAS / "dataset.schema.json").read_text(encoding="utf-8"))
    assert [*jsonschema.Draft201909Validator(schema).iter_errors({**content, "rows": []})] == []
    table = pd.read_csv(folder[1] / "ard.csv", dtype="str", keep_default_na=False)
    assert [column["name"] for column in content["columns"]] == list(table.columns)
    assert content["records"] == len(content["rows"]) == len(table) > 1000
    at = list(table.columns).index("stat")
    assert [row[at] for row in content["rows"]] == [float(v) if v else None for v in table["stat"]]


def test_sacro_viewer_finds_every_file_with_its_checksum(folder):
    """As ACROOutputs of the viewer reads them."""
    content = json.loads((folder[1] / "outputs.json").read_text(encoding="utf-8"))
    assert content["version"].split(".")[:2] == ["0", "4"]
    listed = [file["name"] for result in content["results"].values() for file in result["files"]]
    there = {path.relative_to(folder[1]).as_posix() for path in folder[1].rglob("*") if path.is_file()}
    assert sorted(listed) == sorted(f for f in there if not f.startswith("checksums/") and f != "outputs.json")
    for file in listed:
        told = (folder[1] / "checksums" / f"{file}.txt").read_text(encoding="utf8")
        assert told == hashlib.sha256((folder[1] / file).read_bytes()).hexdigest()
    for result in content["results"].values():
        assert {"status", "type", "summary", "comments", "exception"} <= set(result)
        assert (result["exception"] == "") == (result["status"] == "pass")
    assert content["results"]["data/effects"]["status"] == "review"
    assert re.fullmatch(
        r"review; hidden by the profile \w+: [\d,]+ of [\d,]+ cells", content["results"]["data/effects"]["summary"]
    )


def test_the_profile_is_there_for_programs(folder):
    content = json.loads((folder[1] / "profile.json").read_text(encoding="utf-8"))
    chosen = profiles.profile(folder[0])
    assert (content["profile"], content["min_cell_count"]) == (chosen.name, chosen.min_cell_count)
    assert content["rules"][0].startswith(f"Hidden: numbers that fewer than {chosen.min_cell_count} persons")


def test_the_scan_finds_nothing_in_the_files_for_programs(folder):
    assert [str(found) for found in scan(folder[1], **limits_of(folder[0]))] == []


def test_the_scan_reads_the_name_of_a_number_in_long_form(folder, tmp_path):
    """A count below the threshold is found under ``stat``, and a number that is none is not."""
    lines = (folder[1] / "ard.csv").read_text(encoding="utf-8").splitlines()
    heads = lines[0].split(",")
    row = dict.fromkeys(heads, "") | {"context": "flow", "stat_name": "n_persons", "stat": "2", "status": "shown"}
    rows = [row, row | {"stat_name": "wald_df1"}, row | {"stat_name": "share"}]
    text = "\n".join([lines[0], *(",".join(each[head] for head in heads) for each in rows)])
    (tmp_path / "ard.csv").write_text(text + "\n", encoding="utf-8")
    found = scan(tmp_path, threshold=3)
    assert [(f.rule, f.place) for f in found] == [
        ("small_count", f"table, row 1, column {heads.index('stat') + 1} (stat)")
    ]


# --- versions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, ""),  # a release from before there were versions
        ('{"ipseval": {"schema_version": 1}}', ""),
        ('{"ipseval": {"schema_version": 2}}', "its form has version 2, and this version of ipseval reads 1"),
        ('{"name": "another package"}', "does not say the version"),
        ("{", "does not say the version"),
    ],
)
def test_an_earlier_release_is_read_or_refused_with_what_to_do(text, says, tmp_path):
    if text is not None:
        (tmp_path / "datapackage.json").write_text(text, encoding="utf-8")
    fault = versions.fault_of(tmp_path, 1)
    assert (fault is None) if not says else (fault is not None and says in fault[0] and fault[1])


def test_files_that_programs_read_have_a_version():
    files = ["review/effects.csv", "review/report.html", "release/ard.json", "release/data/effects.csv"]
    assert versions.of_files(files, {"ard": 3}) == {
        "release/ard.json": 3, "release/data/effects.csv": 1, "review/effects.csv": 1,
    }  # fmt: skip
