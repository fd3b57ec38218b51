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
    return presented(RELEASE) | bundle.products()


def release(cohort: Cohort, protected: Mapping[str, str]) -> dict[str, str | bytes]:
    """Print tables, draw figures, and write the report and what an output checker needs.

    Parameters
    ----------
    cohort : Cohort
    protected : mapping
        The files of stage ``protect`` under ``release/``, by name, as text.

    Returns
    -------
    dict
        The content of every file of :func:`products`, by name.
    """
    read = {name: released.read(text) for name, text in protected.items()}
    parts = {name: released.parted(read[f"released_{name}"]) for name in protect.RELEASED}
    tables, hidden = ({name: both[place] for name, both in parts.items()} for place in (0, 1))
    contents = present(cohort, tables, RELEASE, hidden)
    places = protect.products() | presented(RELEASE)
    files = {places[name].removeprefix(FOLDER): content for name, content in {**protected, **contents}.items()}
    chosen = asdict(profiles.profile(cohort.disclosure["profile"]))
    known = {name.removeprefix("released_"): table for name, table in read.items()}
    return contents | bundle.bundle(bundle.facts(cohort, chosen, known, files))
