"""What each released file is, and which tables of ``data/`` its numbers come from."""

from dataclasses import dataclass

from ipseval.language import phrase, phrases


@dataclass(frozen=True)
class Behind:
    """What a file is, in English, and the tables of ``data/`` behind it."""

    what: str
    tables: tuple[str, ...] = ()


TABLES = phrases(
    {
        "flow": "persons at each step from randomisation to analysis, by centre and arm",
        "inclusion": "persons randomised and analysed, by centre",
        "wage_subsidy": "person-months with a wage subsidy, by centre and arm",
        "employment_by_month": "share employed, by centre, arm and month",
        "balance": "covariates at randomisation, by centre and arm",
        "effects": "effects of every analysis",
        "coefficients": "coefficients of the pooled regressions",
        "randomisation": "the effects tested by re-drawn assignment",
        "bands": "effects by month with bands that hold for all months",
        "heterogeneity": "how much the effects differ between centres",
        "centre_effects": "the effect of each centre beside those of the others",
        "pooled_effects": "the mean effect of the centres",
        "time_to_job": "time to the first ordinary job, by arm and month",
        "restricted_mean": "mean months without a job, by arm",
        "accumulated": "months in work, hours, employers and jobs by chosen months",
        "achieved": "who achieved what by chosen months, over all centres and in each",
        "cost": "what a further month in ordinary employment costs",
        "specifications": "the pooled effect under every combination of choices",
        "receipt": "who received the treatments, by centre and arm",
        "complier_effects": "effects in those who receive the treatment when assigned",
        "event_study": "changes around randomisation with person fixed effects, a check",
        "placebo": "test of the periods before randomisation, a check",
        "missing_data": "what missing data could do to the effect",
        "organisation": "organisation of the centres, as printed",
        "organisation_tests": "mean effects of two groups of centres, with exact tests",
        "timeline": "events at the centres",
        "exposure": "person-months of the follow-up after each event, by arm",
        "fidelity": "fidelity reviews of the teams, by part of the scale",
        "fidelity_summary": "fidelity over the reviews: means, changes, slopes",
    }
)
ALL = tuple(TABLES)  # behind what shows everything
PRINTED = {
    "tables/baseline": Behind(phrase("persons analysed, by arm: the first table of a trial paper"), ("balance",)),
    "tables/main_effects": Behind(
        phrase("main effects, with both arms"), ("effects", "randomisation", "accumulated", "restricted_mean")
    ),
    "tables/table3_inclusion": Behind(phrase("persons randomised and analysed, by centre"), ("inclusion",)),
    "tables/table4_wage_subsidy": Behind(phrase("person-months with a wage subsidy"), ("wage_subsidy",)),
    "tables/table5_effects": Behind(phrase("linear probability models by centre"), ("coefficients", "effects")),
    "tables/effects_by_centre": Behind(phrase("effects by centre"), ("effects",)),
    "tables/effects_by_month": Behind(phrase("effects by month"), ("effects",)),
    "tables/effects_by_centre_month": Behind(phrase("effects by centre and month"), ("effects",)),
    "tables/adjustment": Behind(phrase("the pooled effect by way of adjusting"), ("effects", "randomisation")),
    "tables/subgroups": Behind(phrase("effects in planned subgroups"), ("effects", "randomisation")),
    "tables/specifications": Behind(phrase("the pooled effect under other choices"), ("specifications",)),
    "tables/heterogeneity": Behind(
        phrase("differences between centres"), ("heterogeneity", "pooled_effects", "centre_effects")
    ),
    "tables/time_to_job": Behind(phrase("time to the first ordinary job"), ("time_to_job", "restricted_mean")),
    "tables/accumulated": Behind(phrase("employment accumulated after randomisation"), ("accumulated",)),
    "tables/achieved": Behind(phrase("what was achieved by chosen months"), ("achieved",)),
    "tables/achieved_by_centre": Behind(phrase("what was achieved by chosen months, by centre"), ("achieved",)),
    "tables/cost": Behind(phrase("the cost of a further month in ordinary employment"), ("cost",)),
    "tables/receipt": Behind(phrase("who received the treatments"), ("receipt",)),
    "tables/complier_effects": Behind(phrase("effects in those who receive when assigned"), ("complier_effects",)),
    "tables/event_study": Behind(phrase("changes around randomisation, a check"), ("event_study", "placebo")),
    "tables/missing_data": Behind(phrase("what missing data could do"), ("missing_data",)),
    "tables/organisation": Behind(
        phrase("the centres, their organisation and their effects"), ("organisation", "centre_effects")
    ),
    "tables/organisation_tests": Behind(
        phrase("mean effects of two groups of centres"), ("organisation_tests", "heterogeneity")
    ),
    "tables/timeline": Behind(phrase("events at the centres, and the follow-up after them"), ("timeline", "exposure")),
    "tables/fidelity": Behind(phrase("fidelity reviews of the teams"), ("fidelity", "fidelity_summary")),
    "tables/fidelity_items": Behind(phrase("fidelity by item"), ("fidelity_summary",)),
    "tables/balance": Behind(phrase("balance of the covariates"), ("balance",)),
    "tables/flow": Behind(phrase("flow of persons"), ("flow",)),
    "tables/all_tables": Behind(phrase("every printed table, one sheet or page each"), ALL),
    "figures/flow_diagram": Behind(phrase("CONSORT flow diagram"), ("flow", "receipt", "employment_by_month")),
    "figures/balance": Behind(phrase("balance plot"), ("balance",)),
    "figures/employment_by_arm": Behind(phrase("share employed by arm and month"), ("employment_by_month",)),
    "figures/effect_by_month": Behind(phrase("effect by month"), ("effects", "bands")),
    "figures/effects_by_centre": Behind(phrase("effects by centre"), ("effects",)),
    "figures/forest": Behind(phrase("forest plot of the centres"), ("heterogeneity", "centre_effects")),
    "figures/specification_curve": Behind(phrase("specification curve"), ("specifications",)),
    "figures/time_to_job": Behind(phrase("curve of time to the first ordinary job"), ("time_to_job",)),
    "figures/event_study": Behind(phrase("changes around randomisation, a check"), ("event_study",)),
    "figures/fidelity_over_time": Behind(phrase("fidelity of the teams over time"), ("fidelity", "timeline")),
    "figures/fidelity_by_item": Behind(phrase("items of the fidelity reviews"), ("fidelity",)),
    "figures/fidelity_and_effect": Behind(
        phrase("fidelity of the teams and effects of the centres"), ("fidelity", "timeline", "centre_effects")
    ),
    "report": Behind(phrase("the report: tables, figures, methods, what was hidden"), ALL),
    "hidden_cells": Behind(phrase("positions of hidden cells, without values")),
    "hidden_by_table": Behind(phrase("how many cells of each table are hidden")),
    "hidden_cost": Behind(phrase("what hiding numbers for the sake of others costs, and the least it can")),
    "ard": Behind(phrase("every released number as a row of its own (CDISC analysis results dataset)"), ALL),
    "profile": Behind(phrase("the profile of disclosure control in force, for programs")),
    "datapackage": Behind(phrase("types, units and keys of every CSV file (Data Package)")),
    "outputs": Behind(phrase("the list of results for SACRO-Viewer; checksums/ has the checksum of each file")),
    "README": Behind(phrase("what each file is, for the output checker")),
    "checklist": Behind(phrase("usual reasons for rejection, answered")),
    "consort_checklist": Behind(phrase("CONSORT 2025 and CONSORT-ROUTINE, and where each item is found")),
    "workflow": Behind(phrase("the workflow that made the results (its Snakefile); no data")),
    "ro-crate-metadata": Behind(phrase("the release described for machines (RO-Crate)")),
}


