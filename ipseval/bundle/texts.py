"""The README for the output checker, and the checklist of the usual reasons for rejection, from facts."""

import math
from collections import Counter
from collections.abc import Iterator

from ipseval import words
from ipseval.bundle import behind
from ipseval.bundle.facts import Facts, Released
from ipseval.disclosure import said
from ipseval.disclosure.said import UNPROTECTED
from ipseval.language import say


def readme(facts: Facts) -> str:
    """What the release is, by which rules it was made, and of each table its files and what is hidden in it."""
    parts = (
        "# " + say("{title}: results that may leave", title=_plain(facts.title)),
        _plain(facts.context),
        f"{say('For the output checker.')} {said.named(facts.profile, facts.rules)}",
        "\n".join(f"- {rule}" for rule in said.sentences(facts.rules)),
        *_hiding(facts),
        say(
            "Everything printed, drawn and in the report is made of `data/`. `checklist.md` answers the usual reasons "
            "for rejection. `workflow.smk` is the workflow that made the results, as it was run: a text, without data."
        ),
        *_groups(facts),
    )
    return "\n\n".join(parts) + "\n"


def _hiding(facts: Facts) -> Iterator[str]:
    """How much is hidden, where, and whether less would have done."""
    if not facts.rules["min_cell_count"]:
        return
    cells = _cells(*_of_data(facts))
    yield say(
        "A hidden number is `:`. In `data/` {cells} are hidden; `hidden_by_table.csv` has the number of each table, "
        "`hidden_cells.csv` the position of each.",
        cells=cells,
    )
    if facts.cost == facts.bound:
        yield say(
            "Nothing less could have been hidden: no other choice of numbers protects those that must not be known at "
            "a smaller loss (`hidden_cost.csv`; what a number costs is how many cells print it or come from it)."
        )
        return
    yield say(
        "Less might have been hidden: of what is lost for the sake of other numbers {share} % is proved to be "
        "unavoidable (`hidden_cost.csv`; what a number costs is how many cells print it or come from it).",
        share=words.number(math.floor(1000 * facts.bound / facts.cost) / 10, 1),
    )


def _groups(facts: Facts) -> Iterator[str]:
    """A part a group of files: a line a table or figure, with its formats."""
    heads = (say("File"), say("Formats"), say("What it is"), say("Persons"), say("Rules"), say("Hidden"))
    lines = [f"| {' | '.join(heads)} |", "| :-- | :-- | :-- | --: | :-- | --: |"]
    for name, head in behind.GROUPS.items():
        own = [file for file in facts.files if behind.group(file.file) == name]
        stems = dict.fromkeys(file.stem for file in own)
        if stems:
            rows = [_row(facts, [file for file in own if file.stem == stem]) for stem in stems]
            yield f"## {say(head)}\n\n" + "\n".join([*lines, *rows])


def checklist(facts: Facts) -> str:
    """The usual reasons for rejection, each answered."""
    parts = "\n".join(f"- **{reason}** {answer}" for reason, answer in _answers(facts))
    return f"# {say('Usual reasons for rejection')}\n\n{parts}\n"


def _row(facts: Facts, files: list[Released]) -> str:
    """One table, figure or text in all its formats."""
    file = files[0]
    persons = "" if not file.tables else say("hidden") if file.n_persons is None else words.count(file.n_persons)
    formats = ", ".join(each.file.rpartition(".")[2] for each in files)
    cells = (file.stem, formats, say(file.what), persons, _touched(facts, file), _hidden(file))
    return f"| {' | '.join(cells)} |"


def _hidden(file: Released) -> str:
    """How much of what a file shows is hidden; of a drawing, which tables say so."""
    if file.n_numbers:
        return _cells(file.n_hidden, file.n_numbers)
    return ", ".join(f"`data/{table}.csv`" for table in file.tables) if file.file.startswith("figures/") else ""


def _of_data(facts: Facts) -> tuple[int, int]:
    """Hidden and all numbers of ``data/``."""
    data = [file for file in facts.files if file.file.startswith("data/")]
    return sum(file.n_hidden for file in data), sum(file.n_numbers for file in data)


