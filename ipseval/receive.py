"""Stage receive: who received the treatments, in which months, and the effect of receiving them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipseval.cohort import cells
from ipseval.config import Cohort
from ipseval.estimation.complier import complier_effects
from ipseval.panel import MISSING, analysed_months
from ipseval.registers.observed import within_sources

NEVER = np.iinfo(np.int32).max  # the month in which a service begins for who never has it, or ends that is still open
COUNTED, NOT_DELIVERED, NO_SUCH_SERVICE = "counted", "services_not_delivered", "no_such_service"
# fmt: off
RECEIPT_COLUMNS = [
    "centre", "arm", "service", "codes", "month_from", "month_to", "n_persons", "n_received", "n_started", "share",
    "status", "note", "n_unknown",
]
# fmt: on
NOT_KNOWN = "receipt is not observed in some months of some persons: they are left out"
OF_TREATED_ONLY = "receipt is observed of nobody in the reference arm: nobody there is taken to have received"


@dataclass(frozen=True)
class Service:
    """A treatment as it was received by n persons.

    Parameters
    ----------
    treatment : str
        The arm whose treatment it is.
    codes : tuple of str
        Codes of the extract that are this treatment.
    person, first, last : int array, length m
        Spells: row of the person, first and last month since randomisation (0 when it ran at randomisation).
    begun : int array, length n
        Month since randomisation in which each person first had it; ``NEVER``.
    unknown : bool array, n x (after + 1)
        Months 0..after of which not all days are observed.
    status : str
        ``counted``, or why nothing is known.
    note : str
        Codes that no row of the extract has.
    """

    treatment: str
    codes: tuple[str, ...]
    person: np.ndarray
    first: np.ndarray
    last: np.ndarray
    begun: np.ndarray
    unknown: np.ndarray
    status: str
    note: str

    def had_in(self, first: int, last: int) -> np.ndarray:
        """Persons with a day of it in the months ``first..last``: begun in them or before and not over; bool, n."""
        found = np.zeros(len(self.begun), dtype=bool)
        found[self.person[(self.first <= last) & (self.last >= first)]] = True
        return found

    def unknown_in(self, first: int, last: int) -> np.ndarray:
        """Persons of whom the months ``first..last`` do not tell whether they had it; bool, n."""
        return self.unknown[:, first : last + 1].any(axis=1) & ~self.had_in(first, last)

    @property
    def unknown_by_then(self) -> np.ndarray:
        """Months by which it is not known whether it was begun, since days are not observed; bool, n x (after + 1)."""
        so_far = np.logical_or.accumulate(self.unknown, axis=1)
        return so_far & (np.arange(self.unknown.shape[1]) < self.begun[:, None])

    def begun_in(self, first: int, last: int) -> np.ndarray:
        """Persons who had it for the first time in the months ``first..last``; bool, n."""
        return (self.begun >= first) & (self.begun <= last)


def receive(
    cohort: Cohort, people: pd.DataFrame, panel: pd.DataFrame, services: pd.DataFrame | None
) -> dict[str, pd.DataFrame]:
    """Count who received the treatments, and estimate the effect in those who do when assigned.

    Parameters
    ----------
    cohort : Cohort
    people : DataFrame
        One row a randomised person; those with ``is_analysed`` enter.
    panel : DataFrame
        See :func:`ipseval.panel.panel`.
    services : DataFrame or None
        Spells: ``person_id``, ``service``, ``start_on``, ``end_on``; None when not delivered.

    Returns
    -------
    dict
        ``receipt``: one row a treatment, span of months, centre (and ``all``) and arm. ``complier_effects``: one row
        a span of months and treatment. Rows without a number have the reason as their ``status``.
    """
    analysed, states = analysed_months(cohort, people, panel)
    received = [received_service(cohort, arm, analysed, services) for arm in cohort.arms.treatments]
    begun = {one.treatment: one.begun if one.status == COUNTED else one.status for one in received}
    known, notes = states.copy(), {one.treatment: one.note for one in received}
    for one in received:
        left_out, supposed = _left_out(cohort, one, analysed)
        known[:, cohort.window.before :][left_out] = MISSING
        notes[one.treatment] = "; ".join(filter(None, [one.note, supposed]))
    return {
        "receipt": _receipt(cohort, analysed, received),
        "complier_effects": complier_effects(cohort, analysed, known, begun, notes),
    }


def _left_out(cohort: Cohort, one: Service, people: pd.DataFrame) -> tuple[np.ndarray, str]:
    """Months of which receipt is not known (bool, n x (after + 1)), and what is supposed of the reference arm.

    # ASSUME: where receipt is observed in the arm assigned and of nobody in the reference arm, nobody there received.

    Such a file is one of who was offered the treatment; ``receipt.unobserved_reference: missing`` takes it otherwise.
    """
    if one.status != COUNTED:
        return np.zeros_like(one.unknown), ""
    left_out, reference = one.unknown_by_then.copy(), (people["arm"] == cohort.arms.reference).to_numpy()
    is_one_sided = left_out[reference].all() and not left_out[(people["arm"] == one.treatment).to_numpy()].all()
    if cohort.receipt.unobserved_reference == "none" and reference.any() and is_one_sided:
        left_out[reference] = False
        return left_out, OF_TREATED_ONLY
    return left_out, ""


def received_service(cohort: Cohort, treatment: str, people: pd.DataFrame, services: pd.DataFrame | None) -> Service:
    """The spells of a treatment, in months since randomisation.

    # ASSUME: a service that ran on the day of randomisation was received from month 0; one that was over is none.
    # ASSUME: a delivery of dated services has every service of every person: who has no row received none.
    """
    codes = cohort.receipt.codes(treatment)
    nothing = np.zeros(0, dtype=np.int64)
    never, all_known = np.full(len(people), NEVER), np.zeros((len(people), cohort.window.after + 1), bool)
    if services is None:
        why = "the extract services was not delivered"
        return Service(treatment, codes, nothing, nothing, nothing, never, all_known, NOT_DELIVERED, why)
    absent = [code for code in codes if code not in set(services["service"])]
    note = f"no row of services has the code {', '.join(absent)}" if absent else ""
    if len(absent) == len(codes):
        return Service(treatment, codes, nothing, nothing, nothing, never, all_known, NO_SUCH_SERVICE, note)
    person, first, last = _since(services[services["service"].isin(codes) & (services["is_observed"] == 1)], people)
    begun = never.copy()
    np.minimum.at(begun, person, first)
    unknown = _unobserved(cohort, people, services)
    note = "; ".join(filter(None, [note, NOT_KNOWN * bool(unknown.any())]))
    return Service(treatment, codes, person, first, last, begun, unknown, COUNTED, note)


def _since(spells: pd.DataFrame, people: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spells that were not over at randomisation: row of the person, first and last month since randomisation."""
    spells = spells.merge(people[["person_id", "randomised_on"]].assign(row=np.arange(len(people))), on="person_id")
    spells = spells[~(spells["end_on"] < spells["randomised_on"])]
    month_0, start, end = (_month(spells[name]) for name in ("randomised_on", "start_on", "end_on"))
    last = np.where(spells["end_on"].isna(), NEVER, end - month_0)
    return spells["row"].to_numpy(), np.maximum(start - month_0, 0), last