GROUPS = phrases(
    {
        "whole": "Everything together",
        "persons": "Who was in the trial, and what was received",
        "effects": "Effects",
        "centres": "Differences between centres",
        "places": "The centres as places",
        "followed": "Employment over time",
        "checks": "Checks and other choices",
        "about": "About the release",
    }
)
GROUPED = {
    "persons": ("flow", "inclusion", "balance", "wage_subsidy", "receipt"),
    "effects": ("effects", "coefficients", "randomisation", "bands"),
    "centres": ("heterogeneity", "centre_effects", "pooled_effects"),
    "places": ("organisation", "organisation_tests", "timeline", "exposure", "fidelity", "fidelity_summary"),
    "followed": ("employment_by_month", "time_to_job", "restricted_mean", "accumulated", "achieved", "cost"),
    "checks": ("specifications", "complier_effects", "event_study", "placebo", "missing_data"),
}


def group(file: str) -> str:
    """Which of :data:`GROUPS` a file of the release belongs to: by the first table behind it."""
    tables = behind(file).tables
    if not tables:
        return "about"
    return "whole" if tables == ALL else next(name for name, own in GROUPED.items() if tables[0] in own)


def behind(file: str) -> Behind:
    """What a file of the release is; of one that is not known, nothing.

    Parameters
    ----------
    file : str
        Relative to the folder of the release.
    """
    stem = file.rpartition(".")[0]
    folder, _, name = stem.rpartition("/")
    if folder == "data" and name in TABLES:
        return Behind(TABLES[name], (name,))
    return PRINTED.get(stem, Behind(phrase("not described")))
