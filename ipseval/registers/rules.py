"""What a check must find in a delivery: one named rule each, with what is done about it.

``RULES`` declares name, action and wording. Row rules (``registers.row_rules``) find rows of one extract's frame;
what cannot be seen in rows (files, columns, keys) is found in ``ipseval.check`` under the same names.
"""

from ipseval.registers.rule import Rule

OPEN_DATES = ("end_on", "died_on", "emigrated_on", "withdrawn_on")  # empty: it has not happened
WARN, STOP, BOTH = ("warn",), ("stop",), ("stop", "warn")
RULES: dict[str, Rule] = {
    # files
    "missing_extract": Rule(
        "stop", "was not delivered.", "Put it into the folder that extracts names, as a file or a folder of files."
    ),
    "file_and_folder": Rule(
        "stop", "were both delivered: one of them would be counted twice.", "Remove the one that is not to be used."
    ),
    "not_parquet": Rule("stop", "[is|are] no Parquet, or cut off.", "Have [it|them] delivered again."),
    "encrypted_file": Rule(
        "stop",
        "[is|are] encrypted.",
        "Have [it|them] decrypted, beside the delivery, by whoever holds the key, and name that folder under extracts.",
    ),
    "other_format": Rule(
        "stop", "[is|are] no Parquet but {kind}.", "Have [it|them] delivered as Parquet, or convert [it|them] yourself."
    ),
    "table_format": Rule(
        "stop",
        "[is|are] {kind}: which files belong to it stands in its log, and replaced ones lie beside the live ones.",
        "Have it delivered as plain Parquet files.",
    ),
    "unfinished_write": Rule(
        "stop",
        "[was|were] left by a job that did not end or a copy that was cut off.",
        "Ask whether the files beside [it|them] are complete; if so, set checks: {{unfinished_write: warn}}.",
        WARN,
        done="left unread",
    ),
    "older_version": Rule(
        "warn", "[is|are] an older version of a file that was delivered.", others=STOP, done="the newest is read"
    ),
    "stray_file": Rule(
        "warn", "[is|are] no Parquet and left unread.", "Remove [it|them] if [it|they] should not be there.", STOP
    ),
    "unread_file": Rule(
        "warn",
        "[is|are] read for no extract.",
        "Name [it|them] under files, or take [it|them] out of the folder.",
        STOP,
        done="left unread",
    ),
    "unreadable": Rule(
        "stop", "cannot be read: the file's end is whole, its pages are damaged.", "Have [it|them] delivered again."
    ),
    "empty_extract": Rule("stop", "has no rows.", "Have it delivered again."),
    "missing_month": Rule(
        "stop",
        "[has|have] no row in {label}, though the {units} beside [it|them] have many.",
        "Have [it|them] delivered, or set checks: {{missing_month: warn}} if nobody worked.",
        WARN,
    ),
    "two_files_one_month": Rule(
        "stop", "hold rows of the same {unit}.", "Remove the file that is not to be used.", WARN
    ),
    # columns
    "missing_column": Rule(
        "stop", "[has|have] no column '{column}'.", "If it has another name, give that under {declare}. {near}"
    ),
    "renamed_column": Rule(
        "fix", "[has|have] {column} under another of its names than the first file.", others=BOTH, done="read under it"
    ),
    "duplicate_column": Rule(
        "stop",
        "[has|have] several columns of one name: {names}.",
        "Have [it|them] delivered with a name for each, or set checks: {{duplicate_column: warn}}.",
        WARN,
    ),
    "similar_columns": Rule(
        "warn",
        "[has|have] columns whose names differ in capitals or blanks only: {names}.",
        others=STOP,
        done="those of exactly the name that is asked for are read",
    ),
    "other_capitals": Rule(
        "fix",
        "[has|have] {column} under a name that differs in capitals or blanks.",
        others=BOTH,
        done="read under it",
    ),
    "unused_column": Rule("note", "[has|have] columns that nothing reads: {names}.", others=BOTH, done="left unread"),
    "several_names": Rule(
        "warn",
        "[has|have] several columns that are named for {column}.",
        "Name only one of them under columns.",
        STOP,
        done="the first that is named is read",
    ),
    "column_of_nulls": Rule(
        "warn", "[has|have] no {column}: the whole column is empty.", "Check that it was meant to be delivered.", STOP
    ),
    "wrong_type": Rule(
        "stop", "[has|have] a value of {column} that cannot be read as {kind}.", "Mend the extract{otherwise}."
    ),
    "converted_type": Rule("fix", "[has|have] {column} in another type.", others=BOTH, done="converted"),
    "time_zone_in_date": Rule(
        "fix",
        "[has|have] {column} as a time with a zone.",
        "Check that the zone is the register's.",
        BOTH,
        done="the day in that zone is taken",
    ),
    "unknown_time_zone": Rule(
        "stop",
        "[has|have] {column} as a time of day in no zone that is known: which day it was at the register is not said.",
        "Say the register's zone (zone: Europe/Oslo), or that times are its own clock (dates.{extract}.{column}: "
        "{{zone: local}}), have it delivered as a date, or set checks: {{unknown_time_zone: warn}} to take the day "
        "that is written.",
        WARN,
        done="the day that is written is taken",
    ),
    "unclear_number": Rule(
        "stop",
        "[has|have] {column} as text in which a point or comma may be of decimals or of thousands.",
        'Say which, as in numbers.{extract}.{column}: {{decimal: ",", thousands: "."}}.',
    ),
    "missing_value": Rule("stop", "[has|have] no {column}.", "Mend the extract: {column} may not be empty."),
    "undeclared_code": Rule(
        "stop", "[carries|carry] {article} {column} code that is not declared.", "Add it to {declare}.", ("drop",)
    ),
    "excluded_by_code": Rule("drop", "[carries|carry] a {column} that exclusions names.", others=STOP, done="left out"),
    # persons
    "duplicate_row": Rule(
        "drop",
        "[repeats|repeat] another row of the same person exactly.",
        others=STOP,
        done="one of each is kept",
    ),
    "contradicting_rows": Rule(
        "stop", "[belongs|belong] to persons with several rows that differ in {column}.", "Keep one row a {row}."
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
        "warn", "died or emigrated before the day of randomisation.", "Check the dates and the linkage.", STOP
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
    "long_hours": Rule(
        "warn",
        "[has|have] more than 80 weekly hours: 99 and the like are signs of hours that are not stated.",
        others=("stop", "fix"),
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
    "open_end": Rule("warn", "[has|have] no last day: still open at the end of the register.", others=STOP),
    "outside_coverage": Rule(
        "warn",
        "[lies|lie] before observed_from or after observed_until.",
        "Check observed_from and observed_until.",
        ("stop", "drop"),
        done="counted in no month",
    ),
}
