"""What the tables of models rest on: entries of the ledger for effects and everything that is estimated.

A regression's estimate is released when enough persons of both arms stand behind it. One that is the difference of two
shares, because the regression holds nothing but centres and time, is released as these shares are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ipseval.config import Analysis
from ipseval.disclosure.characteristics import lacks
from ipseval.disclosure.counted import observed
from ipseval.disclosure.ledger import Count, Entry, Key, Relation, Shown, Within, total
from ipseval.disclosure.study import ALL, EMPLOYED, PERSONS, Study, analysed
from ipseval.disclosure.within import told
from ipseval.estimation.design import STANDARDISED
from ipseval.words import is_known

ESTIMATE = (
    *("estimate", "std_error", "df", "statistic", "p_value", "ci_low", "ci_high"),
    *("p_adjusted", "draws", "seed", "family", "band_low", "band_high", "critical_value"),
)
COUNTS = tuple(f"n_{side}{what}" for what in ("", "_months", "_ever") for side in ("assigned", "control"))
DIFFERENCE = "difference"


@dataclass(frozen=True)
class Effects:
    """The effects of a study: which of them may be released, and on what they rest."""

    study: Study

    @cached_property
    def behind(self) -> dict[Key, tuple[tuple[Key, ...], float]]:
        """Keys and the fewest persons behind each effect, by analysis, subgroup, centre, months and arm."""
        found = {}
        for _, row in self.study.rows("effects"):
            found[effect_key(row)] = self._behind(row)
        return found

    @cached_property
    def outcomes(self) -> frozenset[Key]:
        """Keys of the months with the outcome that the table of effects counts."""
        rows = (row for _, row in self.study.rows("effects") if row["n_obs"])
        return frozenset(outcome_key(self, row, arm) for row in rows for _, arm in sides(row))

    @cached_property
    def regressions(self) -> dict[Key, dict[Key, dict[str, Any]]]:
        """Rows of each regression by the centre and arm that they count; those of parts of these are left out."""
        found: dict[Key, dict[Key, dict[str, Any]]] = {}
        for _, row in self.study.rows("effects"):
            if row["n_obs"] and not group(row):
                cells = found.setdefault(regression_key(self, row), {})
                for side, arm in sides(row):
                    cells.setdefault((row["centre"], arm), {**row, "side": side, "counted_arm": arm})
        return found

    @cached_property
    def partial(self) -> frozenset[Key]:
        """Outcomes and months of which somebody analysed has no observed one: some regression leaves persons out."""
        return frozenset(
            months_of(row)
            for _, row in self.study.rows("effects")
            if row["n_obs"] and not group(row) and not self.sample(row["analysis"])
            if any(row[f"n_{side}"] != self.study.n_analysed[row["centre"], arm] for side, arm in sides(row))
        )

    def _behind(self, row: dict[str, Any]) -> tuple[tuple[Key, ...], float]:
        fewest = min(row[name] for name in ("n_assigned", "n_control", "n_assigned_ever", "n_control_ever"))
        if is_known(row["df"]) and row["df"] < self.study.profile.min_residual_df:
            fewest = 0
        whole = all_persons(self, row)
        pooled = () if self.sample(row["analysis"]) else told(self.study, self.analysis(row["analysis"]))
        if self.analysis(row["analysis"]).adjust:
            return (whole, *pooled), float(fewest)
        # A standardised effect is another weighted sum of the centres' means than the arms' sums: it rests on each.
        is_of_centres = self.analysis(row["analysis"]).estimator == STANDARDISED
        own = [{**row, "centre": c} for c in self.study.centres] if is_of_centres else [row]
        both = [(persons_key(self, r, side[1]), outcome_key(self, r, side[1])) for r in own for side in sides(r)]
        return (whole, *pooled, *(key for one in both for key in one)), float("inf" if fewest else 0)

    def analysis(self, name: str) -> Analysis:
        """The definition of an analysis."""
        return self._analyses[name]

    @cached_property
    def _analyses(self) -> dict[str, Analysis]:
        return {a.name: a for a in self.study.cohort.analyses}

    def sample(self, name: str) -> str:
        """The persons of an analysis: those who lack none of these covariates; empty for all analysed."""
        return self._samples[name]

    @cached_property
    def _samples(self) -> dict[str, str]:
        frame = self.study.tables["balance"]
        lacking = set(frame.loc[frame["n_missing"] > 0, "variable"])
        return {
            a.name: "+".join(
                sorted({*a.adjust, *a.requires, *([a.subgroup.covariate] if a.subgroup else [])} & lacking)
            )
            for a in self.study.cohort.analyses
        }


def effect_key(row: dict[str, Any]) -> Key:
    """What tells an effect from all others, whatever its variance."""
    months = int(row["month_from"]), int(row["month_to"])
    return (row["analysis"], row["subgroup"], row["centre"], *months, row["arm"])


def scope(known: Effects, row: dict[str, Any]) -> str:
    """The centre of a regression within centres, else all."""
    return str(row["centre"]) if known.analysis(row["analysis"]).within else ALL


def regression_key(known: Effects, row: dict[str, Any]) -> Key:
    """What tells a regression from all others."""
    return (row["analysis"], scope(known, row), int(row["month_from"]), int(row["month_to"]))


def months_of(row: dict[str, Any]) -> Key:
    """Outcome and months of a row."""
    return (row["outcome"], int(row["month_from"]), int(row["month_to"]))


def group(row: dict[str, Any]) -> str:
    """The subgroup that a row counts; empty for everybody."""
    return "" if row["subgroup"] in (ALL, DIFFERENCE) else f"{row['analysis']}:{row['subgroup']}"


def persons_key(known: Effects, row: dict[str, Any], arm: str) -> Key:
    """Key of the persons of an arm in a row's regression and centre."""
    study, sample, own = known.study, known.sample(row["analysis"]), group(row)
    centre, first, last = row["centre"], int(row["month_from"]), int(row["month_to"])
    if sample or own:
        return ("in", centre, arm, sample, own)
    if first == last and row["outcome"] == study.cohort.outcome.primary:
        return observed(study, centre, arm, first)
    is_part = months_of(row) in known.partial
    return ("in", centre, arm, f"{row['outcome']} {first} {last}", "") if is_part else analysed(centre, arm)


