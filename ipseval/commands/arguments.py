"""Kinds of arguments of the command line: what names a file or a folder has to name one, and numbers have bounds."""

from argparse import ArgumentTypeError
from pathlib import Path

from ipseval.errors import nearest


def file(text: str) -> Path:
    """A file that is there."""
    path = Path(text).expanduser()
    if path.is_file():
        return path
    beside = (p.name for p in path.parent.iterdir()) if path.parent.is_dir() else ()
    raise ArgumentTypeError(f"'{text}' is no file. {nearest(path.name, beside)}".rstrip())


def folder(text: str) -> Path:
    """A folder that is there."""
    path = Path(text).expanduser()
    if path.is_dir():
        return path
    raise ArgumentTypeError(f"'{text}' is no folder.")


def new_folder(text: str) -> Path:
    """A folder that is there or can be made."""
    path = Path(text).expanduser()
    if any(p.exists() and not p.is_dir() for p in (path, *path.parents)):
        raise ArgumentTypeError(f"'{text}' cannot be a folder: there is a file of that name.")
    return path


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise ArgumentTypeError(f"'{text}' is no number from 0 to 1.")
    return number


def count(text: str) -> int:
    """A whole number from 0 on."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"'{text}' is no whole number from 0 on.")
    return int(text)
