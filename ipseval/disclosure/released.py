"""Released tables as files: which of their columns are labels, and the sign of a hidden number."""

import io
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from ipseval import store
from ipseval.words import HIDDEN_SIGN

LABELS = frozenset(
    [
        *("cohort", "analysis", "outcome", "estimator", "subgroup", "centre", "month", "month_from", "month_to", "arm"),
        *(
            "reference_arm",
            "adjustment",
            "variance",
            "status",
            "step",
            "order",
            "variable",
            "level",
            "service",
            "codes",
        ),
        *(
            "term",
            "kind",
            "weighting",
            "tau_estimator",
            "joint_test",
            "is_base",
            "is_main",
            "month_rule",
            "min_weekly_hours",
        ),
        *(
            "by_month",
            "cost_difference",
            "exclude_wage_subsidy",
            "time",
            "measure",
            "about",
            "method",
            "family",
            "stratified_by",
            "unit",
        ),
        *(
            "event",
            "on",
            "team",
            "characteristic",
            "value",
            "code",
            "date",
            "group",
            "other_group",
            "review_on",
            "part",
            "band",
            "rater",
            "source",
        ),
    ]
)
INSIDE = frozenset(
    {
        "share_largest",
        "share_two_largest",
        "n_not_known",
        "n_left_out",
        "n_unknown_assigned",
        "n_unknown_control",
        "n_mended",
        "because",
        "because_assigned",
        "because_control",
    }
)  # columns that only the rules of disclosure control need
TEXTS = frozenset({"note", "reason"})  # sentences: released when they hold no number


def parted(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A released table as numbers, missing where they are hidden, and where that is; as read from its file."""
    numbers = [name not in LABELS | TEXTS for name in table.columns]
    hidden = (table.astype(object) == HIDDEN_SIGN) & numbers
    return store.as_read(table.astype(object).mask(hidden)), hidden


def read(text: str) -> pd.DataFrame:
    """A released table from its file, all columns as text."""
    return pd.read_csv(io.StringIO(text), dtype="str", keep_default_na=False, na_values=[""])


def read_all(files: Iterable[str | Path]) -> dict[str, pd.DataFrame]:
    """Released tables by the names of their files."""
    return {Path(file).stem: read(Path(file).read_text(encoding="utf-8")) for file in files}