def outcome_key(known: Effects, row: dict[str, Any], arm: str) -> Key:
    """Key of the months with the outcome: of one month, and everybody, the persons employed."""
    sample, own = known.sample(row["analysis"]), group(row)
    first, last = int(row["month_from"]), int(row["month_to"])
    is_primary = row["outcome"] == known.study.cohort.outcome.primary
    if is_primary and first == last and not (sample or own):
        return (EMPLOYED, row["centre"], arm, first)
    return ("months", row["centre"], arm, row["outcome"], sample, own, first, last)


def months_key(known: Effects, row: dict[str, Any], side: str, arm: str) -> tuple[Key, float]:
    """Key of the months observed, and what it is times: the persons times months when nobody is missing."""
    length = int(row["month_to"]) - int(row["month_from"]) + 1
    outcome, persons = outcome_key(known, row, arm), persons_key(known, row, arm)
    if row[f"n_{side}_months"] == row[f"n_{side}"] * length:
        return persons, float(length)
    return (observed(known.study, *outcome[1:]) if outcome[0] == EMPLOYED else ("seen", *outcome[1:])), 1.0


def effects(study: Study) -> Iterator[Entry]:
    """Persons, their months with the outcome, and the estimates that rest on them."""
    known = Effects(study)
    spans: dict[Key, None] = {}
    for i, row in study.rows("effects"):
        if not row["n_obs"]:  # a regression that was not done counts nobody
            yield Shown("effects", i, (*COUNTS, "n_obs"))
            continue
        keys, fewest = known.behind[effect_key(row)]
        both = []
        for side, arm in sides(row):
            persons, outcome = persons_key(known, row, arm), outcome_key(known, row, arm)
            months, over = months_key(known, row, side, arm)
            both.append(persons)
            spans |= dict.fromkeys(key for key in (persons, outcome, months) if key[0] in ("in", "months", "seen"))
            yield from _persons(study, persons, row, side, arm)
            yield from _outcome(study, known, row, side, arm)
            yield Shown("effects", i, (f"n_{side}",), (persons,))
            yield Shown("effects", i, (f"n_{side}_ever",), (ever(outcome),))
            yield Shown("effects", i, (f"n_{side}_months",), (persons, months))
            yield Shown("effects", i, (f"mean_{side}",), (outcome, months), over=over)
        whole = whole_key(known, row)
        if whole[0] != PERSONS:
            yield Count(whole, row["n_obs"], upper=study.most_months)
        yield Shown("effects", i, ("n_obs",), (whole, *both))
        yield Shown("effects", i, ESTIMATE, keys, fewest)
        yield Shown("effects", i, ("first_month", "last_month"), keys, fewest)  # of one person, at worst
    yield from _sums(study, spans)
    for cells in known.regressions.values():
        yield from _whole(study, known, list(cells.values()))


