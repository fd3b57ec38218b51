"""``ipseval init``: a cohort file for a folder of extracts, to be looked through by whoever knows the delivery."""

import os
import re
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ipseval import store
from ipseval.commands import arguments as kinds
from ipseval.errors import Fault, UserError
from ipseval.registers.delivered import Delivery
from ipseval.registers.progress import shown
from ipseval.registers.propose import proposal
from ipseval.registers.proposed import Found, left_to_check
from ipseval.registers.recognise import Guess, families, plain, recognise
from ipseval.registers.survey import Survey, survey
from ipseval.registers.trial_lists import converted
from ipseval.settings import ROOT

COHORTS = ROOT / "config" / "cohorts"


def arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("folder", type=kinds.folder, metavar="DIR", help="the folder of the Parquet extracts")
    parser.add_argument("--cohort", metavar="NAME", help="name of the cohort; without it, the folder's")
    parser.add_argument(
        "--out", type=kinds.new_folder, default=COHORTS, metavar="DIR", help="write it there, not into config/cohorts"
    )
    parser.add_argument(
        "--trial", type=kinds.file, metavar="FILE", help="the trial list, where it lies elsewhere: also CSV, Excel, ..."
    )
    parser.add_argument(
        "--person",
        type=kinds.new_folder,
        metavar="DIR",
        help="where a trial list that is no Parquet is converted to; without it, person/ beside DIR",
    )


def run(chosen: Namespace) -> int:
    """Look at a folder of Parquet extracts and propose a cohort file: which file is which extract, which column is
    which, arms, centres and months. Every guess is marked CHECK. Nothing is overwritten.
    """
    name = _name(chosen)
    file = chosen.out / f"{name}.yaml"
    if file.exists():
        raise UserError([Fault(str(file), "is there already.", "Choose another name with --cohort, or remove it.")])
    person = chosen.person or chosen.folder.resolve().parent / "person"
    if person.resolve() in (chosen.out.resolve(), file.resolve().parent) or person.resolve().is_relative_to(
        ROOT / "config"
    ):
        what = "is the folder of the cohort file: a trial list holds persons, and has no place beside it."
        raise UserError([Fault(str(person), what, "Choose another folder with --person or --out.")])
    with shown(sys.stderr):
        found = look(chosen.folder, person, chosen.trial)
    extracts = Path(os.path.relpath(chosen.folder.resolve(), chosen.out.resolve())).as_posix()
    text = proposal(name, extracts, found)
    try:
        store.write(file, text)
    except OSError as error:
        raise UserError([Fault(str(file), f"cannot be written ({error.strerror}).", "Choose --out.")]) from None
    print(_told(file, text, found))
    return 0


def look(folder: Path, person: Path, trial: Path | None = None) -> Found:
    """Recognise the files of a folder and look into them, at the trial's persons only.

    Parameters
    ----------
    folder : Path
    person : Path
        Folder that a trial list that is no Parquet is converted into.
    trial : Path, optional
        The trial list, where it lies elsewhere.

    Raises
    ------
    UserError
        The folder holds no Parquet, or ``trial`` is no trial list.
    """
    deliveries = families(folder)
    broken = tuple(name for delivery in deliveries for name in delivery.broken)
    if not any(delivery.files for delivery in deliveries):
        what = "holds no Parquet file that can be read."
        raise UserError([Fault(str(folder), what, "Name the folder that the extracts were delivered into.")])
    guesses = recognise(deliveries)
    lacks = "trial" not in guesses or bool(guesses["trial"][0].missing)
    other, list_of_trial = converted(folder, person, trial, lacks)
    if list_of_trial:
        guesses = {"trial": (list_of_trial.guess,), **{name: own for name, own in guesses.items() if name != "trial"}}
    used = {part.delivery.pattern for parts in guesses.values() for part in parts}
    unused = tuple(_label(d) for d in deliveries if d.files and d.pattern not in used)
    labels, told = (list_of_trial.labels, list_of_trial.told) if list_of_trial else ({}, "")
    return Found(guesses, _surveys(guesses), unused, broken, other, labels, told)


def _surveys(guesses: dict[str, tuple[Guess, ...]]) -> dict[str, tuple[Survey, ...]]:
    if "trial" not in guesses:
        return {}
    trial = survey(guesses["trial"][0], None)
    others = {name: parts for name, parts in guesses.items() if name != "trial" and trial.keys}
    return {"trial": (trial,)} | {
        name: tuple(survey(part, trial.keys) for part in parts) for name, parts in others.items()
    }


def _label(delivery: Delivery) -> str:
    return delivery.names([0])[0] if len(delivery.files) == 1 else delivery.pattern


def _name(chosen: Namespace) -> str:
    """The cohort's name; the folder's as far as it is made of letters, digits and dashes."""
    if chosen.cohort is None:
        return plain(chosen.folder.resolve().name).replace("_", "-") or "cohort"
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", chosen.cohort):
        raise UserError([Fault("--cohort", "is no name.", "Use letters, digits, dashes and underscores.")])
    return str(chosen.cohort)


def _told(file: Path, text: str, found: Found) -> str:
    """What was recognised, and what comes next."""
    lines = []
    for name, guess in ((name, part) for name, parts in found.guesses.items() for part in parts):
        lacking = f"; not found: {', '.join(guess.missing)}" if guess.missing else ""
        lines.append(f"{name}: {_label(guess.delivery)}, layout {guess.layout}{lacking}")
    lines += [f"trial: no file looks like it{', name it under files' if found.guesses else ''}"] * (
        "trial" not in found.guesses
    )
    lines += [f"not used: {name}" for name in (*found.unused, *found.broken)]
    lines += [f"not used: {name} ({kind})" for name, kind in found.other.items()]
    lines += [found.converted] * bool(found.converted)
    return "\n".join(
        [
            *lines,
            f"written: {file}, with {left_to_check(text)} guesses marked CHECK.",
            "Next: edit it, then",
            f"  .venv/bin/python -m ipseval check {file}",
            f"  .venv/bin/snakemake --cores 4 --config cohort={file}",
        ]
    )
