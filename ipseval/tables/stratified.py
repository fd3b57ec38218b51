"""What tables and figures say of the strata that arms were compared in."""

from collections.abc import Iterable

from ipseval import words
from ipseval.language import phrases, say
from ipseval.tables.review import Record

STRATA = phrases(
    {
        "centre": "centre",
        "centre + stratum": "centre and stratum",
        "centre + block": "centre and block",
        "centre + stratum + block": "centre, stratum and block",
    }
)


def stratified(rows: Iterable[Record]) -> tuple[str, ...]:
    """The sentence on strata, where there are several; nothing for a trial with one."""
    names = dict.fromkeys(str(row["stratified_by"]) for row in rows)
    several = [name for name in names if name in STRATA]
    if not several:
        return ()
    return (
        say(
            "Stratified by {strata}: arms are compared within them, and strata are put together with overlap weights, "
            "n₁n₀/n for two arms, as dummies for the strata weigh. Strata that lack an arm are left out.",
            strata=words.worded(STRATA, several[-1]),
        ),
    )
