"""The registry of figures: name -> the function that draws it."""

from collections.abc import Callable

from ipseval.balance_plot import balance
from ipseval.drawing import Drawing
from ipseval.figures_by_centre import effects_by_centre
from ipseval.figures_by_month import effect_by_month, employment_by_arm, event_study
from ipseval.figures_followed import time_to_job
from ipseval.figures_varied import specification_curve
from ipseval.flow_diagram import flow_diagram
from ipseval.forest import forest
from ipseval.review import Review

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
}