def _whole(study: Study, known: Effects, cells: list[dict[str, Any]]) -> Iterator[Entry]:
    """Persons and months of a whole regression: the sums over its arms, and centres where it counts by centre."""
    row = cells[0]
    whole, months, where = all_persons(known, row), whole_key(known, row), scope(known, row)
    if whole[0] == "in" and not known.sample(row["analysis"]):
        n = float(sum(cell[f"n_{cell['side']}"] for cell in cells))
        yield Count(whole, n, upper=study.n_randomised)
        yield Count(("out", *whole[1:]), study.n_analysed[where, ALL] - n, upper=study.n_randomised)
        yield total(analysed(where, ALL), [whole, ("out", *whole[1:])])
        yield total(whole, [persons_key(known, cell, cell["counted_arm"]) for cell in cells])
    if months[0] != PERSONS and sum(cell[f"n_{cell['side']}_months"] for cell in cells) == row["n_obs"]:
        parts = [months_key(known, cell, cell["side"], cell["counted_arm"]) for cell in cells]
        yield Relation(((months, -1.0), *parts))


def sides(row: dict[str, Any]) -> tuple[tuple[str, str], tuple[str, str]]:
    """Both sides of an effect, with their arms."""
    return ("assigned", row["arm"]), ("control", row["reference_arm"])


def whole_key(known: Effects, row: dict[str, Any]) -> Key:
    """Key of the person-months of a whole regression: the persons of all arms when nobody is missing."""
    study, sample = known.study, known.sample(row["analysis"])
    if study.is_complete and not sample and row["outcome"] == study.cohort.outcome.primary:
        return analysed(scope(known, row), ALL)
    return ("all_months", scope(known, row), ALL, row["outcome"], sample, int(row["month_from"]), int(row["month_to"]))


def all_persons(known: Effects, row: dict[str, Any]) -> Key:
    """Key of all persons in a regression: its degrees of freedom give them away."""
    where, sample = scope(known, row), known.sample(row["analysis"])
    if not sample and months_of(row) not in known.partial:
        return analysed(where, ALL)
    return ("in", where, ALL, sample or f"{row['outcome']} {int(row['month_from'])} {int(row['month_to'])}", "")


def ever(outcome: Key) -> Key:
    """Key of the persons with the outcome in any of the months."""
    return outcome if outcome[0] == EMPLOYED else ("ever", *outcome[1:])


