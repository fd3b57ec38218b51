"""A cohort file for a folder of foreign extracts: proposed by `ipseval init`, every guess marked for review.

It holds names of files and columns, codes that several persons share, and months: no value of one person.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ipseval.contracts import EXTRACTS
from ipseval.registers import unread
from ipseval.registers.coverage import MIN_PERSONS
from ipseval.registers.propose_arms import arms, centres
from ipseval.registers.proposed import MARK, Found, line, rare, scalar, section
from ipseval.registers.recognise import Guess, Match, synonyms
from ipseval.registers.survey import Codes, Dates, Survey
from ipseval.settings import default_settings
from ipseval.words import listed

MAX_NAMES = 12  # names of columns that a remark lists
DATED = (
    ("year_month",) * 2,
    ("end_month", "start_month"),
    ("end_on", "start_on"),
)  # that tell of the register's months
CHOICES = {  # codes that decide the outcome
    ("employment", "kind"): "all count as jobs; those that are none belong under exclusions.employment.kind",
    (
        "wage_subsidy",
        "measure",
    ): "all count as wage subsidy; other measures belong under exclusions.wage_subsidy.measure",
}
FOUND = {"same": "", "register": "as the register calls it", "synonym": "a usual name of it", "near": "a similar name"}


def proposal(title: str, extracts: str, found: Found) -> str:
    """The text of a cohort file; valid whatever was found.

    Parameters
    ----------
    title : str
    extracts : str
        The folder, relative to the cohort file.
    found : Found
    """
    parts = (_head(title, extracts, found), _coverage(found), arms(found), centres(found), _files(found),
             _layouts(found), _columns(found), _values(found), _dates(found), _outcome(found),
             _seen(found))  # fmt: skip
    return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part))) + "\n"


def _head(title: str, extracts: str, found: Found) -> Iterator[str]:
    yield "# Proposed by `ipseval init`. Guesses are marked CHECK: look at each, mend it, and take the mark out."
    yield "# docs/new-cohort.md leads from here to the tables; docs/configuration.md explains every key."
    for names, what in (
        (found.unused, "not used: it looks like no extract, or like one that other files are"),
        (found.broken, "no Parquet, or cut off"),
    ):
        yield from (f"{MARK} {file}: {what}." for file in names)
    for file, kind in found.other.items():
        yield f"{MARK} {file}: not used, {kind}. Registers are read as Parquet: have it delivered so if it is one."
    if found.converted:
        yield f"# {found.converted}"
    yield f"title: {scalar(title)}"
    yield f"extracts: {scalar(extracts)}"


def _coverage(found: Found) -> Iterator[str]:
    """First and last month of the employment register."""
    months, told = _months(found)
    meanings = (
        "the first complete month of the employment register",
        "its last complete month; later ones are missing",
    )
    for key, month, meaning, why in zip(("observed_from", "observed_until"), months, meanings, told, strict=True):
        yield line(f"{key}: {scalar(month)}", f"{meaning} ({why}).")


def _months(found: Found) -> tuple[tuple[str | None, str | None], tuple[str, str]]:
    """First and last month of the employment register, and what each was guessed from.

    A register holds no job that ended before it began, and none that started after it ended: the first months with an
    end and the last with a start bound it from the safe side.
    """
    surveys = found.surveys.get("employment", (Survey(),))
    parts = found.guesses.get("employment", (None,))
    sides = [_seen_months(part, survey) for part, survey in ((parts[0], surveys[0]), (parts[-1], surveys[-1]))]
    (first, _), (_, last) = sides
    return (first[0], last[0]), (first[1], last[1])


def _seen_months(guess: Guess | None, survey: Survey) -> tuple[tuple[str | None, str], tuple[str | None, str]]:
    """First and last month of a source of employment, each with what it was guessed from."""
    nothing: tuple[None, str] = None, "ask the register, nothing in the files tells"
    if guess is None:
        return nothing, nothing
    if in_names := guess.in_names:
        known, why = sorted(map(str, in_names.of_file.values())), "from the names of the files"
        months = (f"{known[0]}-01", f"{known[-1]}-12") if in_names.unit == "Y" else (known[0], known[-1])
        return (months[0], why), (months[1], why)
    dates = survey.dates
    columns = next((pair for pair in DATED if pair[1] in dates), DATED[-1])
    seen = [dates[column].months if column in dates else None for column in columns]
    shared = f"month in which {MIN_PERSONS} or more of the trial's persons have a date in"
    first, last = (
        (months[i], f"the {which} {shared} {column}") if months else nothing
        for i, (which, column, months) in enumerate(zip(("first", "last"), columns, seen, strict=True))
    )
    return first, last


def _files(found: Found) -> Iterator[str]:
    alone = {name: parts[0] for name, parts in found.guesses.items() if len(parts) == 1}
    named = {name: guess for name, guess in alone.items() if guess.pattern is not None}
    if named:
        yield "files:"
    for name, guess in named.items():
        n = len(guess.delivery.files)
        together = f"; its {n} files are read together" if n > 1 else ""
        yield line(
            f"  {name}: {scalar(guess.pattern)}",
            f"is this the extract {name} (one row a {guess.extract.one_row}){together}?",
        )


def _layouts(found: Found) -> Iterator[str]:
    other = {name: parts for name, parts in found.guesses.items() if any(part.layout != "spells" for part in parts)}
    if other:
        yield "layouts:"
    for name, parts in other.items():
        if len(parts) == 1:
            spec = scalar({"layout": parts[0].layout, **parts[0].options})
            yield line(f"  {name}: {spec}", "docs/data.md says what this layout or register is.")
            continue
        files = ", then ".join(f"{part.layout} ({_told_files(part)})" for part in parts)
        yield line(f"  {name}:", f"are these one extract, joined where the one register ends? {files}.")
        yield from (f"    - {scalar(_source(part))}" for part in parts)


def _source(guess: Guess) -> dict[str, Any]:
    """One of the sources of an extract, with its files and columns where they are not the register's own."""
    own = {ours: m.names[0] if len(m.names) == 1 else list(m.names) for ours, m in _renamed(guess).items()}
    files = {"files": guess.pattern} if guess.pattern is not None else {}
    return {"layout": guess.layout, **guess.options, **files, **({"columns": own} if own else {})}


