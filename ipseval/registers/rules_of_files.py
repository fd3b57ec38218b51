"""Rules of the check about files and columns: what cannot be seen in rows."""

from ipseval.registers.rule import BOTH, STOP, WARN, Rule

FILES: dict[str, Rule] = {
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
        "stop",
        "[carries|carry] {article} {column} code that is not declared.",
        "Add it to {declare}. {near}",
        ("drop",),
    ),
    "excluded_by_code": Rule("drop", "[carries|carry] a {column} that exclusions names.", others=STOP, done="left out"),
}
