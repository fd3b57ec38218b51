"""Stage clean: spells of one job merged, so that every later stage sees each day of a job once."""

from collections.abc import Mapping

import pandas as pd

from ipseval.contracts import SPELL_EXTRACTS
from ipseval.registers.spells import merge

CLEAN = "clean_"  # what the names of cleaned extracts begin with beside tables of results, some of which share theirs
Tables = Mapping[str, pd.DataFrame | None]


def clean(checked: Tables) -> dict[str, pd.DataFrame | None]:
    """Merge the spells of every spell extract; other extracts pass unchanged.

    Parameters
    ----------
    checked : dict
        Extract -> rows of the trial's persons as ``check`` left them; None where not delivered.

    Returns
    -------
    dict
        The same extracts, sorted.
    """
    return {
        name: merge(frame) if name in SPELL_EXTRACTS and frame is not None else frame for name, frame in checked.items()
    }


def needed(tables: Tables, name: str) -> pd.DataFrame:
    """A table that must be there. Raises KeyError when it was not delivered."""
    frame = tables[name]
    if frame is None:
        raise KeyError(name)
    return frame
