"""Draw a simulated trial and write its extracts."""

from pathlib import Path

from ipseval.running import stage
from ipseval.simulate import simulate_to

with stage(snakemake.log[0]):
    simulate_to(snakemake.input.plan, Path(snakemake.output[0]).parent)
