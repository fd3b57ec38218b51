"""The README for the output checker, and the checklist of the usual reasons for rejection, from facts."""

from collections import Counter
from collections.abc import Iterator

from ipseval import words
from ipseval.bundle.facts import Facts, Released
from ipseval.language import phrase, say

UNPROTECTED = phrase("**Nothing is protected: the profile `none` is for synthetic persons only.**")


def readme(facts: Facts) -> str:
    """For each file what it is, how many persons stand behind it, what touched it and how much is hidden."""
    heads = (say("File"), say("What it is"), say("Persons"), say("Rules"), say("Hidden, of its tables"))
    parts = (
        "# " + say("{title}: results that may leave", title=_plain(facts.title)),
        f"{say('For the output checker.')} {_profile(facts)}",
        "\n".join(f"- {rule}" for rule in _rules(facts)),
        say(
            "A hidden number is `:` in `data/`; `hidden_cells.csv` has the position of each, `hidden_by_table.csv` how "
            "many there are. Everything printed, drawn and in the report is made of `data/`. `checklist.md` answers "
            "the usual reasons for rejection. `workflow.smk` is the workflow that made the results, as it was run: a "
            "text, without data."
        ),
        "\n".join(
            [f"| {' | '.join(heads)} |", "| :-- | :-- | --: | :-- | --: |", *(_row(facts, f) for f in facts.files)]
        ),
    )
    return "\n\n".join(parts) + "\n"


def checklist(facts: Facts) -> str:
    """The usual reasons for rejection, each answered."""
    parts = "\n".join(f"- **{reason}** {answer}" for reason, answer in _answers(facts))
    return f"# {say('Usual reasons for rejection')}\n\n{parts}\n"


def _profile(facts: Facts) -> str:
    return say(
        "Profile of disclosure control: `{profile}` ({title}: {source}). A profile is a starting point and no claim of "
        "compliance: the decision is yours.",
        profile=facts.profile,
        title=say(facts.rules["title"]),
        source=say(facts.rules["source"]),
    )


def _row(facts: Facts, file: Released) -> str:
    persons = "" if not file.tables else say("hidden") if file.n_persons is None else words.count(file.n_persons)
    hidden = _cells(file.n_hidden, file.n_numbers) if file.tables else ""
    return f"| {file.file} | {say(file.what)} | {persons} | {_touched(facts, file)} | {hidden} |"


def _cells(n_hidden: int, n_numbers: int) -> str:
    return say("{n} of {all} cells", n=words.count(n_hidden), all=words.count(n_numbers))


def _touched(facts: Facts, file: Released) -> str:
    """Short names of the rules that touched a file."""
    if not file.tables:
        return say("no numbers of persons")
    names = [say("hidden")] * (file.n_hidden > 0)
    names += [say("counts rounded")] * (facts.rules["rounding_base"] > 0)
    names += [say("rates rounded")] * (facts.rules["decimals"] is not None)
    return ", ".join(names) or say("no rule")


def _rules(facts: Facts) -> Iterator[str]:
    """The profile in sentences."""
    rules = facts.rules
    if not rules["min_cell_count"]:
        yield say(UNPROTECTED)
        return
    yield say(
        "Hidden: numbers that fewer than {least} persons stand behind, groups in which all or nobody has the outcome, "
        "and whatever would give these back over all tables together.",
        least=rules["min_cell_count"],
    )
    yield _least(facts)
    if rules["small_whole_trial"] == "round":
        least = rules["min_cell_count"]
        yield say("Small monthly counts of the whole trial are rounded to 0 or {least}, at random.", least=least)
    yield from _rounded(facts)
    least = rules["min_residual_df"]
    yield say("Regressions with fewer than {least} residual degrees of freedom stay inside.", least=least)
    if rules["dominance"]:
        persons, share = rules["dominance"]["persons"], words.shortest(100 * rules["dominance"]["share"])
        yield say(
            "Dominance ({n}, {share} %): a mean is hidden when so many persons hold more than that share of its sum.",
            n=persons,
            share=share,
        )
    if rules["p_ratio"]:
        yield say(
            "A mean is hidden when all but the two largest values are below {share} % of the largest.",
            share=words.shortest(100 * rules["p_ratio"]),
        )


def _least(facts: Facts) -> str:
    """Whether less hidden would have protected as well."""
    return say(
        "What is hidden for the sake of other numbers costs {cost}; whatever protects them costs {bound} or more. "
        "Every cell that prints such a number, or comes from it, costs 1; cells of the whole trial cost more.",
        cost=words.count(facts.cost),
        bound=words.count(facts.bound),
    )


def _rounded(facts: Facts) -> Iterator[str]:
    """What is rounded, and what is not."""
    base, decimals = facts.rules["rounding_base"], facts.rules["decimals"]
    if base:
        yield say("Counts are rounded to multiples of {base}, before rates.", base=base)
        yield say(
            "Estimates of regressions with covariates are not rounded to a base: a coefficient is no count. Effects "
            "without covariates, which would give rounded counts back, are hidden."
        )
    if decimals is not None:
        yield say(
            "Rates and effects have {decimals} decimals, and rates are computed from protected counts.",
            decimals=decimals,
        )


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
    data = [file for file in facts.files if file.file.startswith("data/")]
    cells = _cells(sum(file.n_hidden for file in data), sum(file.n_numbers for file in data))
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
