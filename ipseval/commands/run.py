"""``ipseval run``, ``release``, ``clean`` and ``simulate``: the workflow by the names of cohorts and stages."""

import os
import shutil
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ipseval import exchange, locks
from ipseval.commands import arguments as kinds
from ipseval.errors import Fault, UserError, nearest
from ipseval.products import PRODUCTS
from ipseval.settings import ROOT, read_cohort
from ipseval.simulate import simulate_to

COHORTS = ROOT / "config" / "cohorts"
LEFT = {"logs", exchange.PERSON, exchange.UNVERIFIED, *exchange.FOLDERS, *exchange.RECORDS}  # by runs
SIMULATIONS = ROOT / "config" / "simulations"


def arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``run``."""
    _where(parser)
    parser.add_argument(
        "--only", type=_stage, metavar="STAGE", help="this stage and those that it needs; ipseval list names them"
    )


def release_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``release``."""
    _where(parser)


def clean_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``clean``."""
    _of_cohort(parser)


def simulate_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of ``simulate``."""
    parser.add_argument("plan", type=kinds.file, metavar="PLAN", help=f"a plan, such as those of {SIMULATIONS.name}/")
    parser.add_argument("folder", type=kinds.new_folder, metavar="DIR", help="where the extracts are written")


def _of_cohort(parser: ArgumentParser) -> None:
    parser.add_argument("cohort", type=cohort_file, metavar="COHORT", help="a cohort file, or a name of config/cohorts")
    parser.add_argument(
        "--results", type=kinds.new_folder, metavar="DIR", help="folder of the results (default: that of the project)"
    )


def _where(parser: ArgumentParser) -> None:
    _of_cohort(parser)
    parser.add_argument(
        "--cores", type=kinds.count, default=4, metavar="N", help="stages at once, at most (default: %(default)s)"
    )


def cohort_file(text: str) -> Path:
    """A cohort file: one that is there, or one of ``config/cohorts`` by its name."""
    named = COHORTS / f"{text}.yaml"
    return named if named.is_file() else kinds.file(text)


def _stage(text: str) -> str:
    """A stage."""
    if text not in PRODUCTS:
        raise kinds.ArgumentTypeError(f"'{text}' is no stage. {nearest(text, PRODUCTS) or ', '.join(PRODUCTS)}")
    return text


def run(chosen: Namespace) -> int:
    """Run a cohort, or one stage of it and what that needs: one line a stage, and where the report is.

    Snakemake does the work: what is made already is not made again.
    """
    return _snakemake(chosen, chosen.only)


def release(chosen: Namespace) -> int:
    """Run a cohort and say where what may leave is, once it has passed every check."""
    status = _snakemake(chosen, None)
    folder = _folder(chosen)
    if not status and exchange.is_whole(folder):
        n = sum(file.is_file() for file in (folder / "release").rglob("*"))
        print(f"{folder.name}: {n} files may leave: {folder}/release; README.md there says what each is")
    return status


def clean(chosen: Namespace) -> int:
    """Remove everything that runs of one cohort have left, and nothing of other cohorts or of the delivery."""
    folder = _folder(chosen)
    if not folder.is_dir():
        raise UserError([Fault(str(folder), "is not there: nothing to remove.", "Name the folder with --results.")])
    with locks.run(folder):
        if unknown := _unknown(folder):
            what = f"holds what no run has left: {', '.join(unknown)}."
            raise UserError([Fault(str(folder), what, "Move it elsewhere; then everything else can be removed.")])
        n = sum(file.is_file() for file in folder.rglob("*"))
        for inner in folder.iterdir():
            shutil.rmtree(inner) if inner.is_dir() else inner.unlink(missing_ok=True)
    folder.rmdir()
    print(f"removed: {folder} ({n} files)")
    return 0


def _unknown(folder: Path) -> list[str]:
    """What somebody else put among the results of a cohort."""
    made = {file for files in PRODUCTS.values() for file in files.values()}
    inside = [file for name in exchange.FOLDERS for file in (folder / name).rglob("*") if file.is_file()]
    beside = [inner.name for inner in folder.iterdir() if inner.name not in LEFT]
    return sorted([*beside, *(name for f in inside if (name := f.relative_to(folder).as_posix()) not in made)])


def simulate(chosen: Namespace) -> int:
    """Draw a trial with planted effects and write its extracts, as registers deliver them."""
    simulate_to(chosen.plan, chosen.folder)
    print(f"written: {len(list(chosen.folder.glob('*.parquet')))} extracts into {chosen.folder}")
    return 0


def _folder(chosen: Namespace) -> Path:
    """``results/<cohort>``."""
    return _results(chosen) / read_cohort(chosen.cohort).name


def _results(chosen: Namespace) -> Path:
    return chosen.results or ROOT / "results"


def _snakemake(chosen: Namespace, stage: str | None) -> int:
    """Run Snakemake in the project's folder, and return its exit status; faults are the last that it says."""
    read_cohort(chosen.cohort)
    config = [f"cohort={chosen.cohort.resolve()}", f"results={_results(chosen).resolve()}"]
    command = [sys.executable, "-m", "snakemake", "--cores", str(max(chosen.cores, 1))]
    command += ["--config", *config, *(["--", stage] if stage else [])]
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"PATH": programs}, check=False).returncode
