from ipseval import cohort, config, running, store
from ipseval.contracts import EXTRACTS

with running.stage(snakemake.log[0], snakemake.params.contents) as this:
    chosen = config.from_settings(snakemake.params.settings)
    cleaned = {name: store.read(snakemake.input[name]) for name in EXTRACTS}
    this.leave(snakemake.output, cohort.select(chosen, cleaned))
