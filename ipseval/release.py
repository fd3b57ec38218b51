"""Stage release: what may leave, made of protected tables only."""

from collections.abc import Mapping

import pandas as pd

from ipseval import protect, released
from ipseval.config import Cohort
from ipseval.present import RELEASE, present
from ipseval.present import products as presented


def products() -> dict[str, str]:
    """Files of the stage under ``results/<cohort>/``, by name."""
    return presented(RELEASE)


def release(cohort: Cohort, protected: Mapping[str, pd.DataFrame]) -> dict[str, str | bytes]:
    """Print tables, draw figures and write the report of what may leave.

    Parameters
    ----------
    cohort : Cohort
    protected : mapping
        The released tables that :func:`ipseval.protect.protect` made, as they were made or read as text.

    Returns
    -------
    dict
        The content of every file of :func:`products`, by name.
    """
    parts = {name: released.parted(protected[f"released_{name}"]) for name in protect.RELEASED}
    tables, hidden = ({name: both[place] for name, both in parts.items()} for place in (0, 1))
    return present(cohort, tables, RELEASE, hidden)
