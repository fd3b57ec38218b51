"""What a rule of the check is: what it finds, in words, and what is done about it."""

import re
from dataclasses import dataclass

ACTIONS = ("stop", "drop", "fix", "warn", "note")


@dataclass(frozen=True)
class Rule:
    """A rule: what it finds, in words that follow "n of m rows of <file>", and what is done.

    Parameters
    ----------
    action : str
        ``stop`` (nothing is written), ``drop`` (rows left out), ``fix`` (mended as ``finds`` says), ``warn``, or
        ``note`` (nothing is wrong).
    finds, remedy : str
        Wording of the message. ``{column}`` stands for the column concerned, ``[one|many]`` for the form that
        agrees with the count.
    done : str
        What becomes of the rows when nothing else was asked for.
    others : tuple of str
        Actions that a cohort file may ask for instead, under ``checks``.
    """

    action: str
    finds: str
    remedy: str = "Nothing to do."
    others: tuple[str, ...] = ()
    done: str = ""


def agreeing(text: str, n: int) -> str:
    """Choose among ``[one|many]`` by a count."""
    return re.sub(r"\[([^|\]]*)\|([^\]]*)\]", lambda m: m[1] if n == 1 else m[2], text)


def in_words(text: str, column: str = "") -> str:
    """Wording for many rows; places that a message fills in become ``...``, save the column where it is known."""
    usual = {
        "{extract}.{column}": "<extract>.<column>",
        "{label}": "the extract",
        "{units}": "months",
        "{unit}": "month",
    }
    for place, words in usual.items():
        text = text.replace(place, words)
    text = agreeing(text, 2)
    if column:
        article = "an" if column[0] in "aeiou" else "a"
        text = text.replace("{column}", column).replace("{article}", article)
    return re.sub(r"\s+", " ", re.sub(r"\{\{(.*?)\}\}", r"{\1}", re.sub(r"(?<!\{)\{\w+\}(?!\})", "...", text))).strip()


WARN, STOP, BOTH = ("warn",), ("stop",), ("stop", "warn")  # what a cohort file may ask for instead
