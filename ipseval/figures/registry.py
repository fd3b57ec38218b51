"""The registry of figures: name -> the function that draws it."""

from collections.abc import Callable

from ipseval.figures.balance_plot import balance
from ipseval.figures.by_centre import effects_by_centre
from ipseval.figures.by_month import effect_by_month, employment_by_arm, event_study
from ipseval.figures.drawing import Drawing
from ipseval.figures.fidelity import fidelity_by_item, fidelity_over_time
from ipseval.figures.fidelity_effect import fidelity_and_effect
from ipseval.figures.flow_diagram import flow_diagram
from ipseval.figures.followed import time_to_job
from ipseval.figures.forest import forest
from ipseval.figures.varied import specification_curve
from ipseval.tables.review import Review

FIGURES: dict[str, Callable[[Review], Drawing]] = {
    "flow_diagram": flow_diagram,
    "balance": balance,
    "employment_by_arm": employment_by_arm,
    "effect_by_month": effect_by_month,
    "effects_by_centre": effects_by_centre,
    "forest": forest,
    "specification_curve": specification_curve,
    "time_to_job": time_to_job,
    "event_study": event_study,
    "fidelity_over_time": fidelity_over_time,
    "fidelity_by_item": fidelity_by_item,
    "fidelity_and_effect": fidelity_and_effect,
}
