"""The analysis results dataset as CDISC Dataset-JSON 1.1."""

import csv
import io
import json
from typing import Any

from ipseval import __version__
from ipseval.bundle.facts import Facts

VERSION = "1.1.0"
UNDATED = "1980-01-01T00:00:00"  # the standard asks for a time, and two runs have to give the same bytes
LABELS = {
    "group1": "First grouping variable",
    "group1_level": "Level of the first grouping variable",
    "group2": "Second grouping variable",
    "group2_level": "Level of the second grouping variable",
    "variable": "Covariate, term or outcome",
    "variable_level": "Level of the covariate",
    "context": "Table of data/",
    "analysis": "Analysis",
    "month_from": "First month since randomisation",
    "month_to": "Last month since randomisation",
    "stat_name": "Name of the statistic",
    "stat_label": "Label of the statistic",
    "stat": "Value of the statistic",
    "unit": "Unit of the value",
    "status": "Whether the value is shown or hidden by disclosure control",
    "row": "Row of the table of data/",
}
TYPES = {"month_from": "integer", "month_to": "integer", "row": "integer", "stat": "double"}
KEYS = ("context", "row", "stat_name")


def dataset_json(facts: Facts, ard: str) -> str:
    """The dataset.

    Parameters
    ----------
    facts : Facts
    ard : str
        ``ard.csv`` of the release.

    Returns
    -------
    str
        JSON with a row a line, by the specification of 5 December 2024.
    """
    lines = list(csv.reader(io.StringIO(ard)))
    heads, rows = lines[0], lines[1:]
    kinds = [TYPES.get(head, "string") for head in heads]
    top: dict[str, Any] = {
        "datasetJSONCreationDateTime": UNDATED,
        "datasetJSONVersion": VERSION,
        "sourceSystem": {"name": "ipseval", "version": __version__},
        "studyOID": facts.cohort,
        "itemGroupOID": "IG.ARD",
        "records": len(rows),
        "name": "ARD",
        "label": "Analysis results dataset",
        "columns": [_column(head, kind) for head, kind in zip(heads, kinds, strict=True)],
    }
    values = [[_value(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in rows]
    text = json.dumps(top, ensure_ascii=False)
    body = ",\n".join(json.dumps(row, ensure_ascii=False) for row in values)
    return f'{text[:-1]}, "rows": [\n{body}\n]}}\n'


def _column(head: str, kind: str) -> dict[str, Any]:
    key = {"keySequence": KEYS.index(head) + 1} if head in KEYS else {}
    return {"itemOID": f"IT.ARD.{head}", "name": head, "label": LABELS[head], "dataType": kind} | key


def _value(cell: str, kind: str) -> Any:
    if kind == "string":
        return cell
    return None if not cell else int(float(cell)) if kind == "integer" else float(cell)
