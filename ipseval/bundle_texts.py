"""The README for the output checker, and the checklist of the usual reasons for rejection, from facts."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipseval.bundle import Facts, Released

UNPROTECTED = "**Nothing is protected: the profile `none` is for synthetic persons only.**"


def readme(facts: "Facts") -> str:
    """For each file what it is, how many persons stand behind it, what touched it and how much is hidden."""
    profile = f"`{facts.profile}` ({facts.rules['title']}: {facts.rules['source']})"
    rules = "\n".join(f"- {rule}" for rule in _rules(facts))
    rows = "\n".join(_row(facts, file) for file in facts.files)
    return f"""# {_plain(facts.title)}: results that may leave

For the output checker. Profile of disclosure control: {profile}.
A profile is a starting point and no claim of compliance: the decision is yours.

{rules}

A hidden number is `:` in `data/`; `hidden_cells.csv` has the position of each, `hidden_by_table.csv` how many there
are. Everything printed, drawn and in the report is made of `data/`. `checklist.md` answers the usual reasons for
rejection.

| File | What it is | Persons | Rules | Hidden, of its tables |
| :-- | :-- | --: | :-- | --: |
{rows}
"""


def checklist(facts: "Facts") -> str:
    """The usual reasons for rejection, each answered."""
    parts = "\n".join(f"- **{reason}** {answer}" for reason, answer in _answers(facts))
    return f"""# Usual reasons for rejection

{parts}
"""


def _row(facts: "Facts", file: "Released") -> str:
    persons = "" if not file.tables else "hidden" if file.n_persons is None else f"{file.n_persons:,}"
    hidden = f"{file.n_hidden:,} of {file.n_numbers:,} cells" if file.tables else ""
    return f"| {file.file} | {file.what} | {persons} | {_touched(facts, file)} | {hidden} |"


def _touched(facts: "Facts", file: "Released") -> str:
    """Short names of the rules that touched a file."""
    if not file.tables:
        return "no numbers of persons"
    names = ["hidden"] * (file.n_hidden > 0)
    names += ["counts rounded"] * (facts.rules["rounding_base"] > 0)
    names += ["rates rounded"] * (facts.rules["decimals"] is not None)
    return ", ".join(names) or "none"


def _rules(facts: "Facts") -> Iterator[str]:
    """The profile in sentences."""
    rules = facts.rules
    if not rules["min_cell_count"]:
        yield UNPROTECTED
        return
    yield (
        f"Hidden: numbers that fewer than {rules['min_cell_count']} persons stand behind, groups in which all or "
        "nobody has the outcome, and whatever would give these back over all tables together."
    )
    if rules["small_whole_trial"] == "round":
        yield f"Small monthly counts of the whole trial are rounded to 0 or {rules['min_cell_count']}, at random."
    if rules["rounding_base"]:
        yield f"Counts are rounded to multiples of {rules['rounding_base']}, before rates."
    if rules["decimals"] is not None:
        yield f"Rates and effects have {rules['decimals']} decimals, and rates are computed from protected counts."
    yield f"Regressions with fewer than {rules['min_residual_df']} residual degrees of freedom stay inside."
    if rules["dominance"]:
        persons, share = rules["dominance"]["persons"], rules["dominance"]["share"]
        rule = f"({persons}, {100 * share:g} %)"
        yield f"Dominance {rule}: a mean is hidden when so many persons hold more than that share of its sum."
    if rules["p_ratio"]:
        part = f"{100 * rules['p_ratio']:g} %"
        yield f"A mean is hidden when all but the two largest values are below {part} of the largest."


def _answers(facts: "Facts") -> Iterator[tuple[str, str]]:
    """Reasons for rejection and what the facts say."""
    rules, data = facts.rules, [file for file in facts.files if file.file.startswith("data/")]
    if not rules["min_cell_count"]:
        yield "Protection.", UNPROTECTED
    hidden, numbers = sum(file.n_hidden for file in data), sum(file.n_numbers for file in data)
    least = rules["min_cell_count"]
    small = f"None from 1 to {least - 1}: {hidden:,} of {numbers:,} cells are hidden" if least else "Shown as they are"
    yield "Small counts.", f"{small}. The rule also holds for counts behind shares, means and coefficients."
    yield (
        "Counts that others give back.",
        "All tables were solved together and then attacked: for every protected count the values that the release "
        "leaves possible were computed. The list stays inside (`review/disclosure.csv`).",
    )
    yield "Unrounded counts.", _rounding(facts)
    yield "Missing context.", f"README.md says of each of {len(facts.files)} files what it is and who stands behind it."
    yield "Figures without data.", "; ".join(_data_of_figures(facts)) + "."
    yield (
        "Regressions.",
        f"With at least {rules['min_residual_df']} residual degrees of freedom; persons, and the mean of the "
        "reference arm, are protected as counts are.",
    )
    yield "Minima, maxima, quantiles, single persons.", "No table has those of persons, and no figure draws persons."
    yield "Wrong file types.", f"{_types(facts)}; the scan looks for macros, links, comments and hidden parts."
    yield (
        "Keys, paths, names, dates.",
        "`ipseval scan` reads the finished files by another code path and looks for them, for small counts and for "
        "hidden numbers; run it with the trial list and the tables inside.",
    )
    yield (
        "Earlier releases.",
        "Differences from an earlier release are not part of these facts: compare before release.",
    )


def _rounding(facts: "Facts") -> str:
    base, decimals = facts.rules["rounding_base"], facts.rules["decimals"]
    counts = f"Counts are multiples of {base}" if base else "The profile does not round counts that may be shown"
    return (
        f"{counts}; rates have {decimals} decimals."
        if decimals is not None
        else f"{counts}; rates are in full precision."
    )


def _data_of_figures(facts: "Facts") -> Iterator[str]:
    for figure in (file for file in facts.files if file.file.startswith("figures/") and file.file.endswith(".png")):
        yield f"{figure.file}: {', '.join(f'data/{table}.csv' for table in figure.tables)}"


def _types(facts: "Facts") -> str:
    kinds = Counter(file.file.rpartition(".")[2] for file in facts.files)
    return ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>#|~$" else sign for sign in text)