def _unobserved(cohort: Cohort, people: pd.DataFrame, services: pd.DataFrame) -> np.ndarray:
    """Months 0..after of which not all days are observed; bool, n x (after + 1).

    # ASSUME: a layout that counts weeks from randomisation has no month 0: it is known of whom month 1 is.
    """
    months = np.arange(cohort.window.after + 1)
    person, first, last = _since(services[services["is_observed"] == 0], people)
    inside = first <= cohort.window.after
    change = np.zeros((len(people), len(months) + 1), np.int32)
    np.add.at(change, (person[inside], first[inside]), 1)
    np.add.at(change, (person[inside], np.minimum(last[inside], cohort.window.after) + 1), -1)
    unknown = change.cumsum(axis=1)[:, :-1] > 0
    unknown |= ~within_sources(cohort, "services", _month(people["randomised_on"])[:, None] + months)
    if len(months) > 1 and unknown[:, 0].all():
        unknown[:, 0] = unknown[:, 1]
    return unknown


def _month(days: pd.Series) -> np.ndarray:
    """Months since 1970-01."""
    return days.to_numpy().astype("datetime64[M]").astype("int64")


def _receipt(cohort: Cohort, people: pd.DataFrame, received: list[Service]) -> pd.DataFrame:
    rows = [
        (
            *(centre, arm, one.treatment, " + ".join(one.codes), *months),
            *_counts(one, here, months),
            *(one.status, one.note),
            int(one.unknown_in(*months)[here].sum()) if one.status == COUNTED else None,
        )
        for one in received
        for months in cohort.receipt.spans(cohort.window)
        for centre, arm, here in cells(cohort, people)
    ]
    counts = dict.fromkeys(("n_received", "n_started", "n_unknown"), "Int64")
    return pd.DataFrame(rows, columns=RECEIPT_COLUMNS).astype(counts)


def _counts(one: Service, here: np.ndarray, months: tuple[int, int]) -> tuple[int, int | None, int | None, float]:
    """Persons of a cell, those who received, those of them who began, and the share of those of whom it is known."""
    n = int(here.sum())
    if one.status != COUNTED:
        return n, None, None, np.nan
    had, begun = int(one.had_in(*months)[here].sum()), int(one.begun_in(*months)[here].sum())
    known = n - int(one.unknown_in(*months)[here].sum())
    return n, had, begun, had / known if known else np.nan
