"""Drawn cohorts: every one is valid, so every one must end with results that are verified.

A seed gives one cohort: two to four arms, one to twelve centres (some with persons in one arm only, one person or
nobody), covariates and months that are missing, windows of 0 to 60 months, unequal allocation, blocks and strata, codes
that hold signs of our own, every profile and language. ``make fuzz`` runs many whose seeds nobody chose and
prints each; ``make fuzz ARGS="--seed 123"`` runs one again.
"""

import argparse
import json
import os
import random
import secrets
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from cohorts import Recipe, random_cohort, write_cohort
from ipseval import pipeline, protect
from ipseval.contracts import EXTRACTS
from ipseval.disclosure import profiles
from ipseval.errors import UserError
from ipseval.figures import drawing

FAILED = Path(".fuzz") / "cohorts.jsonl"
SEEN = (413345405, 895415438, 1728268366, 1897560633)  # seeds at which something was wrong once
SLOW = 120.0  # CPU seconds of ``protect`` beyond which a cohort is listed
CENTRES = ["[1]", "b]:c", "Ær/ø", "0", "1.0", "x[y", "a, b", "'q'", "<b>", "nan", "-", "True", "12", "ALL", "% $", "#1"]
ARMS = ["control", "ips", "IPS [b]", "c:d", "0", "none", "Æ", "1"]


@dataclass(frozen=True)
class Outcome:
    """What came of a cohort.

    Parameters
    ----------
    seed : int
    ended : str
        ``verified``, ``stopped`` (a message to the user) or ``crashed``.
    said : str
        The message, or the last line of the traceback.
    protect_seconds, seconds : float
        CPU time of the stage that takes longest, and of all.
    recipe : dict
        What the cohort is made of.
    """

    seed: int
    ended: str
    said: str
    protect_seconds: float
    seconds: float
    recipe: dict[str, Any]


def recipe_of(draw: random.Random) -> Recipe:
    """Sizes and rules; small cohorts are the odd ones and cost least."""
    layout = draw.choice(["spells", "spells", "monthly", "relative_monthly"])
    return Recipe(
        n_persons=draw.choice([12, 25, 40, 60, 90, 140, 220]),
        n_centres=draw.choice([1, 1, 2, 2, 3, 4, 6, 9, 12]),
        treatments=draw.choice([("ips",), ("ips",), ("ips", "ipsplus"), ("ips", "ipsplus", "other")]),
        before=draw.choice([0, 0, 1, 2, 3, 6, 13]),
        after=draw.choice([0, 1, 2, 3, 4, 6, 9, 12, 12, 60]),
        month_rule=draw.choice(["any_day", "reference_week", {"min_days": 4}]),
        min_weekly_hours=draw.choice([0, 0, 10]) if layout != "relative_monthly" else 0,
        exclude_wage_subsidy=draw.random() < 0.7,
        after_death=draw.choice(["zero", "missing"]),
        after_emigration=draw.choice(["zero", "missing"]),
        observed_from=draw.choice([None, "2012-10", "2013-06"]),
        observed_until=draw.choice(["2019-12", "2014-08", "2015-02"]),
        not_employed_at_randomisation=draw.random() < 0.8,
        layout=layout,
        share_missing=draw.choice([0.0, 0.02, 0.08, 0.3, 0.9]),
        share_leaving=draw.choice([0.0, 0.1, 0.3]),
        has_services=layout != "relative_monthly" and draw.random() < 0.5,
        without=tuple(name for name in ("persons", "education", "withdrawals") if draw.random() < 0.2),
    )


def write_drawn(seed: int, folder: Path) -> tuple[Path, Recipe]:
    """Write the cohort of a seed; returns its file and what it is made of."""
    draw = random.Random(seed)
    recipe = recipe_of(draw)
    made = random_cohort(recipe, seed=seed % 2**31)
    config = made.config
    config["randomisation"] = {"draws": 99, "seed": 1}
    config["bound"] = {"draws": 99}
    config["disclosure"] = {"profile": draw.choice(profiles.profile_names())}
    config["language"] = draw.choice(["en", "nb", "da"])
    arms = ["control", *recipe.treatments]
    codes = dict(zip(arms, draw.sample(ARMS, len(arms)) if draw.random() < 0.4 else arms, strict=True))
    places = [str(c) for c in range(1, recipe.n_centres + 1)]
    centres = dict(zip(places, draw.sample(CENTRES, len(places)) if draw.random() < 0.4 else places, strict=True))
    config["arms"] = {"reference": codes["control"], "treatments": [codes[arm] for arm in recipe.treatments]}
    config["centres"] = {code: f"Centre {n}" for n, code in centres.items()}
    path = write_cohort(made, folder)
    _put_trial(folder / "extracts" / "trial.parquet", draw, arms, codes, centres)
    if recipe.has_services:
        _put_codes(folder / "extracts" / "services.parquet", "service", codes)
    _leave_out_columns(folder / "extracts", {"weekly_hours"} if recipe.min_weekly_hours else set(), seed)
    path.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path, recipe


