"""``ipseval compare``: what moved between two results, and what may have moved it."""

import json
import math
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict

from ipseval import words
from ipseval.causes import Cause
from ipseval.commands import arguments as kinds
from ipseval.compare import Difference, Lone, compare
from ipseval.headline import Headline

SHORT = 60  # characters of a value in print


def arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("before", type=kinds.folder, metavar="A", help="results/<cohort>, or a folder of such folders")
    parser.add_argument("after", type=kinds.folder, metavar="B", help="the other one")
    parser.add_argument(
        "--tolerance",
        type=kinds.share,
        default=1e-9,
        metavar="T",
        help="a number has moved when |B - A| / max(1, |A|, |B|) is above T (default: %(default)s)",
    )
    parser.add_argument(
        "--most",
        type=kinds.count,
        default=20,
        metavar="N",
        help="print so many values and rows; 0: all (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="everything as JSON, for scripts")


def run(chosen: Namespace) -> int:
    """Compare the tables of two results number by number: what moved, the largest first, and what the two runs do not
    share of input, configuration, code and libraries.

    Only tables of counts and estimates are read, never person/. The exit status is 0 when every table has the same
    rows and numbers, 1 when something moved, 2 when the results cannot be compared.
    """
    differences = compare(chosen.before, chosen.after, chosen.tolerance)
    is_same = all(difference.is_same for difference in differences)
    if chosen.json:
        print(as_json(differences, is_same, chosen.tolerance))
    else:
        print("\n\n".join("\n".join(told(difference, chosen.most)) for difference in differences))
    return 0 if is_same else 1


def as_json(differences: list[Difference], is_same: bool, tolerance: float) -> str:
    """All differences; a size that is infinite is null."""
    content = [asdict(difference) | {"is_same": difference.is_same} for difference in differences]
    for moved in (moved for cohort in content for moved in cohort["moved"]):
        moved["size"] = moved["size"] if math.isfinite(moved["size"]) else None
    return json.dumps({"is_same": is_same, "tolerance": tolerance, "cohorts": content}, indent=2, ensure_ascii=False)


def told(difference: Difference, most: int) -> Iterator[str]:
    """What differs, in lines: the headline effects, the keys that differ, what moved by table, then files."""
    yield from _headlines(difference)
    yield from _why(difference)
    yield f"{difference.cohort}: {_summary(difference)}"
    counts = Counter(m.file for m in difference.moved)
    yield from (f"  {file}: {n} value{'s' if n > 1 else ''} moved" for file, n in sorted(counts.items()))
    shown = difference.moved[: most or None]
    if shown:
        left = f" ({len(shown)} of {len(difference.moved)}; --most 0 shows all)"
        yield f"What moved, the largest first{left if len(shown) < len(difference.moved) else ''}:"
    for m in shown:
        by = f" (by {m.size:.3g})" if math.isfinite(m.size) else ""
        yield f"  {m.file} [{_place(m.row)}] {m.column}: {_short(m.before)} -> {_short(m.after)}{by}"
    yield from _lone(difference.lone, most)
    pages = difference.pages[: most or None]
    if pages:
        left = f" ({len(pages)} of {len(difference.pages)})" if len(pages) < len(difference.pages) else ""
        yield f"Other files that differ{left}:"
    yield from (f"  {file}" for file in pages)


def _headlines(difference: Difference) -> Iterator[str]:
    """The headline effects before and after: those that moved, or that none has."""
    moved = [one for one in difference.headlines if not one.is_same]
    if difference.is_same or not difference.headlines:
        return
    if not moved:
        yield f"{difference.cohort}: no headline effect moved: {_named(difference.headlines[0])}"
        yield f"  {difference.headlines[0].after}"
        return
    yield f"{difference.cohort}: headline effects that moved (percentage points, with shares and persons of both arms):"
    for one in moved:
        yield f"  {_named(one)}"
        yield f"    A: {words.one_line(one.before) or 'not there'}"
        yield f"    B: {words.one_line(one.after) or 'not there'}"


def _named(one: Headline) -> str:
    which = {name: words.one_line(value) for name, value in one.which.items()}
    where = "" if which["centre"] == "all" else f" in centre {which['centre']}"
    return (
        f"{which['analysis']}{where}: {which['arm']} against {which['reference_arm']}, {which['outcome']}, months "
        f"{which['month_from']} to {which['month_to']}"
    )


def _summary(difference: Difference) -> str:
    n = len(difference.moved)
    finite = [m.size for m in difference.moved if math.isfinite(m.size)]
    parts = [f"{n} value{'s' if n > 1 else ''} moved{f', numbers by up to {max(finite):.3g}' if finite else ''}"] * (
        n > 0
    )
    for (kind, side), n in sorted(Counter((x.kind, x.only_in) for x in difference.lone).items()):
        parts.append(f"{n} {kind}{'s' if n > 1 else ''} only in {_side(side)}")
    said = "; ".join(parts) or "every table has the same rows and numbers"
    pages = len(difference.pages)
    return f"{said}.{f' Other files that differ: {pages}.' if pages else ''}"


def _why(difference: Difference) -> Iterator[str]:
    """What the two runs do not share; that nothing is recorded, when something moved."""
    if difference.causes:
        first = sorted(difference.causes, key=lambda cause: cause.kind != "configuration")  # the keys that differ
        yield "What the two runs do not share:"
        yield from (f"  {_cause(cause)}" for cause in first)
    elif difference.moved:
        yield "The two manifests record the same input, configuration, code and libraries."


def _cause(cause: Cause) -> str:
    what = words.one_line(cause.what)
    if cause.kind == "file":
        side = "A" if cause.before else "B"
        return f"{what}: in {side} it is not the file that the manifest of {side} recorded; it was changed later"
    if cause.kind == "input" or (cause.kind == "code" and what == "sha256"):
        before, after = (value[:12] for value in (cause.before, cause.after))
        return f"{cause.kind}: {what} {before} -> {after}"
    return f"{cause.kind}: {what} {_short(cause.before)} -> {_short(cause.after)}"


def _lone(lone: tuple[Lone, ...], most: int) -> Iterator[str]:
    shown = [x for x in lone if x.kind != "cohort"][: most or None]
    if shown:
        yield f"Only in one of the two{f' ({len(shown)} of {len(lone)})' if len(shown) < len(lone) else ''}:"
    for x in shown:
        yield f"  {x.kind} only in {_side(x.only_in)}: {x.file}{f' [{_place(x.row)}]' if x.row else ''}"


def _side(only_in: str) -> str:
    return {"before": "A", "after": "B"}[only_in]


def _place(row: dict[str, str]) -> str:
    return ", ".join(f"{name} {words.one_line(value)}" for name, value in row.items() if value)


def _short(value: str) -> str:
    text = words.one_line(value) or "(empty)"
    return text if len(text) <= SHORT else f"{text[: SHORT - 3]}..."
