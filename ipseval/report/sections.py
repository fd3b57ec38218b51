"""What stands where in the report: an open part with its figures and tables, and an appendix that opens on demand."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ipseval.language import say

FIRST = "effects_by_centre"  # the figure of the first page


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
    """

    name: str
    title: str
    text: str = ""
    figures: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    block: str = ""


@dataclass(frozen=True)
class Contents:
    """The report's parts.

    Parameters
    ----------
    body : tuple of Section
        What is open: what a reviewer needs to judge the main result.
    appendix : tuple of Section
        Everything else, folded.
    """

    body: tuple[Section, ...]
    appendix: tuple[Section, ...]

    def walk(self) -> Iterator[Section]:
        """Every part."""
        yield from (*self.body, *self.appendix)


def contents(tables: Iterable[str], figures: Iterable[str]) -> Contents:
    """The parts with the tables and figures that there are; those that none names come in one of their own."""
    there = (set(tables), set(figures))
    body, appendix = _body(), (*_asked(), *_more(), *_checks(), *_documented())
    named = (*body, *appendix)
    other = Section(
        "other",
        say("Other tables and figures"),
        figures=tuple(n for n in figures if n != FIRST and not any(n in part.figures for part in named)),
        tables=tuple(n for n in tables if not any(n in part.tables for part in named)),
    )
    last = next(place for place, part in enumerate(appendix) if part.name == "hidden")
    parts = (body, (*appendix[:last], other, *appendix[last:]))
    kept = (tuple(part for part in map(lambda one: _only(one, *there), of) if not _is_empty(part)) for of in parts)
    return Contents(*kept)


def _only(section: Section, tables: set[str], figures: set[str]) -> Section:
    return replace(
        section,
        tables=tuple(name for name in section.tables if name in tables),
        figures=tuple(name for name in section.figures if name in figures),
    )


def _is_empty(section: Section) -> bool:
    return not (section.tables or section.figures or section.block)


@dataclass(frozen=True)
class Numbers:
    """The numbers of tables and figures in the report: ``Table 2``, ``Figure A1``; none where a sentence stands.

    Parameters
    ----------
    tables, figures : mapping
        Name -> number.
    """

    tables: Mapping[str, str]
    figures: Mapping[str, str]


def numbers(found: Contents, tables: Iterable[str], figures: Iterable[str]) -> Numbers:
    """Number tables and figures in the order in which they are met, those of the appendix apart.

    Parameters
    ----------
    found : Contents
    tables, figures : iterable of str
        Those that are printed or drawn: a table or figure of which only a sentence stands there has no number.
    """
    printed, drawn = set(tables), set(figures)
    numbered: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for mark, parts in (("", found.body), ("A", found.appendix)):
        first = () if mark else (FIRST,)
        of_tables = [name for part in parts for name in part.tables if name in printed]
        of_figures = [name for name in (*first, *(n for part in parts for n in part.figures)) if name in drawn]
        for n, name in enumerate(of_tables, 1):
            numbered[0][name] = say("Table {n}", n=f"{mark}{n}")
        for n, name in enumerate(of_figures, 1):
            numbered[1][name] = say("Figure {n}", n=f"{mark}{n}")
    return Numbers(*numbered)


def _body() -> tuple[Section, ...]:
    return (
        Section("participants", say("Who took part"), figures=("flow_diagram",), tables=("baseline",)),
        Section("main-effects", say("Main effects"), tables=("main_effects",)),
        Section("over-time", say("Over time"), figures=("employment_by_arm", "effect_by_month")),
        Section("by-centre", say("Effects by centre"), tables=("effects_by_centre",)),
        Section(
            "robustness",
            say("How far the effect hangs on choices and on missing data"),
            tables=("adjustment", "missing_data"),
        ),
    )


def _asked() -> tuple[Section, ...]:
    return (
        Section(
            "asked",
            say("What was asked"),
            say("The estimand (ICH E9(R1)): in whom, of what, against what, and what becomes of later events."),
            block="asked",
        ),
        Section("flow", say("Flow of persons by centre"), tables=("flow", "table3_inclusion")),
        Section("balance", say("Balance by centre"), figures=("balance",), tables=("balance",)),
        Section("received", say("What was received"), tables=("receipt", "table4_wage_subsidy")),
    )


def _more() -> tuple[Section, ...]:
    return (
        Section("models", say("Linear probability models by centre"), tables=("table5_effects",)),
        Section(
            "followed",
            say("Time to a job, and what was accumulated"),
            figures=("time_to_job",),
            tables=("time_to_job", "accumulated", "achieved", "achieved_by_centre", "cost"),
        ),
        Section("by-month", say("Effects by month"), tables=("effects_by_month",)),
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
            say("Every effect of every analysis: one row an effect, then the same under each other variance."),
            block="effects",
        ),
        Section("heterogeneity", say("Differences between centres"), figures=("forest",), tables=("heterogeneity",)),
        *_places(),
    )


def _places() -> tuple[Section, ...]:
    return (
        Section("timeline", say("Time line"), tables=("timeline",)),
        Section("organisation", say("Organisation"), tables=("organisation", "organisation_tests")),
        Section(
            "fidelity",
            say("Fidelity"),
            say("How near the teams' work is to the model, as reviews scored it. It is no cause of an effect here."),
            figures=("fidelity_over_time", "fidelity_by_item", "fidelity_and_effect"),
            tables=("fidelity", "fidelity_items"),
        ),
    )


def _checks() -> tuple[Section, ...]:
    return (
        Section("subgroups", say("Subgroups"), tables=("subgroups",)),
        Section("specifications", say("Other choices"), figures=("specification_curve",), tables=("specifications",)),
        Section("placebo", say("Placebo and event study"), figures=("event_study",), tables=("event_study",)),
        Section("complier", say("Effect in those who receive"), tables=("complier_effects",)),
    )


def _documented() -> tuple[Section, ...]:
    return (
        Section("checks", say("Checks of the data"), tables=("published_comparison", "quality")),
        Section("hidden", say("What is hidden, and why"), block="hidden"),
        Section("methods", say("Methods"), say("What this report uses, with its formulas."), block="methods"),
        Section("provenance", say("Provenance"), block="provenance"),
    )
