"""Files of every stage, and which of them present and verify read.

They are named by where they stand once they are verified; see :mod:`ipseval.exchange`.
"""

from ipseval import present, protect, release, store
from ipseval.clean import CLEAN
from ipseval.contracts import EXTRACTS
from ipseval.exchange import working

PRODUCTS = {
    **store.PRODUCTS,
    "protect": protect.products(),
    "present": present.products(),
    "release": release.products(),
}
# What protect and verify read, and present besides which files: stage -> the names of its tables.
REVIEWED = {
    "check": ("quality",),
    "cohort": ("flow",),
    "describe": (
        "inclusion",
        "balance",
        "wage_subsidy",
        "employment_by_month",
        "organisation",
        "fidelity",
        "fidelity_summary",
        "timeline",
        "exposure",
    ),
    "estimate": ("effects", "coefficients"),
    "randomise": ("randomisation", "bands"),
    "synthesise": ("heterogeneity", "centre_effects", "pooled_effects", "organisation_tests"),
    "follow": ("time_to_job", "restricted_mean", "accumulated", "achieved", "cost"),
    "vary": ("specifications",),
    "receive": ("receipt", "complier_effects"),
    "placebo": ("event_study", "placebo"),
    "bound": ("missing_data",),
    "published_comparison": ("published_comparison",),
}
# Which files the results come from, and the register by month, are for inside.
PRESENTED = {**REVIEWED, "check": ("quality", "fingerprint", "register_by_month")}
COMPARED = {"describe": ("inclusion", "wage_subsidy", "balance"), "estimate": ("effects", "coefficients")}
VERIFIED = {
    **REVIEWED,
    "check": ("quality", "fingerprint"),
    "cohort": ("flow", "people"),
    "panel": ("panel",),
}
CLEANED = tuple(EXTRACTS)  # verify begins from them; named apart from the tables of the same name
PROTECTED = {"protect": tuple(name for name, file in protect.products().items() if file.startswith("release/"))}
SHOWN = ("present", "release")  # stages that leave pages, which are marked until they are verified


def place(stage: str, name: str) -> str:
    """Where a stage leaves a file, relative to ``results/<cohort>/``."""
    return working(PRODUCTS[stage][name])


def verified() -> dict[str, str]:
    """What verify reads: name -> file, relative to ``results/<cohort>/``; cleaned extracts begin with ``clean_``."""
    tables = {name: place(stage, name) for stage, names in VERIFIED.items() for name in names}
    return tables | {f"{CLEAN}{name}": place("clean", name) for name in CLEANED}


PLACES = [place(stage, name) for stage, files in PRODUCTS.items() for name in files]
