from ipseval import config, randomise, running, store

with running.stage(snakemake.log[0], snakemake.params.contents) as this:
    cohort = config.from_settings(snakemake.params.settings)
    tables = (store.read(snakemake.input[name]) for name in ("people", "panel", "effects_parquet"))
    this.leave(snakemake.output, randomise.randomise(cohort, *tables))
