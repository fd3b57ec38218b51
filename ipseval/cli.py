"""The command line: ``ipseval <command>``, or ``python -m ipseval <command>``.

Exit status: 0 when all is well, 1 when faults were found, 2 when the command was used wrongly. A command
whose 1 is an answer (``compare``, ``scan``) has 2 when there is none, too.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ipseval import running
from ipseval.commands import check as command_check
from ipseval.commands import compare as command_compare
from ipseval.commands import dummy as command_dummy
from ipseval.commands import init as command_init
from ipseval.commands import list as command_list
from ipseval.commands import run as command_run
from ipseval.commands import scan as command_scan
from ipseval.errors import reported


@dataclass(frozen=True)
class Command:
    """A command: what it is for, the arguments it takes, the function that returns its exit status, and the exit status
    when it could not do its work.
    """

    meaning: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    failed: int = 1


COMMANDS: dict[str, Command] = {
    "init": Command("propose a cohort file for a folder of extracts", command_init.arguments, command_init.run),
    "dummy": Command(
        "draw a delivery in the form of a cohort file, of persons who do not exist",
        command_dummy.arguments,
        command_dummy.run,
    ),
    "list": Command("list cohorts, stages and analyses", command_list.arguments, command_list.run),
    "run": Command("run a cohort, or one stage of it", command_run.arguments, command_run.run),
    "release": Command("run a cohort and say what may leave", command_run.release_arguments, command_run.release),
    "clean": Command("remove the results of one cohort", command_run.clean_arguments, command_run.clean),
    "simulate": Command("draw a trial with planted effects", command_run.simulate_arguments, command_run.simulate),
    "check": Command("find every fault of a cohort file and its extracts", command_check.arguments, command_check.run),
    "compare": Command(
        "say what moved between two results, and why", command_compare.arguments, command_compare.run, failed=2
    ),
    "scan": Command(
        "look for what must not leave in finished files", command_scan.arguments, command_scan.run, failed=2
    ),
}


def parser() -> argparse.ArgumentParser:
    """The parser of every command in ``COMMANDS``."""
    whole = argparse.ArgumentParser(
        prog="ipseval",
        description="Effects of a multicentre trial on registry data: extracts in, effect tables out.",
        epilog="A run is one of Snakemake: `snakemake --cores 4` in the project's folder says the same.",
    )
    commands = whole.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        command.arguments(commands.add_parser(name, help=command.meaning, description=command.run.__doc__))
    return whole


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; a user's mistakes are paragraphs on standard error, and nothing shows a person's value."""
    with reported():
        running.surroundings(of_snakemake="")
    chosen = parser().parse_args(argv)
    command = COMMANDS[chosen.command]
    with reported(status=command.failed):
        status = command.run(chosen)
    return status
