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


def of_few(rows: Iterable[Record]) -> tuple[str, ...]:
    """Sentences on errors that rest on strata with few persons in an arm, as the notes of rows say."""
    parts = dict.fromkeys(part for row in rows for part in str(row["note"]).split("; ") if is_of_few(part))
    return tuple(f"{words.sentence(words.note(part))}." for part in parts)


def is_of_few(part: str) -> bool:
    """Whether a part of a note says so."""
    return " persons in centres or strata of " in part


def of_large_samples(share: float) -> str:
    """What errors of large samples do in small centres: tests that reject without an effect (docs/calibration.md)."""
    return say(
        "Errors are those of large samples: in simulated trials with 2 to 20 persons in the arms of a centre "
        "differences without an effect were significant at 5 % in {share} % of trials.",
        share=words.number(100 * share, 0),
    )