def _told_files(guess: Guess) -> str:
    n = len(guess.delivery.files)
    return f"{guess.delivery.pattern}, {n} files" if n > 1 else guess.delivery.label


def _renamed(guess: Guess) -> dict[str, Match]:
    return {ours: match for ours, match in guess.columns.items() if match.how in ("synonym", "near")}


def _columns(found: Found) -> Iterator[str]:
    lines = [
        line
        for name, parts in found.guesses.items()
        for part in parts
        for line in _columns_of(name, part, is_alone=len(parts) == 1)
    ]
    yield from section("columns", lines)


def _columns_of(extract: str, guess: Guess, is_alone: bool) -> Iterator[str]:
    """Columns under other names; those of one of several sources stand in its layout."""
    renamed = _renamed(guess) if is_alone else {}
    if renamed:
        yield f"  {extract}:"
    for ours, match in renamed.items():
        names = match.names[0] if len(match.names) == 1 else list(match.names)
        text = f"    {ours}: {scalar(names)}"
        yield line(text, f"{FOUND[match.how]}.") if match.how == "near" else f"{text}  # {FOUND[match.how]}"
    taken = {name for match in guess.columns.values() for name in match.names}
    free = [name for name in guess.delivery.columns if name not in taken]
    for ours in guess.missing:
        example = f"{ours}: <its name>" if renamed else f"{extract}: {{{ours}: <its name>}}"
        choice = f" Other columns: {', '.join(free[:MAX_NAMES])}." if free else ""
        under = "columns" if is_alone else f"columns of the layout {guess.layout}"
        yield f"    {MARK} {extract} needs {ours}, which was not found: write '{example}' under {under}.{choice}"


