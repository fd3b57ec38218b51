from ipseval import config, running, store, synthesise

with running.stage(snakemake.log[0], snakemake.params.contents) as this:
    cohort = config.from_settings(snakemake.params.settings)
    people, months = store.read(snakemake.input.people), store.read(snakemake.input.panel)
    effects = store.read(snakemake.input.effects_parquet)
    this.leave(snakemake.output, synthesise.synthesise(cohort, people, months, effects))
