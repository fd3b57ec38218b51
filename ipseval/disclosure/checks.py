"""What tables that check a result rest on: entries of the ledger for compliers, changes by period and placebos."""

import itertools
from collections.abc import Iterator
from typing import Any

from ipseval.disclosure.counted import months_employed, sum_of_months
from ipseval.disclosure.derived import in_key, left_out, over_all, whole_trial
from ipseval.disclosure.keys import ALL, Key
from ipseval.disclosure.ledger import Entry, Printed, Shown
from ipseval.disclosure.modelled import ESTIMATE
from ipseval.disclosure.regressed import sides
from ipseval.disclosure.samples import InPeriod
from ipseval.disclosure.stratified import change_key, change_told, is_by_centre
from ipseval.disclosure.study import Study, analysed
from ipseval.words import is_known


def complier_effects(study: Study) -> Iterator[Entry]:
    """Effects in those who receive: when enough persons of both arms did and did not."""
    columns = (*ESTIMATE, "itt", "itt_std_error", "first_stage", "first_stage_std_error", "first_stage_f")
    few, rows = few_received(study), dict(study.rows("complier_effects"))
    for entry in over_all("complier_effects", study, columns):
        if isinstance(entry, Shown) and entry.columns == columns:
            row = rows[entry.row]
            span, control = (int(row["month_from"]), int(row["month_to"])), row["reference_arm"]
            keys = (analysed(ALL, control), months_employed(study, control, *span))
            yield from sum_of_months(study, control, *span)
            yield Shown("complier_effects", entry.row, ("mean_control",), keys)
            yield from whole_trial(study, "complier_effects", entry.row, row)
            if span in few:
                continue
        yield entry


def few_received(study: Study) -> set[tuple[int, int]]:
    """Months within which so few of an arm received a service, or did not, that a model would tell of them."""
    found = set()
    for _, row in study.rows("receipt"):
        if row["centre"] == ALL and is_known(row["n_received"]):
            sides = (row["n_received"], row["n_persons"] - row["n_received"])
            if any(0 < n < study.least for n in sides):
                found.add((int(row["month_from"]), int(row["month_to"])))
    return found


def event_study(study: Study) -> Iterator[Entry]:
    """Changes of the arms from the period before randomisation: differences of months' shares, protected as they."""
    for i, row in study.rows("event_study"):
        spans, persons = spans_of(study, row), []
        for side, arm in sides(row):
            for span in spans:
                yield from sum_of_months(study, arm, *span)
            n = row[f"n_{side}"]
            who = InPeriod(int(row["month_from"]), int(row["month_to"]), int(n))
            yield from left_out(study, key := in_key(study, n, arm, who), n)
            yield Printed("event_study", i, f"n_{side}", key)
            persons.append(key)
        yield from whole_trial(study, "event_study", i, row)
        if _tells_change(study, row):
            yield from change_told(study, row, spans)
            persons.append(change_key(row))
        yield Shown("event_study", i, ESTIMATE, (*months_behind(study, row), *persons))


def spans_of(study: Study, row: dict[str, Any]) -> list[tuple[int, int]]:
    """First and last months of a period and of the base."""
    frame = study.tables["event_study"]
    bases = frame[frame["is_base"] & (frame["arm"] == row["arm"])]
    spans = [(row["month_from"], row["month_to"]), *zip(bases["month_from"], bases["month_to"], strict=True)]
    return [(int(first), int(last)) for first, last in spans]


def _tells_change(study: Study, row: dict[str, Any]) -> bool:
    """Whether the change from the base follows from cells of centres; the base is none."""
    spans = spans_of(study, row)
    return not row["is_base"] and len(spans) == 2 and is_by_centre(study, row, *spans)


def months_behind(study: Study, row: dict[str, Any]) -> tuple[Key, ...]:
    """Keys of the months of a period and of the base, in both arms."""
    arms = (row["arm"], row["reference_arm"])
    return tuple(months_employed(study, arm, *span) for span, arm in itertools.product(spans_of(study, row), arms))


def placebo(study: Study) -> Iterator[Entry]:
    """The joint test of the periods before: when all of their estimates may be released."""
    for i, row in study.rows("placebo"):
        rows = [r for _, r in study.rows("event_study") if r["arm"] == row["arm"] and r["month_from"] < 0]
        keys: dict[Key, None] = dict.fromkeys(key for r in rows for key in months_behind(study, r))
        keys |= dict.fromkeys(change_key(r) for r in rows if _tells_change(study, r) and r["status"] == "estimated")
        yield Shown("placebo", i, (*ESTIMATE, "wald_f", "wald_df1", "wald_df2", "wald_p"), tuple(keys))
        yield Shown("placebo", i, ("n_periods",))
        yield from whole_trial(study, "placebo", i, row)
