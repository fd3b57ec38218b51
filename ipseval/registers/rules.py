"""What a check must find in a delivery: one named rule each, with what is done about it.

``RULES`` declares name, action and wording. Row rules (``registers.row_rules``) find rows of one extract's frame;
what cannot be seen in rows (files, columns, keys) is found in ``ipseval.check`` under the same names.
"""

from ipseval.registers.rule import BOTH, STOP, WARN, Rule
from ipseval.registers.rules_of_files import FILES

OPEN_DATES = ("end_on", "died_on", "emigrated_on", "returned_on", "withdrawn_on")  # empty: it has not happened
RULES: dict[str, Rule] = FILES | {
    # persons
    "left_out": Rule("drop", "[is|are] named by leave_out.", done="left out"),
    "correction": Rule("fix", "[is|are] set as corrections says.", done="mended"),
    "idle_mending": Rule(
        "stop",
        "of {label} [belongs|belong] to no row of the extract.",
        "Mend the file, or set checks: {{idle_mending: warn}}.",
        WARN,
        done="nothing to mend",
    ),
    "duplicate_row": Rule(
        "drop",
        "[repeats|repeat] another row of the same person exactly.",
        others=STOP,
        done="one of each is kept",
    ),
    "contradicting_rows": Rule(
        "stop", "[belongs|belong] to persons with several rows that differ in {column}.", "Keep one row a {row}."
    ),
    "several_moves": Rule(
        "fix",
        "[belongs|belong] to persons with several rows that differ in the days of emigration and return.",
        others=STOP,
        done="each is a move",
    ),
    "contradicting_assignment": Rule(
        "stop",
        "[belongs|belong] to persons with several rows that differ in {column}.",
        "Keep one row a {row}. The arm of these persons is not known until then.",
    ),
    "key_spelling": Rule(
        "fix", "[spells|spell] a person's key with leading zeros.", others=BOTH, done="read without them"
    ),
    "key_blanks": Rule("fix", "[has|have] blanks around a person's key.", others=BOTH, done="trimmed"),
    "key_type": Rule(
        "stop",
        "[holds|hold] {column} as {kind}, which cannot tell keys apart.",
        "Have [it|them] delivered with keys as text or whole numbers.",
    ),
    "inexact_key": Rule(
        "stop",
        "[is|are] longer than {label} can hold exactly: its {column} is {kind}, so that neighbouring keys become one.",
        "Have it delivered with keys as text or whole numbers.",
    ),
    "thin_file": Rule(
        "warn",
        "[has|have] far fewer persons of the trial than the files beside [it|them].",
        "Check that the keys are those of the other files, and the rows complete.",
        STOP,
    ),
    "missing_key": Rule("warn", "[has|have] no person_id.", "Nothing to do for a register.", STOP, done="left out"),
    "person_not_in_trial": Rule(
        "warn",
        "[belongs|belong] to nobody in the trial list.",
        "Nothing to do for a register.",
        STOP,
        done="left out",
    ),
    "trial_person_without_row": Rule(
        "warn",
        "of the trial list [has|have] no row in {label}.",
        "Check the linkage if there are many.",
        STOP,
        done="kept",
    ),
    "trial_person_nowhere": Rule(
        "warn",
        "of the trial list [has|have] no row in any other extract.",
        "Check the linkage: they count as without a job.",
        STOP,
        done="kept",
    ),
    "nobody_linked": Rule(
        "stop",
        "holds nobody of the trial list.",
        "Check that person_id is the same key in both, or set checks: {{nobody_linked: warn}}.",
        WARN,
    ),
    "no_start_in_trial": Rule(
        "warn",
        "[has|have] no spell that starts in a month of the trial.",
        "Check the unit and the years of the dates: nobody would have begun a job.",
        STOP,
        done="kept",
    ),
    "centre_with_one_arm": Rule(
        "warn",
        "[belongs|belong] to a centre with one arm only.",
        others=STOP,
        done="its effect is not estimated",
    ),
    "assigned_by_unit": Rule(
        "warn",
        "[is|are] in {units} units of {column} with one arm each: whole units were assigned, which no model holds.",
        "Errors by person are too small, and re-drawn assignment moves persons: compare the units beside it.",
        STOP,
    ),
    "share_assigned": Rule("note", "[is|are] assigned to {arm}: {shares}.", others=BOTH, done="as it is"),
    "uneven_allocation": Rule(
        "warn",
        "differs between {where} by more than chance: {compared}.",
        "Compare within them.",
        STOP,
        done="share_assigned has the shares",
    ),
    "empty_centre": Rule(
        "warn",
        "declared under centres [has|have] nobody in {label}.",
        others=STOP,
        done="[its|their] rows stay empty",
    ),
    "covariate_of_text": Rule(
        "warn",
        "is delivered as text.",
        "Declare it under covariates: {column}: category, or {column}: number.",
        STOP,
        done="read as a category",
    ),
    "code_not_found": Rule(
        "stop",
        "[is|are] the {column} of no row of {label}.",
        "Mend [it|them], or set checks: {{code_not_found: warn}}. {near}",
        WARN,
    ),
    "covariate_not_delivered": Rule(
        "stop",
        "is asked for as a covariate, and what was delivered does not give it.",
        "Have it delivered, leave it out, or set checks: {{covariate_not_delivered: warn}}. {near}",
        WARN,
        done="left out and named in the tables",
    ),
    "empty_arm": Rule(
        "stop",
        "declared under arms [has|have] nobody in {label}.",
        "Mend arms or values.trial.arm, or set checks: {{empty_arm: warn}}.",
        WARN,
    ),
    "code_of_nobody": Rule(
        "warn",
        "[is|are] the {column} of nobody in the trial list.",
        "Nothing to do where it is rare.",
        STOP,
        done="nobody is concerned",
    ),
    # dates
    "randomised_after_register": Rule(
        "stop", "[was|were] randomised after observed_until.", "Move observed_until, or leave the persons out."
    ),
    "ended_before_randomisation": Rule(
        "warn",
        "died or emigrated before the day of randomisation.",
        "Check the dates and the linkage.",
        STOP,
        done="kept; who emigrated has come back by that day",
    ),
    "class_would_decide": Rule(
        "warn",
        "[is|are] of level 3 before October 1995, which counts as upper secondary by the class that is not told.",
        "Have the class delivered, as class of education.",
        STOP,
        done="counted as below upper secondary, or as not known where other classes are told",
    ),
    "job_after_emigration": Rule(
        "warn",
        "[begins|begin] after the person's emigration, of which no return is told.",
        "Have the days of return delivered, as returned_on of persons.",
        ("stop", "drop"),
        done="kept: the person has come back by then",
    ),
    "sentinel_date": Rule("fix", "[has|have] {column} far in the future.", others=BOTH, done="read as empty: not yet"),
    "past_sign": Rule(
        "fix",
        "[has|have] {column} {day}, long past: a sign that there is none.",
        others=BOTH,
        done="read as empty: not yet",
    ),
    "start_sign": Rule(
        "warn",
        "[has|have] {column} {day}, which no job began on.",
        "Ask the register what it means.",
        ("stop", "drop"),
        done="kept: as if it had begun then",
    ),
    "far_from_others": Rule("warn", "[was|were] randomised years before or after all others.", "Check {column}.", STOP),
    "impossible_age": Rule(
        "fix", "[has|have] an age below 0 or above 110 years.", others=STOP, done="read as not known"
    ),
    "impossible_birth": Rule(
        "fix",
        "[was|were] born after randomisation, or more than 110 years before it.",
        others=STOP,
        done="read as not known",
    ),
    "impossible_hours": Rule(
        "fix", "[has|have] weekly hours below 0 or above 168.", others=STOP, done="read as not known"
    ),
    "implausible_age": Rule(
        "warn",
        "[was|were] younger than {low} or older than {high} years at randomisation.",
        "Check the births and who was eligible.",
        ("stop", "fix"),
    ),
    "implausible_hours": Rule(
        "warn", "[has|have] weekly hours outside {low} to {high}.", "Ask the register.", ("stop", "fix")
    ),
    "hours_of_another_unit": Rule(
        "warn",
        "[has|have] weekly hours nine tenths of which are at most 2, as shares of full time are, or a tenth of which "
        "at least 60, as per cent and hours a month are.",
        "Ask the register; layouts.employment.full_time_hours: 37 is for shares of it, .37 for per cent.",
        ("stop", "fix"),
    ),
    "repeated_code": Rule(
        "warn",
        "[has|have] {column} {value}, which repeats like a code for missing.",
        "Ask what it means; checks: {{repeated_code: fix}} reads it as not known.",
        ("stop", "fix"),
    ),
    "date_outside_bulk": Rule(
        "warn", "[has|have] {column} years before or after almost all others.", "Check the dates.", STOP
    ),
    "randomised_before_register": Rule(
        "warn",
        "[was|were] randomised before observed_from.",
        "Check observed_from.",
        STOP,
        done="kept: their months before it are missing",
    ),
    "end_before_start": Rule(
        "drop",
        "[ends|end] before [it starts|they start].",
        "Ask the register what it means.",
        STOP,
        done="left out",
    ),
    "before_birth": Rule(
        "drop",
        "[ends|end] before the person's birth.",
        "Check the birth dates and the linkage.",
        BOTH,
        done="left out",
    ),
    "starts_before_birth": Rule(
        "warn",
        "[starts|start] before the person's birth.",
        "Check the birth dates and the linkage.",
        ("stop", "drop"),
    ),
    "after_death": Rule(
        "fix",
        "[reaches|reach] beyond the person's death or emigration.",
        others=("stop", "drop", "warn"),
        done="cut at that day",
    ),
    "outside_period": Rule(
        "drop", "[speaks|speak] of a {unit} in which the job has no day.", others=STOP, done="left out"
    ),
    "outside_source": Rule(
        "fix",
        "[reaches|reach] beyond the months that [its|their] part of the extract speaks of.",
        others=STOP,
        done="cut there",
    ),
    "hours_break": Rule(
        "warn",
        "of the trial list [is|are] followed across {month}, from when agreed hours are counted in another way.",
        "Set outcome.min_weekly_hours: 0, or narrow the window.",
        STOP,
        done="hours are taken as they are",
    ),
    "overlapping_spells": Rule(
        "fix", "[overlaps|overlap] an earlier spell of the same job.", others=BOTH, done="merged"
    ),
    "thin_month": Rule(
        "warn",
        "[has|have] far fewer persons with a job than the six months before.",
        "Check that the register is complete there; if not, move observed_until.",
        STOP,
    ),
    "thin_rows": Rule(
        "warn",
        "[has|have] rows of far fewer persons than the six months before.",
        "Check that the register is complete there; if not, name the months under unobserved.",
        STOP,
    ),
    "outlying_month": Rule(
        "warn",
        "[has|have] rows of far more persons than the months before and after.",
        "Check that no other rows were put there.",
        STOP,
    ),
    "no_start_at_end": Rule(
        "warn",
        "[has|have] nobody who begins a job, though {usual} persons a month did in the year before.",
        "Check that the register is complete there; if not, move observed_until.",
        STOP,
    ),
    "open_end": Rule("warn", "[has|have] no last day: still open at the end of the register.", others=STOP),
    "outside_coverage": Rule(
        "warn",
        "[lies|lie] before observed_from or after observed_until.",
        "Check observed_from and observed_until.",
        ("stop", "drop"),
        done="counted in no month",
    ),
}
