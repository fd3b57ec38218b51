"""What stands where in the report: sections with their figures and tables, by name."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ipseval.language import say


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Parameters
    ----------
    name : str
        Anchor of the part.
    title, text : str
        Heading, and what to know before reading on.
    figures, tables : tuple of str
        Names in the registries, in order.
    block : str
        What else stands in it: a macro of ``templates/report_blocks.html``.
    parts : tuple of Section
        Parts one level below.
    """

    name: str
    title: str
    text: str = ""
    figures: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    block: str = ""
    parts: tuple["Section", ...] = ()

    def walk(self) -> Iterator["Section"]:
        """The section and all below it."""
        yield self
        for part in self.parts:
            yield from part.walk()


def contents(tables: Iterable[str], figures: Iterable[str]) -> tuple[Section, ...]:
    """The sections with the tables and figures that there are; those that no section names come in one of their own."""
    there = (set(tables), set(figures))
    chosen = (*_described(), *_effects(), *_robustness(), *_documented())
    named = [part for section in chosen for part in section.walk()]
    other = Section(
        "other",
        say("Other tables and figures"),
        figures=tuple(n for n in figures if not any(n in part.figures for part in named)),
        tables=tuple(n for n in tables if not any(n in part.tables for part in named)),
    )
    last = next(place for place, section in enumerate(chosen) if section.name == "hidden")
    sections = (_only(section, *there) for section in (*chosen[:last], other, *chosen[last:]))
    return tuple(section for section in sections if not _is_empty(section))


def _only(section: Section, tables: set[str], figures: set[str]) -> Section:
    parts = tuple(part for part in (_only(part, tables, figures) for part in section.parts) if not _is_empty(part))
    return replace(
        section,
        tables=tuple(name for name in section.tables if name in tables),
        figures=tuple(name for name in section.figures if name in figures),
        parts=parts,
    )


def _is_empty(section: Section) -> bool:
    return not (section.tables or section.figures or section.block or section.parts)


def _described() -> tuple[Section, ...]:
    return (
        Section(
            "asked",
            say("What was asked"),
            say("The estimand (ICH E9(R1)): in whom, of what, against what, and what becomes of later events."),
            block="asked",
        ),
        Section("flow", say("Flow of persons"), figures=("flow_diagram",), tables=("flow",)),
        Section("inclusion", say("Inclusion"), tables=("table3_inclusion",)),
        Section("balance", say("Balance"), figures=("balance",), tables=("balance",)),
        Section("received", say("What was received"), tables=("table4_wage_subsidy", "receipt")),
    )


def _effects() -> tuple[Section, ...]:
    return (
        Section(
            "by-centre",
            say("Effects by centre"),
            figures=("effects_by_centre",),
            tables=("table5_effects", "effects_by_centre"),
        ),
        Section(
            "by-month",
            say("Effects by month"),
            figures=("employment_by_arm", "effect_by_month"),
            tables=("effects_by_month",),
        ),
        Section(
            "by-centre-month",
            say("Effects by centre and month"),
            say("With few persons in a centre a single month says little: its interval is wide and its own."),
            tables=("effects_by_centre_month",),
            block="curve",
        ),
        Section(
            "all-effects",
            say("All effects"),
            say("Every effect of every analysis, under each variance."),
            block="effects",
        ),
        Section("heterogeneity", say("Differences between centres"), figures=("forest",), tables=("heterogeneity",)),
        Section("places", say("The centres as places"), parts=_places()),
    )


def _places() -> tuple[Section, ...]:
    return (
        Section(
            "fidelity",
            say("Fidelity"),
            say("How near the teams' work is to the model, as reviews scored it. It is no cause of an effect here."),
            figures=("fidelity_over_time", "fidelity_by_item"),
            tables=("fidelity", "fidelity_items"),
        ),
    )


def _robustness() -> tuple[Section, ...]:
    parts = (
        Section("adjustment", say("Ways of adjusting"), tables=("adjustment",)),
        Section("subgroups", say("Subgroups"), tables=("subgroups",)),
        Section("specifications", say("Other choices"), figures=("specification_curve",), tables=("specifications",)),
        Section("missing", say("Missing data"), tables=("missing_data",)),
        Section("placebo", say("Placebo and event study"), figures=("event_study",), tables=("event_study",)),
        Section("complier", say("Effect in those who receive"), tables=("complier_effects",)),
        Section(
            "followed",
            say("Time to a job, and what was accumulated"),
            figures=("time_to_job",),
            tables=("time_to_job", "accumulated"),
        ),
    )
    return (
        Section(
            "robustness",
            say("Robustness"),
            say("How far the effect hangs on choices, and checks of the trial. None of these replaces the estimate."),
            parts=parts,
        ),
    )


def _documented() -> tuple[Section, ...]:
    return (
        Section("checks", say("Checks of the data"), tables=("published_comparison", "quality")),
        Section("hidden", say("What is hidden, and why"), block="hidden"),
        Section("methods", say("Methods"), say("What this report uses, with its formulas."), block="methods"),
        Section("provenance", say("Provenance"), block="provenance"),
    )
