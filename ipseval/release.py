"""Stage release: what may leave, made of protected tables only."""

from collections.abc import Mapping
from dataclasses import asdict

from ipseval import protect
from ipseval.bundle import bundle
from ipseval.config import Cohort
from ipseval.disclosure import profiles, released
from ipseval.present import RELEASE, present
from ipseval.present import products as presented

FOLDER = f"{RELEASE}/"


def products() -> dict[str, str]:
    """Files of the stage under ``results/<cohort>/``, by name."""
    others = protected() | presented(RELEASE)
    return presented(RELEASE) | bundle.products(file.removeprefix(FOLDER) for file in others.values())


def protected() -> dict[str, str]:
    """Files of stage ``protect`` that may leave, under ``results/<cohort>/``, by name."""
    return {name: file for name, file in protect.products().items() if file.startswith(FOLDER)}


def release(cohort: Cohort, made: Mapping[str, str]) -> dict[str, str | bytes]:
    """Print tables, draw figures, and write the report and what an output checker needs.

    Parameters
    ----------
    cohort : Cohort
    made : mapping
        The files of stage ``protect`` under ``release/``, by name, as text.

    Returns
    -------
    dict
        The content of every file of :func:`products`, by name.
    """
    read = {name: released.read(text) for name, text in made.items()}
    parts = {name: released.parted(read[f"released_{name}"]) for name in protect.RELEASED}
    tables, hidden = ({name: both[place] for name, both in parts.items()} for place in (0, 1))
    chosen = asdict(profiles.profile(cohort.disclosure["profile"]))
    contents = present(cohort, tables, RELEASE, hidden, chosen)
    places = protected() | presented(RELEASE)
    files = {places[name].removeprefix(FOLDER): content for name, content in {**made, **contents}.items()}
    known = {name.removeprefix("released_"): table for name, table in read.items()}
    return contents | bundle.bundle(bundle.facts(cohort, chosen, known, files), files)
