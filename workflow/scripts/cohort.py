from ipseval import cohort, config, running, store
from ipseval.contracts import EXTRACTS

with running.stage(snakemake.log[0], snakemake.params.contents):
    chosen = config.from_settings(snakemake.params.settings)
    cleaned = {name: store.read(snakemake.input[name]) for name in EXTRACTS}
    store.write_all(snakemake.output, cohort.select(chosen, cleaned))
