"""The table of the calibration, as it is printed and as docs/calibration.md."""

from collections.abc import Iterable, Sequence

from calibration.arms import CENTRES, SIZES, Rejections
from calibration.means import Synthesised
from calibration.performance import MOST_ERRORS, Measure, Performance
from calibration.simulations import Size
from calibration.within import ASSIGNED, LOST, USUAL, Stratified

HEAD = (
    *("trials", "persons", "true effect", "variance", "simulations", "bias", "error / spread"),
    *("rejected at 5 %", "coverage of 95 %", "misses"),
)
INTRO = """\
# Calibration: size and coverage on simulated trials

<!-- Made by `make calibrate`: change it in calibration/. -->

Trials are drawn from the model of `ipseval.simulation.model`, whose true effects are known: without any effect, and
with the effects planted by default. Persons are drawn anew in every trial. In each the effect on ordinary employment
over months 0..{after} is estimated by the pipeline's own functions: `centre_unadjusted` in one centre,
`pooled_unadjusted` over six.

Made with {simulations:,} simulations of one centre, {simulations_pooled:,} of six and
{simulations_randomisation:,} of randomisation inference at {draws:,} draws; seed {seed}.
`make calibrate ARGS="--simulations 10000"` takes more of them.

- *persons*: analysed in the reference arm + assigned, mean over trials. The first trials have the same number in every
  draw; in the others who is employed at randomisation is left out, so that numbers vary.
- *true effect*: what the model implies for those not employed at randomisation
  (`ipseval.simulation.model.true_effects`), in percentage points. Over six centres it is the mean with the weights that
  the regression gives to the centres of a trial, n1 n0 / (n1 + n0), which is what its estimate is on average for those
  numbers of persons.
- *bias*: mean of estimate - true effect, in percentage points.
- *error / spread*: mean standard error / standard deviation of estimate - true effect; below 1 errors are too small.
- *rejected at 5 %*: where the true effect is 0 the size, which should be 5 %; else the power.
- *coverage of 95 %*: of the interval, for the true effect.
- *randomisation*: assignment drawn again within centre and, but in the first trials, block, with the studentised
  statistic; it gives a p-value and no interval.
- *misses*: coverage (of randomisation inference the size) that differs from its nominal value by more than {errors}
  Monte Carlo errors. Of right ones about 1 in 22 is named by chance. The variances of a row's trials share those
  trials, so they tend to miss together; and without effect coverage is 100 % less the size.

In brackets: Monte Carlo standard errors. The table is about persons as the model draws them and arms of nearly equal
size; arms of a few persons, for which no variance is to be trusted, are not in it.
"""


ARMS = """
## Three arms, one of which works

{control} + {a} + {b} persons in each of {centres} centres: the reference arm, a, which does nothing, and b, which
works. How often a is rejected at 5 %, in {n:,} trials at {draws:,} draws. The draws of a hold the persons of b where
they are ([decision 17](decisions/0017-the-null-of-the-row.md)): permuted together, all arms gave 11 % in the last case.

*Attainable*: of the draws of each trial, the share whose own p is at most 5 %, mean over trials; without an effect the
test rejects so often, for what was seen is as likely as any draw. It is below 5 % where t takes few values: ties at the
edge are all kept. *Ties by lot* keeps as many of them as make it 5 % and shows that nothing else is amiss; it is not
printed, because p would then depend on a lot ([decision 55](decisions/0055-rare-by-tails.md)). By |t| the test would
reject in .3 % of trials in the last case.

"""


MEANS = """
## The mean of the centres, by the factor of Knapp and Hartung

Effects of 2 to 12 centres, normal with known errors of 8 to 15 points and a standard deviation tau between centres (in
points), {n:,} times; tau by Paule and Mandel, t with one degree of freedom less than centres. *Below*: how often the
error of the mean is below the one that weights of precision have when all errors are known, which no mean can be
([decision 18](decisions/0018-a-factor-of-one-at-least.md)).

"""


WITHIN = """
## Within centres that differ in everything

{n:,} trials of five centres with {sizes} persons, of whom {shares} % are assigned, where {usual} % of
months are in work, whatever the arm; {control:.0f} % of the reference arm and {ips:.0f} % of the other are lost from
some month on. How often each test rejects the effect that is not there at 5 %, at {draws:,} draws of assignment; of the
trimming bounds, how often their 95 % interval leaves out zero, which may be less. Trials in which a number has a status
instead are left out of its row.

"""


def page(found: Sequence[Performance], size: Size) -> str:
    """The text of docs/calibration.md without the sections on other trials."""
    intro = INTRO.format(after=found[0].case.plan.after, errors=MOST_ERRORS, **vars(size))
    return f"{intro}\n{table(found)}\n{summary(found)}"


