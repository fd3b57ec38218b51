"""Stage present: tables, figures and the page that shows them all, from the review tables."""

from ipseval.figures import FIGURES
from ipseval.tables import TABLES

TABLE_KINDS = ("csv", "md", "html")
FIGURE_KINDS = ("png", "svg")


def products() -> dict[str, str]:
    """Files of the stage under ``results/<cohort>/``, by name: ``flow_csv`` -> ``review/tables/flow.csv``."""
    return {
        "index": "review/tables/index.html",
        **{f"{name}_{kind}": f"review/tables/{name}.{kind}" for name in TABLES for kind in TABLE_KINDS},
        **{f"{name}_{kind}": f"review/figures/{name}.{kind}" for name in FIGURES for kind in FIGURE_KINDS},
    }
