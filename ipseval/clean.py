"""Stage clean: spells of one job merged, so that every later stage sees each day of a job once."""

import pandas as pd

from ipseval.contracts import SPELL_EXTRACTS
from ipseval.spells import merge

Tables = dict[str, pd.DataFrame | None]


def clean(checked: Tables) -> Tables:
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
