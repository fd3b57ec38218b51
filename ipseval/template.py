"""Templates of pages and documents: text put into them stays text."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipseval.language import say, tag

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).resolve().parent / "templates"


@cache
def template(name: str) -> "Template":
    """A template of the folder ``templates``; every value is escaped, and a value that is lacking is an error.

    Every template can ``say`` texts and name the ``language``.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(TEMPLATES)
    options: Any = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    environment = Environment(loader=loader, autoescape=True, **options)
    environment.globals |= {"say": say, "language": tag}
    return environment.get_template(name)
