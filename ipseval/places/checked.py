"""Faults of the files about the centres: they are small, and told before a register is read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ipseval.errors import Fault, UserError
from ipseval.places.fidelity import read_reviews
from ipseval.places.scale import read_scale


def faults_of_files(settings: Mapping[str, Any]) -> list[Fault]:
    """Everything that is wrong with the files that a cohort names; ``settings`` has their places from the root on."""
    try:
        if settings["fidelity"]:
            scale = read_scale(Path(settings["fidelity_scale"]))
            read_reviews(Path(settings["fidelity"]), scale, settings["centres"])
    except UserError as error:
        return list(error.faults)
    return []
