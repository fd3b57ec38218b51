"""The language of print: the code speaks English, config/languages/<code>.yaml holds the same words in another."""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from functools import cache
from pathlib import Path

ENGLISH = "en"
TAGS = {ENGLISH: "en-GB", "nb": "nb-NO", "da": "da-DK"}
FOLDER = Path(__file__).resolve().parent.parent / "config" / "languages"
_LANGUAGE: ContextVar[str] = ContextVar("language", default=ENGLISH)


@contextlib.contextmanager
def speaking(code: str) -> Iterator[None]:
    """Print in a language within the block."""
    token = _LANGUAGE.set(code)
    try:
        yield
    finally:
        _LANGUAGE.reset(token)


def spoken() -> str:
    """The code of the language that is printed."""
    return _LANGUAGE.get()


def tag() -> str:
    """The language that is printed as pages and documents name it: ``nb-NO``."""
    return TAGS[spoken()]


def phrase(text: str) -> str:
    """The text as it is: marks one that :func:`say` is given later, for the catalogues to hold it."""
    return text


def phrases(texts: Mapping[str, str]) -> Mapping[str, str]:
    """The texts as they are: marks those that :func:`say` is given later, by name, for the catalogues to hold them."""
    return texts


def say(text: str, **values: object) -> str:
    """The text in the language that is printed, with ``{name}`` replaced by values; English where it is lacking."""
    said = _catalogue(spoken()).get(text, text)
    return said.format(**values) if values else said


def say_again(sentence: str, texts: Iterable[str]) -> str:
    """A sentence that an earlier stage wrote in English, values and all, in the language that is printed.

    Parameters
    ----------
    sentence : str
    texts : iterable of str
        What it may be, with places for values; the first that fits is taken. One that fits none stays as it is.
    """
    for text in texts:
        if found := re.fullmatch(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(text)), sentence):
            return say(text, **found.groupdict())
    return sentence


@cache
def _catalogue(code: str) -> Mapping[str, str]:
    if code == ENGLISH:
        return {}
    import yaml

    content = yaml.safe_load((FOLDER / f"{code}.yaml").read_text(encoding="utf-8"))
    return dict(content["texts"])
