"""Opening an extract: its files, its layout, and under which names its columns were delivered."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from ipseval.config import Cohort
from ipseval.contracts import Column, Extract
from ipseval.errors import nearest
from ipseval.registers.categories import CATEGORY
from ipseval.registers.convert import is_text
from ipseval.registers.date_forms import EXPECTED, LOCAL, form_fits, is_zone
from ipseval.registers.delivered import Delivery, describe
from ipseval.registers.files import locate
from ipseval.registers.findings import Findings, listed
from ipseval.registers.keys import misfit
from ipseval.registers.layouts import LAYOUTS, Layout
from ipseval.registers.places import check_places, is_plain
from ipseval.registers.row_periods import UNITS, WORDS, Period, by_column, by_file
from ipseval.registers.rules import OPEN_DATES
from ipseval.registers.sources import PLAIN, Source, sources

CODED = ("code", "integer")  # kinds of columns whose codes can be excluded; of the trial list the first only


@dataclass(frozen=True)
class Opened:
    """Files of one source of an extract.

    Parameters
    ----------
    extract : Extract
    delivery : Delivery
    source : Source
    layout : Layout
    contract : tuple of Column
        What is expected of the files.
    columns : dict
        Our names of the columns that are read -> the names that they may have.
    period : Period, optional
        Where the month or year of a row stands, in a layout that has one.
    """

    extract: Extract
    delivery: Delivery
    source: Source
    layout: Layout
    contract: tuple[Column, ...]
    columns: dict[str, tuple[str, ...]]
    period: Period | None = None


def open_extract(extract: Extract, cohort: Cohort, found: Findings) -> tuple[Opened, ...]:
    """Files, columns and layout of each source of an extract that can be read."""
    every = sources(cohort, extract.name)
    opened = (_open_source(extract, source, cohort, found) for source in every)
    return tuple(this for this in opened if this is not None)


def _layout(extract: Extract, source: Source) -> Layout:
    """The layout of a source; the plain one where the cohort file names none that fits, which is told elsewhere."""
    layout = LAYOUTS.get(source.layout, LAYOUTS[PLAIN])
    return layout if layout.serves(extract) else LAYOUTS[PLAIN]


def _open_source(extract: Extract, source: Source, cohort: Cohort, found: Findings) -> Opened | None:
    pattern = " or ".join(source.files)
    found_files = locate(cohort.extracts, extract.name, source.files)
    delivery = describe(cohort.extracts, extract.name, found_files, pattern)
    name = pattern or f"{extract.name}.parquet"
    is_expected = extract.needed or bool(source.files)
    if delivery is None:
        if is_expected:
            found.add(extract.name, "missing_extract", name, None, None)
        return None
    if not is_plain(delivery, source, cohort, found):
        return None
    if not delivery.files and is_expected:
        found.add(extract.name, "missing_extract", name, None, None)
    if not delivery.files:
        return None
    check_places(delivery, source, found)
    if delivery.n_rows == 0:
        action = "stop" if extract.needed else "warn"
        found.add(extract.name, "empty_extract", delivery.label, 0, 0, number=1, action=action)
        if extract.needed:
            return None
    return _with_columns(extract, source, delivery, cohort, found)


def _with_columns(
    extract: Extract, source: Source, delivery: Delivery, cohort: Cohort, found: Findings
) -> Opened | None:
    layout = _layout(extract, source)
    contract = layout.columns(extract, delivery.columns, source.options)
    extra = tuple(_covariates(source, delivery, cohort, extract, found) if extract.name == "trial" else ())
    opened = Opened(extract, delivery, source, layout, (*contract, *extra), {})
    _check_names(opened, found)
    complete = _settings_fit(opened, cohort, found)
    opened = replace(opened, period=_period(opened))
    for column in opened.contract:
        in_name = opened.period and opened.period.of_file and column.name == opened.period.column
        if in_name or column.name in source.constants:
            continue
        names = source.names(column.name)
        is_there = _has(delivery, names)
        if is_there:
            opened.columns[column.name] = names
        if is_there or column.needed or column.name in source.asked:
            complete &= _is_delivered(column, names, opened, found)
    return opened if complete else None


def _covariates(
    source: Source, delivery: Delivery, cohort: Cohort, extract: Extract, found: Findings
) -> Iterator[Column]:
    """The further baseline columns of the trial list, as codes or as numbers.

    What the cohort file says decides. Where it says nothing, text is a category even when every code is a number: a
    number delivered as text would be an oddity that is seen, codes read as numbers would be a wrong effect that is not.
    """
    for name, kind in cohort.covariates.items():
        if extract.column(name):
            continue
        theirs = [file.types[column] for file in delivery.files if (column := file.column(source.names(name)))]
        as_text = any(is_text(getattr(kind_of, "value_type", kind_of)) for kind_of in theirs)
        is_flag = set(source.values.get(name, ())) and set(source.values[name].values()) <= {"0", "1"}
        if kind is None and as_text and not is_flag:
            found.add(extract.name, "covariate_of_text", name, None, None, number=1, column=name)
            kind = CATEGORY
        yield Column(name, "code" if kind == CATEGORY else "number", "Baseline covariate.", nullable=True)


def _has(delivery: Delivery, names: tuple[str, ...]) -> bool:
    """Whether a file of the delivery has a column of one of the names."""
    return any(file.column(names) for file in delivery.files)


def _period(this: Opened) -> Period | None:
    """Where the month or year of a row stands: in its column or, without one, in the names of the files."""
    column = this.layout.period(this.source.options)
    if column is None:
        return None
    if _has(this.delivery, this.source.names(column)):
        return by_column(column)
    return by_file(column, this.delivery.names(range(len(this.delivery.files))))


def _settings_fit(this: Opened, cohort: Cohort, found: Findings) -> bool:
    """Whether columns, values and exclusions of the cohort file name columns of ours."""
    name, ours = this.extract.name, {c.name: c for c in this.contract}
    coded = [c.name for c in this.contract if c.kind in CODED[: 1 if name == "trial" else None]]
    if this.layout.is_wide and (kind := this.extract.kind_column):
        ours[kind.name], coded = kind, [*coded, kind.name]
    complete, source = True, this.source
    others = {
        c.name for s in sources(cohort, name) for c in _layout(this.extract, s).columns(this.extract, (), s.options)
    }
    said = {"columns": source.asked, "values": source.values, "exclusions": source.exclusions}
    said |= {"dates": source.dates, "numbers": source.numbers}
    for key, chosen in {**said, "constants": source.constants}.items():
        for column in sorted(chosen):
            if column not in ours and column in others:  # it is said of another source of the extract
                continue
            if column not in ours:
                remedy = nearest(column, ours) or f"Ours: {listed(ours)}."
                found.fault(configured(cohort), f"{key}.{name}.{column} is no column of ours.", remedy)
            elif key == "exclusions" and column not in coded:
                what = f"exclusions.{name}.{column} names a column that holds no codes."
                found.fault(configured(cohort), what, f"Columns with codes: {listed(coded) or 'none'}.")
            elif key == "constants" and ours[column].kind != "code":
                what = f"constants.{name}.{column} names a column that holds no codes."
                with_codes = [c.name for c in this.contract if c.kind == "code"]
                found.fault(configured(cohort), what, f"Columns with codes: {listed(with_codes) or 'none'}.")
            elif key == "exclusions" and source.exclusions[column] and not _has(this.delivery, source.names(column)):
                what = f"exclusions.{name} names '{column}', which {this.delivery.label} does not have."
                found.fault(configured(cohort), what, f"It has: {listed(sorted(this.delivery.columns))}.")
            elif key in ("dates", "numbers") and (misread := _misread(key, ours[column], source)):
                found.fault(configured(cohort), f"{key}.{name}.{column} {misread[0]}", misread[1])
            else:
                continue
            complete = False
    return complete


def _misread(key: str, column: Column, source: Source) -> tuple[str, str] | None:
    """What is wrong with how a column is said to be written, and what was expected; None when nothing is."""
    written = source.written(column.name)
    if key == "numbers":
        if column.kind not in ("number", "integer"):
            return "names a column that holds no numbers.", "Take it out."
        same = written.decimal is not None and written.decimal == written.thousands
        return ("gives both marks the same sign.", "Name the one of thousands otherwise.") if same else None
    if column.kind not in ("date", "month"):
        return "names a column that holds no dates.", "Take it out."
    if written.form and not form_fits(written.form, column.kind):
        return f"is '{written.form}', which is no form of {column.kind}s.", f"Expected: {EXPECTED}."
    if written.zone not in (None, LOCAL) and not is_zone(str(written.zone)):
        return f"names the zone '{written.zone}', which is none.", "Expected: Europe/Oslo, say, or local."
    return None


def configured(cohort: Cohort) -> str:
    """The cohort file as messages name it."""
    return cohort.file or f"{cohort.name}.yaml"


def _is_delivered(column: Column, names: tuple[str, ...], this: Opened, found: Findings) -> bool:
    """Whether every file has a column; one that may be empty may lack in some files, which is noted."""
    files, name = this.delivery.files, this.extract.name
    lacking = [i for i, file in enumerate(files) if file.column(names) is None]
    everywhere = len(lacking) == len(files)
    if lacking and (column.needed or everywhere):
        _note_missing(column, names, this, [] if everywhere else lacking, found)
        return False
    _note_names(column, names, this, found)
    if column.name == "person_id" and not _fits_keys(names, this, found):
        return False
    empty = [i for i, file in enumerate(files) if file.n_rows and file.n_nulls(file.column(names)) == file.n_rows]
    rule = "missing_value" if column.name == "person_id" else "column_of_nulls"
    some = len(empty) < sum(file.n_rows > 0 for file in files) and column.name not in OPEN_DATES
    if empty and not this.layout.is_wide and (some or rule == "missing_value"):
        subject, n_rows = listed(this.delivery.names(empty)), sum(files[i].n_rows for i in empty)
        found.add(name, rule, subject, n_rows, None, number=len(empty), column=column.name)
    return True


def _check_names(this: Opened, found: Findings) -> None:
    """Note names of columns that stand twice in a file, or that differ in capitals or blanks only."""
    files = this.delivery.files
    for rule, groups in (
        ("duplicate_column", [[[name] for name in file.doubled] for file in files]),
        ("similar_columns", [file.alike for file in files]),
    ):
        if numbers := [i for i, group in enumerate(groups) if group]:
            names = listed(dict.fromkeys(" and ".join(names) for i in numbers for names in groups[i]))
            subject = listed(this.delivery.names(numbers))
            found.add(this.extract.name, rule, subject, None, None, number=len(numbers), names=names)


def _fits_keys(names: tuple[str, ...], this: Opened, found: Findings) -> bool:
    """Whether every file holds the persons' keys in a type that can tell them apart."""
    files = this.delivery.files
    kinds = {i: file.types[name] for i, file in enumerate(files) if (name := file.column(names)) is not None}
    unfit = [i for i, kind in kinds.items() if misfit(kind)]
    if unfit:
        words = {"column": "person_id", "kind": listed(dict.fromkeys(str(kinds[i]) for i in unfit))}
        subject = listed(this.delivery.names(unfit))
        found.add(this.extract.name, "key_type", subject, None, None, number=len(unfit), **words)
    return not unfit