def _persons(study: Study, key: Key, row: dict[str, Any], side: str, arm: str) -> Iterator[Entry]:
    """Persons in and out of a regression that does not hold everybody, or of a subgroup."""
    if key[0] != "in":
        return
    centre, n = row["centre"], float(row[f"n_{side}"])
    here = study.n_analysed[centre, arm]
    yield Count(key, n, upper=study.n_randomised)
    yield Count(("out", *key[1:]), here - n, upper=study.n_randomised)
    yield total(analysed(centre, arm), [key, ("out", *key[1:])])
    yield from _with_known_covariates(study, key, n)


def _with_known_covariates(study: Study, key: Key, n: float) -> Iterator[Entry]:
    """Who is in a regression has a known value of its covariates: of one covariate mostly everybody who has."""
    _, centre, arm, sample, own = key
    frame = study.tables["balance"]
    here = frame[(frame["centre"] == centre) & (frame["arm"] == arm)].drop_duplicates("variable").set_index("variable")
    for variable in str(sample).split("+"):
        if variable not in here.index or not lacks(study, variable):
            continue
        known = ("known", centre, arm, variable)
        yield Within(key, known)
        if variable == sample and not own and n == here.loc[variable, "n"]:
            yield total(known, [key])


def _outcome(study: Study, known: Effects, row: dict[str, Any], side: str, arm: str) -> Iterator[Entry]:
    """Months with the outcome, and by how many persons."""
    key, centre = outcome_key(known, row, arm), row["centre"]
    if key[0] == EMPLOYED or not is_known(row[f"mean_{side}"]):
        return
    n, n_ever, seen = (float(row[f"n_{side}{what}"]) for what in ("", "_ever", "_months"))
    tells = centre != ALL and n > 0
    yield Count(key, row[f"mean_{side}"] * seen, persons=n_ever, zero_tells=tells, upper=study.most_months)
    yield Count(ever(key), n_ever, zero_tells=tells, upper=study.n_randomised)
    yield Count(("never", *key[1:]), n - n_ever, upper=study.n_randomised)
    yield total(persons_key(known, row, arm), [ever(key), ("never", *key[1:])])
    months = months_key(known, row, side, arm)[0]
    if months[0] == "seen":
        yield Count(months, seen, persons=n, upper=study.most_months)


def _sums(study: Study, spans: dict[Key, None]) -> Iterator[Entry]:
    """Months are the sum over the months of the panel, and numbers of the whole trial that over its centres."""
    for key in spans:
        kind, centre, arm, *rest = key
        if kind in ("months", "seen"):
            outcome, sample, own, first, last = rest
            span = range(int(first), int(last) + 1)
            if outcome == study.cohort.outcome.primary and not (sample or own):
                of_month = [
                    (EMPLOYED, centre, arm, k) if kind == "months" else observed(study, str(centre), str(arm), k)
                    for k in span
                ]
                yield total(key, of_month)
            yield from _limits(study, key)
        if centre == ALL:
            for one in (kind, "ever", "never") if kind == "months" else (kind, "out") if kind == "in" else (kind,):
                yield total((one, ALL, arm, *rest), [(one, c, arm, *rest) for c in study.centres])


def _limits(study: Study, key: Key) -> Iterator[Entry]:
    """Nobody has the outcome in more months than there are, in a subset than in all, or in a month but never."""
    kind, centre, arm, outcome, sample, own, first, last = key
    if kind != "months":
        return
    yield Within(ever(key), key)
    yield Within(key, ever(key), last - first + 1)
    if sample or own:
        for one in ("months", "ever", "never"):
            yield Within((one, *key[1:]), (one, centre, arm, outcome, "", "", first, last))
            yield Within((one, *key[1:]), (one, centre, arm, outcome, sample, "", first, last))
    elif outcome == study.cohort.outcome.primary:
        for k in range(first, last + 1):
            yield Within((EMPLOYED, centre, arm, k), ever(key))
            yield Within(("never", *key[1:]), ("not_employed", centre, arm, k))
