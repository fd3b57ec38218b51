r"""A printed table as a LaTeX fragment, to be read with ``\input`` after the packages that its first line names."""

import textwrap

from ipseval.language import say
from ipseval.tables.table import Cell, Row, Table
from ipseval.words import EN_DASH, MINUS, THIN_SPACE, printable

PACKAGES = ("array", "booktabs", "longtable", "threeparttablex")
HEAD_WIDTH, STUB_WIDTH = 16, r"0.3\linewidth"  # letters of a line of a head, and the column of row heads
SIGNS = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "{}$&#%_"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    '"': r"{\char34}",  # Babel makes a bare one a command in Norwegian and Danish
    "`": r"\textasciigrave{}",
    "'": r"{'}",  # two would be one closing quote
    "-": "{-}",  # two would be a dash
    EN_DASH: "--",
    MINUS: "$-$",
    THIN_SPACE: r"\,",
    "×": r"$\times$",
    "τ": r"$\tau$",
    "²": r"\textsuperscript{2}",
    "…": r"\dots{}",
}


def to_tex(cohort_title: str, table: Table) -> str:
    """A table as ``longtable`` with ``booktabs`` rules, notes of ``threeparttablex`` and heads on every page."""
    above = rf"\textbf{{{escape(table.restriction)}.}} " if table.restriction else ""
    heads = [*_spans(table), _heads(table), r"\midrule"]
    lines = [
        f"% {say('Needs the packages {packages}.', packages=', '.join(PACKAGES))}",
        r"\begin{ThreePartTable}",
        r"\setlength{\LTcapwidth}{\linewidth}",
        *_notes(table),
        rf"\begin{{longtable}}{{>{{\raggedright\arraybackslash}}p{{{STUB_WIDTH}}}{'r' * len(table.columns)}}}",
        rf"\caption*{{{above}{escape(table.title)}. {escape(cohort_title)}}}\\",
        *(r"\toprule", *heads, r"\endfirsthead", r"\toprule", *heads, r"\endhead"),
        *(r"\bottomrule", r"\endfoot", r"\bottomrule", r"\insertTableNotes", r"\endlastfoot"),
        *(line for group in table.groups for line in _group(table, group)),
        r"\end{longtable}",
        r"\end{ThreePartTable}",
    ]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text that LaTeX prints as it is, on one line."""
    return "".join(SIGNS.get(sign, sign) for sign in printable(text))


def _line(parts: list[str]) -> str:
    r"""A row. Its first part stands in braces: after ``\\`` a bracket or a star would be an option."""
    first, *rest = parts
    return " & ".join([f"{{{first}}}", *rest]) + r" \\"


def _spans(table: Table) -> list[str]:
    """The row of heads over several columns, with a rule under each; none where no column has one."""
    if not any(span for span, _ in table.spans):
        return []
    parts, rules, first = [""], [], 2
    for span, columns in table.spans:
        last = first + len(columns) - 1
        parts.append(rf"\multicolumn{{{len(columns)}}}{{c}}{{{_wrapped(span, 'c', len(columns) * HEAD_WIDTH)}}}")
        rules += [rf"\cmidrule(lr){{{first}-{last}}}"] if span else []
        first = last + 1
    return [_line(parts), *rules]


def _heads(table: Table) -> str:
    return _line([escape(table.stub), *(_wrapped(column.head, "r", HEAD_WIDTH) for column in table.columns)])


def _wrapped(text: str, side: str, width: int) -> str:
    """Text in lines of so many letters, above each other; long words stay whole."""
    lines = [f"{{{escape(line)}}}" for line in textwrap.wrap(text, width, break_long_words=False)]
    stacked = r"\\".join(lines)
    return rf"\shortstack[{side}]{{{stacked}}}" if len(lines) > 1 else stacked


def _group(table: Table, group: str) -> list[str]:
    """The rows of a group under its head."""
    head = rf"\multicolumn{{{len(table.columns) + 1}}}{{l}}{{\itshape {escape(group)}}} \\*"
    lines = [line for row in table.rows if row.group == group for line in _row(table, row)]
    return [r"\addlinespace", head, *lines] if group else lines


def _row(table: Table, row: Row) -> list[str]:
    """A row; what stands beside the numbers stands under them, in long tables behind them."""
    bold = r"\bfseries " if row.is_total else ""
    small = [rf"{{\footnotesize {escape(cell.small)}}}" if cell.small else "" for cell in row.cells]
    cells = [f"{bold}{_cell(table, cell)}" if cell.text else "" for cell in row.cells]
    head = bold + escape(row.head)
    if table.is_long:
        return [_line([head, *(" ".join(filter(None, pair)) for pair in zip(cells, small, strict=True))])]
    return [_line([head, *cells]), *([_line(["", *small])] if any(small) else [])]


def _cell(table: Table, cell: Cell) -> str:
    """Number, stars and mark; stars and marks take no room, so that numbers stand in line."""
    mark = rf"\tnote{{{table.mark(cell.reason)}}}" if cell.reason else ""
    stars = rf"\rlap{{\textsuperscript{{{escape(cell.stars)}}}}}" if cell.stars else ""
    return f"{escape(cell.text)}{stars}{mark}"


def _notes(table: Table) -> list[str]:
    """Footnotes of cells, notes and the record of choices. An item has its option, so that a bracket is text."""
    record = [rf"\textbf{{{escape(about)}:}} {escape(choice)}" for about, choice in table.record]
    return [
        r"\begin{TableNotes}\footnotesize",
        *(rf"\item[{mark}] {escape(text)}" for mark, text in table.footnotes),
        rf"\item[] {' '.join(map(escape, table.notes))}",
        rf"\item[] {' '.join(record)}",
        r"\end{TableNotes}",
    ]
