"""Where the files of an extract lie, and whether they can be read as they are: whole, plain, delivered once."""

import re
from pathlib import Path

from ipseval.config import Cohort
from ipseval.contracts import EXTRACTS
from ipseval.registers.delivered import Delivery
from ipseval.registers.files import ENCRYPTED, every_parquet, locate, outdated, tables, unfinished
from ipseval.registers.findings import Findings, listed
from ipseval.registers.sources import Source, sources

PERIODS = re.compile(r"_p\d{4}(?:-\d{2}){0,2}")


def located(cohort: Cohort, extract: str) -> list[Path]:
    """All files delivered for an extract."""
    places = (locate(cohort.extracts, extract, source.files) for source in sources(cohort, extract))
    return list(dict.fromkeys(path for place in places for path in place))


def check_unread(cohort: Cohort, found: Findings) -> None:
    """Note Parquet files of the folder that no extract reads: stale copies, or names that are not as expected."""
    read = {path for extract in EXTRACTS for path in located(cohort, extract)}
    read |= {p for e in EXTRACTS for s in sources(cohort, e) for p in outdated(cohort.extracts, e, s.files)}
    read |= {*cohort.mending.values()}
    unread = (path for path in every_parquet(cohort.extracts) if path not in read)
    names = sorted(path.relative_to(cohort.extracts).as_posix() for path in unread)
    if names:
        found.add("all", "unread_file", listed(names), None, None, number=len(names))


def is_plain(delivery: Delivery, source: Source, cohort: Cohort, found: Findings) -> bool:
    """Whether all files are whole and are Parquet that stands for itself; what they are otherwise is told."""
    folder, encrypted = cohort.extracts, [other.name for other in delivery.others if ENCRYPTED in other.kind]
    paths = locate(folder, delivery.name, source.files)
    older = [p.relative_to(folder).as_posix() for p in outdated(folder, delivery.name, source.files)]
    for rule, names in (
        ("not_parquet", delivery.broken),
        ("encrypted_file", encrypted),
        ("unfinished_write", unfinished(paths, folder)),
        ("older_version", older),
        ("stray_file", delivery.stray),
    ):
        if names:
            found.add(delivery.name, rule, listed(names), None, None, number=len(names))
    for other in (o for o in delivery.others if o.name not in encrypted):
        found.add(delivery.name, "other_format", other.name, None, None, number=1, kind=other.kind)
    logged = tables(paths, folder)
    for name, kind in logged.items():
        found.add(delivery.name, "table_format", name, None, None, number=1, kind=kind)
    return not (delivery.broken or delivery.others or logged)


def check_places(delivery: Delivery, source: Source, found: Findings) -> None:
    """Note an extract that was delivered twice: as a file and as a folder, or under two endings."""
    names = delivery.names(range(len(delivery.files)))
    places = list(dict.fromkeys(name.split("/")[0] + "/" * ("/" in name) for name in names))
    periods = {"".join(PERIODS.findall(place)) for place in places}  # files of several periods are one extract
    if not source.files and len(periods) < len(places):
        found.add(delivery.name, "file_and_folder", " and ".join(places), delivery.n_rows, None)