def _cells(n_hidden: int, n_numbers: int) -> str:
    return say("{n} of {all} cells", n=words.count(n_hidden), all=words.count(n_numbers))


def _touched(facts: Facts, file: Released) -> str:
    """Short names of the rules that touched a file."""
    if not file.tables:
        return say("no numbers of persons")
    n_hidden = {each.file: each.n_hidden for each in facts.files}
    names = [say("hidden")] * any(n_hidden.get(f"data/{table}.csv") for table in file.tables)
    names += [say("counts rounded")] * (facts.rules["rounding_base"] > 0)
    names += [say("rates rounded")] * (facts.rules["decimals"] is not None)
    return ", ".join(names) or say("no rule")


def _answers(facts: Facts) -> Iterator[tuple[str, str]]:
    """Reasons for rejection and what the facts say."""
    rules = facts.rules
    if not rules["min_cell_count"]:
        yield say("Protection."), say(UNPROTECTED)
    yield (
        say("Small counts."),
        f"{_small(facts)} {say('The rule also holds for counts behind shares, means and coefficients.')}",
    )
    yield (
        say("Counts that others give back."),
        say(
            "All tables were solved together and then attacked: for every protected count the values that the release "
            "leaves possible were computed. The list stays inside (`review/disclosure.csv`)."
        ),
    )
    yield say("Unrounded counts."), _rounding(facts)
    yield (
        say("Missing context."),
        say("README.md says of each of {n} files what it is and who stands behind it.", n=len(facts.files)),
    )
    yield say("Figures without data."), "; ".join(_data_of_figures(facts)) + "."
    yield (
        say("Regressions."),
        say(
            "With at least {least} residual degrees of freedom; persons, and the mean of the reference arm, are "
            "protected as counts are.",
            least=rules["min_residual_df"],
        ),
    )
    yield (
        say("Minima, maxima, quantiles, single persons."),
        say("No table has those of persons, and no figure draws persons."),
    )
    yield (
        say("Wrong file types."),
        say("{types}; the scan looks for macros, links, comments and hidden parts.", types=_types(facts)),
    )
    yield (
        say("Keys, paths, names, dates."),
        say(
            "`ipseval scan` reads the finished files by another code path and looks for them, for small counts and for "
            "hidden numbers; run it with the trial list and the tables inside."
        ),
    )
    yield say("Earlier releases."), _earlier(facts)


def _earlier(facts: Facts) -> str:
    """Whether differences from an earlier release were looked at."""
    least = facts.rules["min_cell_count"]
    if not (facts.has_earlier and least):
        return say("Differences from an earlier release are not part of these facts: compare before release.")
    return say(
        "What the release that was named (`disclosure.earlier`) shows was taken as known: counts that fewer than "
        "{least} persons have moved since are hidden.",
        least=least,
    )


def _small(facts: Facts) -> str:
    """How many cells are hidden because small counts may not be shown."""
    cells = _cells(*_of_data(facts))
    least = facts.rules["min_cell_count"]
    if not least:
        return say("Shown as they are.")
    return say("None from 1 to {last}: {cells} are hidden.", last=least - 1, cells=cells)


def _rounding(facts: Facts) -> str:
    base, decimals = facts.rules["rounding_base"], facts.rules["decimals"]
    counts = (
        say("Counts are multiples of {base}; estimates of adjusted regressions are not rounded to it", base=base)
        if base
        else say("The profile does not round counts that may be shown")
    )
    rates = (
        say("rates have {decimals} decimals", decimals=decimals)
        if decimals is not None
        else say("rates are in full precision")
    )
    return f"{counts}; {rates}."


def _data_of_figures(facts: Facts) -> Iterator[str]:
    for figure in (file for file in facts.files if file.file.startswith("figures/") and file.file.endswith(".png")):
        yield f"{figure.file}: {', '.join(f'data/{table}.csv' for table in figure.tables)}"


def _types(facts: Facts) -> str:
    kinds = Counter(file.file.rpartition(".")[2] for file in facts.files)
    return ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>#|~$" else sign for sign in text)