def with_section(text: str, section: str) -> str:
    """A page on which a section stands in place of the one that has its heading, or behind all others."""
    heading = section.lstrip().splitlines()[0]
    parts = [part for part in ("\n" + text).split("\n## ") if part]
    kept = [f"## {part}" if i else part for i, part in enumerate(parts)]
    heads = [part.splitlines()[0] for part in kept]
    place = heads.index(heading) if heading in heads else len(kept)
    kept[place : place + 1] = [section.strip("\n") + "\n"]
    return "\n".join(part.strip("\n") + "\n" for part in kept)


def section_of_centres(found: Sequence[Stratified], size: Size) -> str:
    """The section on trials whose centres differ; nothing without one."""
    if not found:
        return ""

    def numbers(values: Iterable[float]) -> str:
        return ", ".join(f"{value:.0f}" for value in values)

    text = WITHIN.format(
        n=size.simulations_pooled,
        sizes=numbers(n for _, n in ASSIGNED.values()),
        shares=numbers(100 * k / n for k, n in ASSIGNED.values()),
        usual=numbers(100 * share for share in USUAL.values()),
        **{arm: 100 * share for arm, share in LOST.items()},
        draws=size.draws_arms,
    )
    rows = [
        (
            one.what,
            f"{one.n_trials:,}",
            f"{100 * one.rejected:.2f}",
            f"{100 * one.low:.2f} to {100 * one.high:.2f}",
            one.miss,
        )
        for one in found
    ]
    missed = [f"- {one.what}: {one.miss}\n" for one in found if one.miss]
    said = ["\nMissing 5 %:\n\n", *missed] if missed else ["\nNothing misses 5 %.\n"]
    head = ("test", "trials with a number", "rejected at 5 %", "95 % interval", "misses")
    return text + _padded([head, *rows]) + "".join(said)


def section_of_means(found: Sequence[Synthesised]) -> str:
    """The section on the mean of the centres; nothing without one."""
    if not found:
        return ""
    rows = [
        (
            str(one.n_centres),
            f"{100 * one.tau:.0f}",
            one.factor,
            _measure(one.coverage, 100, 2),
            _measure(one.below, 100, 2),
        )
        for one in found
    ]
    return MEANS.format(n=found[0].n_trials) + _padded(
        [("centres", "tau", "factor", "coverage of 95 %", "below"), *rows]
    )


def section_of_arms(found: Sequence[Rejections], size: Size) -> str:
    """The section on trials with three arms; nothing without one."""
    if not found:
        return ""
    control, a, b = SIZES
    text = ARMS.format(control=control, a=a, b=b, centres=CENTRES, n=size.simulations, draws=size.draws_arms)
    rows = [
        (
            one.case,
            one.test,
            f"{one.n_trials:,}",
            f"{100 * one.rejected.value:.2f}",
            f"{100 * one.low:.2f} to {100 * one.high:.2f}",
            _measure(one.attained, 100, 2),
        )
        for one in found
    ]
    head = ("months", "test", "trials with an error", "rejected at 5 %", "95 % interval", "attainable")
    return text + _padded([head, *rows])


def table(found: Sequence[Performance]) -> str:
    """The table of coverage and size."""
    return _padded([HEAD, *map(_cells, found)])


def _padded(lines: list[tuple[str, ...]]) -> str:
    """A padded table that reads well as text and as Markdown; the first line is its head."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    padded = (" | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in lines)
    return "".join(f"| {line} |\n" for line in padded)


def _cells(one: Performance) -> tuple[str, ...]:
    control, assigned = one.n_persons
    return (
        *(one.case.name, f"{control:.0f} + {assigned:.0f}", f"{100 * one.truth:.1f}", one.variance),
        *(f"{one.n_simulations:,}", _measure(one.bias, 100, 2), _measure(one.ratio, 1, 3)),
        *(_measure(one.rejected, 100, 2), _measure(one.coverage, 100, 2), one.miss),
    )


def _measure(measure: Measure | None, scale: int, decimals: int) -> str:
    if measure is None:
        return ""
    value = round(scale * measure.value, decimals) + 0.0  # no minus before a zero
    return f"{value:.{decimals}f} ({scale * measure.error:.{decimals}f})"


def summary(found: Sequence[Performance]) -> str:
    """What misses and what was not estimated, in words."""
    missed = [
        f"- {one.case.name}, true effect {100 * one.truth:.1f}, {one.variance}: {one.miss}\n"
        for one in found
        if one.miss
    ]
    without = sum(one.n_without_error for one in found)
    lines = ["Missing the nominal value:\n\n", *missed] if missed else ["Nothing misses its nominal value.\n"]
    if without:
        lines.append(f"\nLeft out, as the pipeline does, {without:,} estimates without a standard error.\n")
    return "".join(lines)