def _note_names(column: Column, names: tuple[str, ...], this: Opened, found: Findings) -> None:
    """Note files that have a column under another name than the first file, or under several names."""
    files, name = this.delivery.files, this.extract.name
    usual = next(theirs for file in files if (theirs := file.column(names)) is not None)
    renamed = [i for i, file in enumerate(files) if file.column(names) not in (usual, None)]
    several = [i for i, file in enumerate(files) if len(file.called(names)) > 1]
    other = [i for i, f in enumerate(files) if (own := f.column(names)) is not None and not _is_exact(own, names)]
    for rule, numbers in (("renamed_column", renamed), ("several_names", several), ("other_capitals", other)):
        if numbers:
            subject, n_rows = listed(this.delivery.names(numbers)), sum(files[i].n_rows for i in numbers)
            found.add(name, rule, subject, n_rows, None, number=len(numbers), column=column.name)


def _is_exact(name: str, names: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) if "*" in pattern else name == pattern for pattern in names)


def _note_missing(column: Column, names: tuple[str, ...], this: Opened, lacking: list[int], found: Findings) -> None:
    """Note a column that the files numbered ``lacking`` do not have, or none of the delivery."""
    delivery, name = this.delivery, this.extract.name
    has = sorted(delivery.files[lacking[0]].types if lacking else delivery.columns)
    subject = listed(delivery.names(lacking)) if lacking else delivery.label
    is_week = this.layout.is_wide and column.name != "person_id"
    declare = f"layouts.{name}.prefix" if is_week else f"columns.{name}"
    near = f"[It has|The first has]: {listed(has)}. {nearest(names[0], has)}"
    if column.name in UNITS and len(delivery.files) > 1:
        near += f" Or have the {WORDS[column.name]} stand in the name of every file."
    words = {"column": "w1" if is_week else "' or '".join(names), "near": near, "declare": declare}
    found.add(name, "missing_column", subject, None, None, number=max(len(lacking), 1), **words)