def _values(found: Found) -> Iterator[str]:
    yield from section("values", [line for name in found.surveys for line in _values_of(name, found)])


def _values_of(extract: str, found: Found) -> Iterator[str]:
    known: Mapping[str, Mapping[str, Sequence[str]]] = synonyms()["codes"]
    for column, ours in known.items():
        declared = default_settings()["values"].get(extract, {}).get(column, {})
        shared = found.codes(extract, column).shared
        unknown = [code for code in shared if code not in ours and code not in declared]
        meant = {code: next((o for o, names in ours.items() if code.casefold() in names), None) for code in unknown}
        if any(meant.values()):
            mapping = {code: o for code, o in meant.items() if o}
            yield line(f"  {extract}: {{{column}: {scalar(mapping)}}}", f"our code for each code of {column}.")
        if left := [code for code, o in meant.items() if not o]:
            yield f"  {MARK} codes of {extract}.{column} that were not understood: {', '.join(map(scalar, left))}."


def _dates(found: Found) -> Iterator[str]:
    """Forms of dates that have to be said, where only one fits; and that a zone has to be."""
    lines, has_times = [], False
    for name, parts in found.surveys.items():
        dates = {column: seen for part in parts for column, seen in part.dates.items()}
        has_times |= any(seen.is_moment for seen in dates.values())
        own = {column: seen.likely for column, seen in dates.items() if seen.likely}
        if own:
            lines.append(line(f"  {name}: {scalar(own)}", "the only usual form that fits all of its dates."))
    yield from section("dates", lines)
    if has_times:
        yield line("zone: Europe/Oslo", "the register's zone: dates are times in UTC, at a fixed distance or in none.")


def _outcome(found: Found) -> Iterator[str]:
    if "wage_subsidy" not in found.guesses:
        yield f"{MARK} no file looks like wage_subsidy. Name it under files, or take the # before"
        yield "# outcome out: it is then employment with or without a subsidy, and has to be called so."
        yield "# outcome: {exclude_wage_subsidy: false}"


def _seen(found: Found) -> Iterator[str]:
    """What was seen in the columns: forms of dates, open ends, codes."""
    lines = [line for name, parts in found.surveys.items() for survey in parts for line in _seen_of(name, survey)]
    if lines:
        yield "# What was seen, of the trial's persons only; `ipseval check` looks closer."
    yield from lines
    absent = [name for name in EXTRACTS if name not in found.guesses]
    if absent:
        yield f"# Not found: {listed(absent)}. Without an extract, what needs it is left out, and tables say so."


def _seen_of(extract: str, survey: Survey) -> Iterator[str]:
    if not survey.is_readable:
        yield f"{MARK} {extract}: its files cannot all be read, or lack the person's key."
        return
    yield f"# {extract}: {survey.n_rows} rows of {survey.n_persons} persons."
    for column, dates in survey.dates.items():
        yield from _dates_of(f"{extract}.{column}", dates)
    for column in ("kind", "measure", "benefit", "service", "contact"):
        codes = survey.codes.get(column, Codes((), 0))
        if codes.shared:
            choice = CHOICES.get((extract, column), "")
            mark = f" {MARK.removeprefix('# ')} {choice}" if choice else ""
            yield f"#   {column}: codes {', '.join(map(scalar, codes.shared))}.{rare(codes)}{mark}"
    if survey.unused:
        yield f"#   not read: {', '.join(unread.worded(survey.unused))}."


def _dates_of(column: str, dates: Dates) -> Iterator[str]:
    told = [f"written as {dates.form}"] if dates.form else []
    told += [f"{dates.n_open} in 2099 or later, read as not yet"] if dates.n_open else []
    yield f"#   {column}: {'; '.join(told) or 'empty'}."
    if dates.n_unreadable:
        yield f"#   {MARK.removeprefix('# ')} {dates.n_unreadable} of {column} cannot be read as dates."
