"""Stage verify: invariants of what was written, a second engine, the manifest. A failed check fails the run."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ipseval import provenance, versions
from ipseval.clean import Tables
from ipseval.config import Cohort
from ipseval.errors import Fault, UserError
from ipseval.estimate import estimate
from ipseval.estimation import second_engine
from ipseval.estimation.arithmetic import ARITHMETIC
from ipseval.estimation.design import MEMBER
from ipseval.estimation.estimators import ESTIMATORS
from ipseval.estimation.invariants import INVARIANTS, Check, Written
from ipseval.panel import months_of_outcomes
from ipseval.recomputed.checks import checks_of_tables
from ipseval.recomputed.persons_checked import checks_of_persons
from ipseval.recomputed.sample import given
from ipseval.registers.fingerprint import ALL
from ipseval.scan import limits_of, scan
from ipseval.settings import COLUMNS_FILE, PLACES, read_yaml
from ipseval.terms import ASSIGNED, Parts, parts_of

FINDINGS_TOLD = 5


def verify(cohort: Cohort, read: Tables, review: Path) -> dict[str, str]:
    """Check everything that was written.

    Parameters
    ----------
    cohort : Cohort
    read : mapping
        ``flow``, ``inclusion``, ``balance``, ``wage_subsidy``, ``employment_by_month``, ``effects``, ``coefficients``,
        ``people``, ``panel``, ``quality``, ``fingerprint`` and the tables of the other stages, as read from files;
        ``clean_<extract>``: the cleaned extracts, None where not delivered.
    review : Path
        Folder ``review/`` of the results, with ``release/`` beside it.

    Returns
    -------
    dict
        ``verify`` and ``manifest``, JSON texts.

    Raises
    ------
    UserError
        A check did not hold.
    """
    written = {name: table for name, table in read.items() if table is not None}
    checks = [check(cohort, written) for check in (*INVARIANTS, *ARITHMETIC)]
    checks += second_engine_checks(cohort, written) + recomputed_checks(cohort, read)
    checks.append(release_check(cohort, written["people"], review))
    faults = [
        Fault(f"{cohort.name}, verify", f"{c.name} does not hold: {c.detail}.", "Do not use these results; report it.")
        for c in checks
        if not c.passed
    ]
    if faults:
        raise UserError(faults)
    return {
        "verify": _json({"passed": True, "checks": [asdict(c) for c in checks]}),
        "manifest": _json(manifest(cohort, written["fingerprint"], review)),
    }


def recomputed_checks(cohort: Cohort, read: Tables) -> list[Check]:
    """Persons, months and every table from the cleaned extracts on; of many persons on a sample."""
    whole = given(cohort, read)
    checks, months = checks_of_persons(whole, int(cohort.verify["max_persons"]))
    return checks + checks_of_tables(whole, months)


def manifest(cohort: Cohort, fingerprint: pd.DataFrame, review: Path) -> dict[str, Any]:
    """Checksums of input and output, configuration, versions and code: no time, no machine.

    The checksums of the extracts are those that the check took when it read them.
    """
    delivered = fingerprint[fingerprint["file"] != ALL]
    results = [p for folder in (review, review.parent / "release") for p in folder.rglob("*") if p.is_file()]
    found = provenance.checksums(results, review.parent)
    chosen = {k: v for k, v in asdict(cohort).items() if k not in ("file", "extracts", "earlier", "mending")}
    named = {name: getattr(cohort, name) for name in ("published", *PLACES)}
    chosen |= {name: file.name if file else None for name, file in named.items()}  # and not where they lie
    return {
        "cohort": cohort.name,
        "configuration": chosen,
        "extracts": dict(zip(delivered["file"], delivered["sha256"], strict=True)),
        "results": found,
        "schema_versions": versions.of_files(found, read_yaml(COLUMNS_FILE)["versions"]),
        "code": {"sha256": provenance.code_checksum(), "commit": provenance.commit()},
        "versions": provenance.versions(),
    }


def release_check(cohort: Cohort, people: pd.DataFrame, review: Path) -> Check:
    """The finished files that may leave, read again by code of its own."""
    profile, folder = cohort.disclosure["profile"], review.parent / "release"
    if profile == "none":
        return Check("release: scan", True, "profile none: nothing is protected")
    keys = frozenset(people["person_id"].astype(str))
    limits = limits_of(profile)
    findings = scan(folder, threshold=limits["threshold"], base=limits["base"], keys=keys, review=review)
    n_files = sum(path.is_file() for path in folder.rglob("*"))
    told = "; ".join(map(str, findings[:FINDINGS_TOLD]))
    return Check("release: scan", not findings, f"{len(findings)} findings in {n_files} files{': ' * bool(told)}{told}")


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, sort_keys=True, default=str, ensure_ascii=False) + "\n"


def second_engine_checks(cohort: Cohort, written: Written) -> list[Check]:
    """The pooled regressions by statsmodels, on a fixed sample of persons when there are many."""
    people = written["people"][written["people"]["is_analysed"]].reset_index(drop=True)
    most = cohort.verify["max_persons"]
    linear = [a for a in cohort.analyses if ESTIMATORS[a.estimator].is_linear]
    pooled = tuple(a for a in linear if a.within is None and a.months != "each")
    coefficients = written["coefficients"]
    if len(people) > most or "cr1" not in cohort.estimation.variances:
        people = people.iloc[np.unique(np.linspace(0, len(people) - 1, most).astype(int))]
        again = replace(cohort, analyses=pooled, estimation=replace(cohort.estimation, variances=("cr1",)))
        coefficients = estimate(again, people, written["panel"])["coefficients"]
    analysed = months_of_outcomes(cohort, people, written["panel"])
    expanded: dict[tuple[str, tuple[int, int]], pd.DataFrame] = {}
    checks = []
    for a in pooled:
        this = a.outcome, a.windows(cohort.window)[0]
        if this not in expanded:
            first, last = this[1]
            own = analysed[a.outcome][0]
            expanded[this] = second_engine.expanded(own, written["panel"], a.outcome, range(first, last + 1))
        rows = expanded[this]
        flagged = rows.assign(**{MEMBER: a.subgroup.members(rows)}) if a.subgroup else rows
        ours = coefficients.query("analysis == @a.name and variance == 'cr1'")
        checks += _compare(a.name, ours, flagged, cohort.arms.reference)
    return checks


def _largest_difference(theirs: pd.DataFrame, ours: pd.DataFrame) -> float:
    """Between two tables of estimates and errors by term; 1 for a term that only we have."""
    return float(np.nan_to_num((theirs.reindex(ours.index) - ours).abs().to_numpy(), nan=1.0).max())


def _compare(name: str, coefficients: pd.DataFrame, rows: pd.DataFrame, reference: str) -> list[Check]:
    """One regression's estimates and errors by statsmodels, on its person-months."""
    ours = coefficients.set_index("term")
    known = ours[ours["status"] == "estimated"]
    if known.empty:
        return [Check(f"{name}: second engine", True, "nothing was estimated")]
    terms = {str(row["term"]): parts_of(row) for row in records(coefficients)}
    Z = second_engine.columns(rows, terms)
    is_complete = Z.notna().all(axis=1)
    if not is_complete.all():
        rows = rows[is_complete]
        Z = second_engine.columns(rows, terms)
    Z = second_engine.independent(Z[[t for t, parts in terms.items() if _has_reference(parts, rows, reference)]])
    theirs = second_engine.by_statsmodels(rows["y"], Z, rows["person_id"])
    off = _largest_difference(theirs, known[["estimate", "std_error"]].astype(float))
    detail = f"{len(known)} terms, {rows['person_id'].nunique()} persons, largest difference below {_power(off)}"
    return [Check(f"{name}: statsmodels", bool(off <= second_engine.STATSMODELS_TOLERANCE), detail)]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a frame by column."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _has_reference(term: Parts, rows: pd.DataFrame, reference: str) -> bool:
    """Whether the centre of an arm-by-centre term has somebody in the reference arm."""
    if term.kind != ASSIGNED or not term.centre:  # a centred dummy of a centre is not that centre alone
        return True
    return bool(((rows["centre"] == term.centre) & (rows["arm"] == reference)).any())


def _power(value: float) -> str:
    """The next power of ten, so that rounding on another machine does not change the text."""
    return f"1e{int(np.ceil(np.log10(max(value, 1e-12))))}"
