"""Faults of the files about the centres: they are small, and told before a register is read."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ipseval.errors import Fault, UserError
from ipseval.places.fidelity import read_reviews
from ipseval.places.organisation import faults_of_groups, read_organisation
from ipseval.places.scale import read_scale
from ipseval.places.timeline import read_timeline


def faults_of_files(settings: Mapping[str, Any]) -> list[Fault]:
    """Everything that is wrong with the files that a cohort names; ``settings`` has their places from the root on."""
    faults: list[Fault] = []
    for check in (_of_organisation, _of_fidelity, _of_timeline):
        try:
            faults += check(settings)
        except UserError as error:
            faults += error.faults
    return faults


def _of_organisation(settings: Mapping[str, Any]) -> Iterator[Fault]:
    file, groups = settings["organisation"], settings["organisation_groups"]
    if not file:
        remedy = "Name the file under organisation."
        yield from [Fault(settings["file"], "organisation_groups names groups of no file.", remedy)] if groups else []
        return
    facts = read_organisation(Path(file), settings["centres"])
    yield from faults_of_groups(settings["file"], facts, groups)


def _of_fidelity(settings: Mapping[str, Any]) -> Iterator[Fault]:
    if settings["fidelity"]:
        scale = read_scale(Path(settings["fidelity_scale"]))
        read_reviews(Path(settings["fidelity"]), scale, settings["centres"])
    yield from ()


def _of_timeline(settings: Mapping[str, Any]) -> Iterator[Fault]:
    if settings["timeline"]:
        read_timeline(Path(settings["timeline"]), settings["centres"])
    yield from ()
