"""Write pyfixest.csv: what pyfixest makes of panel.csv. To be run in this folder, with pyfixest 0.60.0."""

import pandas as pd
import pyfixest as pf

FORMULA = "y ~ age + C(centre) + C(month) + i(centre, assigned)"
NAMES = {"Intercept": "(Intercept)"} | {f"centre::{c}:assigned": f"effect{c}" for c in (1, 2, 3)}
NAMES |= {f"C(centre)[T.{c}]": f"centre{c}" for c in (2, 3)} | {f"C(month)[T.{m}]": f"month{m}" for m in range(1, 8)}

rows = pd.read_csv("panel.csv")
found = {}
for vcov in ("CRV1", "CRV3"):
    table = pf.feols(FORMULA, rows, vcov={vcov: "person"}, ssc=pf.ssc(k_fixef="full")).tidy().rename(index=NAMES)
    found["estimate"] = table["Estimate"]
    found[vcov.lower()] = table["Std. Error"]
    for ours, theirs in {"p_value": "Pr(>|t|)", "ci_low": "2.5%", "ci_high": "97.5%"}.items():
        found[f"{vcov.lower()}_{ours}"] = table[theirs]
pd.DataFrame(found).rename_axis("term").to_csv("pyfixest.csv", float_format="%.17g", lineterminator="\n")
