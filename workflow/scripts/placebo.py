from ipseval import config, placebo, running, store

with running.stage(snakemake.log[0], snakemake.params.contents) as this:
    cohort = config.from_settings(snakemake.params.settings)
    people, months = store.read(snakemake.input.people), store.read(snakemake.input.panel)
    this.leave(snakemake.output, placebo.placebo(cohort, people, months))
