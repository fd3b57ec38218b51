"""``ipseval scan``: an independent look at files that are to leave."""

import getpass
import socket
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ipseval.commands import arguments as kinds
from ipseval.scan import Finding, keys_of, limits_of, scan, settings
from ipseval.settings import default_settings


def arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    profile, key = default_settings()["disclosure"]["profile"], settings()["person_id"]
    parser.add_argument("folder", type=kinds.folder, metavar="FOLDER", help="e.g. results/north/release")
    parser.add_argument("--trial", type=kinds.file, metavar="FILE", help="trial list, whose keys must stand nowhere")
    parser.add_argument("--key", default=key, metavar="COLUMN", help="its column of keys (default: %(default)s)")
    parser.add_argument("--review", type=kinds.folder, metavar="FOLDER", help="look for the numbers that were hidden")
    parser.add_argument(
        "--profile", default=profile, metavar="NAME", help="of config/disclosure.yaml (default: %(default)s)"
    )


def run(chosen: Namespace) -> int:
    """Read every file of a folder that is to leave, by what it is, and say where small counts, keys of persons, paths,
    names, days, hidden parts or hidden numbers stand: the place and the rule, never the value.

    It shares no code with what made the files. The exit status is 1 when something was found, 2 when the command could
    not do its work.
    """
    limits = limits_of(chosen.profile)
    keys = keys_of(chosen.trial, chosen.key) if chosen.trial else frozenset()
    findings = scan(chosen.folder, **limits, keys=keys, review=chosen.review, names=_own_names())
    for finding in findings:
        print(finding)
    print(_summary(chosen, findings, len(keys)))
    return 1 if findings else 0


def _summary(chosen: Namespace, findings: list[Finding], n_keys: int) -> str:
    n_files = sum(path.is_file() for path in chosen.folder.rglob("*"))
    n, in_files = len(findings), len({finding.file for finding in findings})
    said = f"{n} finding{'s' if n != 1 else ''} in {in_files} of {n_files} file{'s' if n_files != 1 else ''}"
    against = f"{n_keys} keys of the trial list" if chosen.trial else "no trial list (--trial)"
    inside = "the tables inside" if chosen.review else "no tables inside (--review)"
    return f"{said}; profile {chosen.profile}, {against}, {inside}. Pictures (PNG) were not looked at."


def _own_names() -> tuple[str, ...]:
    """Names of this user and machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        user = ""
    return tuple(dict.fromkeys(filter(None, (user, Path.home().name, socket.gethostname()))))