def _leave_out_columns(folder: Path, kept: set[str], seed: int) -> None:
    """Deliver half of the cohorts without some columns that need not be delivered."""
    draw = random.Random(f"columns {seed}")
    share = draw.choice([0.0, 0.0, 0.1, 0.5])
    for name, extract in EXTRACTS.items():
        file = folder / f"{name}.parquet"
        optional = [column.name for column in extract.columns if not column.needed and column.name not in kept]
        spared = [column for column in optional if draw.random() < share]
        if file.exists() and spared:
            table = pq.read_table(file)
            pq.write_table(table.drop_columns([c for c in spared if c in table.column_names]), file)


def _put_trial(
    file: Path, draw: random.Random, arms: list[str], codes: dict[str, str], centres: dict[str, str]
) -> None:
    """Who is where and in which arm, drawn anew: unequal, with empty centres and centres of one arm."""
    table = pq.read_table(file)
    weights = [draw.choice([0.0, 0.1, 1.0, 1.0, 3.0]) for _ in centres]
    weights = weights if any(weights) else [1.0] * len(weights)
    of_arm = [draw.choice([1.0, 1.0, 3.0]) for _ in arms]
    one_arm = {place: draw.choice(arms) for place in centres if draw.random() < 0.15}
    at = draw.choices(list(centres), weights, k=table.num_rows)
    arm = [one_arm.get(place) or draw.choices(arms, of_arm)[0] for place in at]
    arm[: 2 * len(arms)] = [*arms, *arms][: len(arm)]  # two persons in each, wherever they are
    columns = {"centre": [centres[place] for place in at], "arm": [codes[one] for one in arm]}
    if draw.random() < 0.4:
        columns["stratum"] = [draw.choice(["1", "2"]) for _ in at]
    if draw.random() < 0.3:
        columns["block"] = [str(1 + i // 6) for i in range(len(at))]
    for name, values in columns.items():
        column = pa.array(values, pa.string())
        place = table.column_names.index(name) if name in table.column_names else None
        table = table.append_column(name, column) if place is None else table.set_column(place, name, column)
    pq.write_table(table, file)


def _put_codes(file: Path, column: str, codes: dict[str, str]) -> None:
    table = pq.read_table(file)
    values = pa.array([codes.get(value, value) for value in table[column].to_pylist()], pa.string())
    pq.write_table(table.set_column(table.column_names.index(column), column, values), file)


def outcome_of(seed: int, folder: Path, with_pixels: bool = True) -> Outcome:
    """Run the cohort of a seed whole; without pixels every figure is composed, but its files hold one dot."""
    path, recipe = write_drawn(seed, folder)
    spent, stage, began = [0.0], protect.protect, time.process_time()
    files = drawing.saved

    def timed(*given: Any, **named: Any) -> Any:
        start = time.process_time()
        try:
            return stage(*given, **named)
        finally:
            spent[0] = time.process_time() - start

    pipeline.protect = timed  # type: ignore[assignment]
    if not with_pixels:
        drawing.saved = one_dot()
    try:
        pipeline.run(path, folder / "results")
        ended, said = "verified", ""
    except UserError as stop:
        ended, said = "stopped", str(stop)
    except Exception as fault:
        frame = traceback.extract_tb(fault.__traceback__)[-1]
        ended, said = "crashed", f"{type(fault).__name__}: {fault} ({Path(frame.filename).name}:{frame.lineno})"
    finally:
        pipeline.protect = stage  # type: ignore[assignment]
        drawing.saved = files
    seconds = round(spent[0], 1), round(time.process_time() - began, 1)
    return Outcome(seed, ended, said, *seconds, asdict(recipe))


def one_dot() -> Callable[..., bytes]:
    """What stands for files of figures, whose pixels take half the time of a small cohort."""
    from matplotlib.figure import Figure

    with drawing.style():
        dots = {kind: drawing.saved(Figure(figsize=(0.1, 0.1)), kind) for kind in ("png", "svg")}
    return lambda figure, kind, edges=None: dots[kind]


def main() -> int:
    """Run cohorts once at fault, then such as nobody chose; 1 if one crashed or fewer than 95 per cent are verified."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", type=int, default=int(os.environ.get("IPSEVAL_FUZZ", "200")))
    parser.add_argument("--seed", type=int, action="append", help="run this seed again")
    parser.add_argument("--without-pixels", action="store_true", help="compose figures without drawing their files")
    chosen = parser.parse_args()
    found = []
    for seed in chosen.seed or [*SEEN, *(secrets.randbits(31) for _ in range(chosen.cohorts))]:
        with tempfile.TemporaryDirectory() as folder:
            outcome = outcome_of(seed, Path(folder), not chosen.without_pixels)
        found.append(outcome)
        cost = f"{outcome.seconds} s, protect {outcome.protect_seconds} s"
        print(f"seed {seed}: {outcome.ended}, {cost}. {outcome.said}".strip(), flush=True)
        if outcome.ended != "verified":
            FAILED.parent.mkdir(exist_ok=True)
            with FAILED.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")
    verified = sum(outcome.ended == "verified" for outcome in found)
    slow = [outcome.seed for outcome in found if outcome.protect_seconds > SLOW]
    print(f"{verified} of {len(found)} verified. Seeds with more than {SLOW:g} s of protect: {slow or 'none'}.")
    return int(any(outcome.ended == "crashed" for outcome in found) or verified < 0.95 * len(found))


if __name__ == "__main__":
    sys.exit(main())
