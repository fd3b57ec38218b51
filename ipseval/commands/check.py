"""``ipseval check``: the check stage without Snakemake, for a delivery that has just arrived."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ipseval import exchange, store, words
from ipseval.check import Checked, examine
from ipseval.commands import arguments as kinds
from ipseval.config import Cohort
from ipseval.errors import Fault, UserError
from ipseval.figures.over_time import picture
from ipseval.registers import digests, fingerprint
from ipseval.registers.findings import SEVERITY
from ipseval.registers.origins import Origins
from ipseval.registers.progress import shown
from ipseval.registers.proposed import left_to_check
from ipseval.settings import read_cohort
from ipseval.tables.checked import findings
from ipseval.tables.render import to_html
from ipseval.tables.review import Review

ROWS = f"{exchange.PERSON}/rows.csv"
ORDER = ("information", "warning")  # the most important last, where the eye is


def arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("cohort", type=kinds.file, metavar="COHORT", help="the cohort file, e.g. north.yaml")
    parser.add_argument(
        "--results", type=Path, default=Path("results"), metavar="DIR", help="where results of an earlier delivery lie"
    )
    parser.add_argument("--out", type=kinds.new_folder, metavar="DIR", help="write quality.csv and quality.html there")
    parser.add_argument(
        "--rows",
        action="store_true",
        help=f"write file, row and key of every row at fault to DIR/<cohort>/{ROWS} of --results, which may not leave",
    )


def run(chosen: Namespace) -> int:
    """Read every extract that a cohort file names and say all that is wrong with it, in counts, and how the delivery
    differs from the one that results were made from.

    Nothing of the results is touched. The exit status is 1 when something would stop the run.
    """
    cohort = read_cohort(chosen.cohort)
    results, origins = chosen.results / cohort.name, Origins() if chosen.rows else None
    with shown(sys.stderr):
        checked = examine(cohort, origins)
        differs = "" if checked.faults else _differs(cohort, checked, results)
    said = [(SEVERITY[action], sentence) for action, sentence in checked.said]
    for severity, sentence in sorted(said, key=lambda one: ORDER.index(one[0])):
        print(f"{severity}: {sentence}")
    print(differs, end="\n" if differs else "")
    if chosen.out:
        _write(chosen.out, cohort, checked)
    if origins is not None:
        print(_write_rows(results, origins))
    sys.stdout.flush()
    print(*checked.faults, sep="\n", end="\n" if checked.faults else "", file=sys.stderr, flush=True)
    print(_summary(cohort, chosen.cohort, checked))
    return 1 if checked.faults else 0


def _differs(cohort: Cohort, checked: Checked, results: Path) -> str:
    """How the delivery differs from the one that the results were made from; nothing when there are none."""
    last = fingerprint.last(exchange.last_checked(results))
    if last is None:
        return ""
    now = fingerprint.fingerprint(cohort, checked.frames, checked.matched, digests.digests(cohort))
    made = {"fingerprint": now, "drift": fingerprint.drift(last, now, checked.frames)}
    return fingerprint.note(cohort, last, made) or f"{cohort.name}: the same delivery as the one that was used last."


def _summary(cohort: Cohort, file: Path, checked: Checked) -> str:
    n_faults, actions = len(checked.faults), [action for action, _ in checked.said]
    n_warnings = sum(SEVERITY[action] == "warning" for action in actions)
    counts = {"fault": n_faults, "warning": n_warnings}
    counts |= {"mended finding": actions.count("fix"), "note": actions.count("note")}
    said = words.listed([f"{n} {what}{'s' if n != 1 else ''}" for what, n in counts.items()])
    n_marks = left_to_check(file.read_text(encoding="utf-8"))
    guesses = f" {n_marks} guesses of `ipseval init` are still marked CHECK." if n_marks else ""
    after = (
        "The run would stop: mend the faults and check again."
        if n_faults
        else f"Next: .venv/bin/snakemake --cores 4 --config cohort={file}"
    )
    return f"{cohort.name}: {said}.{guesses}\n{after}"


def _write(folder: Path, cohort: Cohort, checked: Checked) -> None:
    """``quality.csv``, and the same as a page with what stops the run."""
    stops = tuple(f"{fault}" for fault in checked.faults)
    notes = (f"{len(stops)} fault{'s' if len(stops) != 1 else ''} would stop the run.", *stops) if stops else ()
    tables = {"quality": store.as_read(checked.quality), "register_by_month": checked.by_month}
    review = Review(cohort, tables)
    table = replace(findings(review.rows("quality"), notes=notes), picture=picture(review))
    page = to_html(words.one_line(cohort.title), table)
    with _writing(folder, "--out"):
        store.write(folder / "quality.csv", checked.quality)
        store.write(folder / "quality.html", page)
    print(f"written: {folder / 'quality.csv'} and {folder / 'quality.html'}")


def _write_rows(results: Path, origins: Origins) -> str:
    """File, row and key of every row at fault, among what only its owner can read; where they are and how many."""
    file, table = results / ROWS, origins.table()
    with _writing(results, "--results"):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.parent.chmod(0o700)
        store.write(file, table)
        file.chmod(0o600)
    n_rows, n_persons = len(table), table["key"].nunique()
    return (
        f"written: {file}, {n_rows} line{'s' if n_rows != 1 else ''} about {n_persons} person"
        f"{'s' if n_persons != 1 else ''}. It holds keys of persons and may not leave."
    )


@contextmanager
def _writing(folder: Path, option: str) -> Iterator[None]:
    """What keeps files from being written becomes a fault."""
    try:
        yield
    except OSError as error:
        remedy = f"Name another folder after {option}."
        raise UserError([Fault(str(folder), f"cannot be written to ({error.strerror}).", remedy)]) from None
