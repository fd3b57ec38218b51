"""``ipseval dummy``: a delivery of persons who do not exist, in the form of a cohort file."""

import os
import re
from argparse import ArgumentParser, Namespace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ipseval import store
from ipseval.commands import arguments as kinds
from ipseval.dummy.draw import draw
from ipseval.errors import Fault, UserError
from ipseval.registers.files import every_parquet
from ipseval.settings import read_cohort

NOTE = "Drawn by `ipseval dummy` with seed {seed}: nobody in these files exists.\n"
REMARK = "remark: The persons are drawn by ipseval dummy and do not exist."


def arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("cohort", type=kinds.file, metavar="COHORT", help="the cohort file, e.g. north.yaml")
    parser.add_argument("--persons", type=kinds.count, default=40, metavar="N", help="randomised in each centre (40)")
    parser.add_argument("--seed", type=kinds.count, default=1, metavar="N", help="another draws other persons (1)")
    parser.add_argument("--plain", action="store_true", help="without the faults that registers have")
    parser.add_argument(
        "--out",
        type=kinds.new_folder,
        metavar="DIR",
        help="write it there, and a cohort file for it beside COHORT; without it, where COHORT's extracts are to lie",
    )


def run(chosen: Namespace) -> int:
    """Draw a delivery of the cohort file's own form (names, codes, layouts, dates, some faults), to try everything
    before the data are there. Equal arguments give equal files. Nothing is written over.
    """
    cohort = read_cohort(chosen.cohort)
    folder = (chosen.out or cohort.extracts).resolve()
    copy = chosen.cohort.with_name(f"{chosen.cohort.stem}-dummy.yaml") if chosen.out else None
    _refuse_what_is_there(folder, copy)
    tables = draw(cohort, max(chosen.persons, 1), chosen.seed, not chosen.plain)
    files = {Path(os.path.normpath(folder / name)): _bytes(table) for name, table in tables.items()}
    there = [file for file in files if file.exists()]
    if there:
        raise UserError([Fault(str(file), "is there already.", "Remove it, or choose --out.") for file in there])
    try:
        for file, content in files.items():
            store.write(file, content)
        store.write(folder / "DUMMY.txt", NOTE.format(seed=chosen.seed))
        if copy:
            store.write(copy, _reading(chosen.cohort.read_text(encoding="utf-8"), folder, copy))
    except OSError as error:
        raise UserError([Fault(str(folder), f"cannot be written ({error.strerror}).", "Choose --out.")]) from None
    print(_told(tables, folder, copy or chosen.cohort))
    return 0


def _refuse_what_is_there(folder: Path, copy: Path | None) -> None:
    """A delivery is never written over, nor mixed with another."""
    if folder.is_dir() and next(every_parquet(folder), None):
        what = "holds a delivery already, which is not written over."
        raise UserError([Fault(str(folder), what, "Choose another folder with --out.")])
    if copy and copy.exists():
        raise UserError([Fault(str(copy), "is there already.", "Remove it: it is the cohort file of a dummy.")])


def _bytes(table: pa.Table) -> bytes:
    written = pa.BufferOutputStream()
    pq.write_table(table, written)
    return bytes(written.getvalue().to_pybytes())


def _reading(text: str, folder: Path, copy: Path) -> str:
    """The cohort file with the dummy's folder as that of its extracts."""
    name = Path(os.path.relpath(folder, copy.parent.resolve())).as_posix()
    lines = [f"extracts: '{name}'" if re.match(r"extracts\s*:", line) else line for line in text.splitlines()]
    remark = [] if any(re.match(r"remark\s*:", line) for line in lines) else [REMARK]
    return "\n".join([*lines, *remark]) + "\n"


def _told(tables: dict[str, pa.Table], folder: Path, file: Path) -> str:
    n_rows = sum(table.num_rows for table in tables.values())
    return "\n".join(
        [
            f"written: {len(tables)} files with {n_rows} rows into {folder}; nobody in them exists.",
            "Next:",
            f"  .venv/bin/python -m ipseval check {file}",
            f"  .venv/bin/snakemake --cores 4 --config cohort={file}",
        ]
    )
