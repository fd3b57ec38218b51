"""Draw a simulated trial and write its extracts."""

from pathlib import Path

from ipseval.errors import reported
from ipseval.simulate import simulate_to

with reported(snakemake.log[0]):
    simulate_to(snakemake.input.plan, Path(snakemake.output[0]).parent)
