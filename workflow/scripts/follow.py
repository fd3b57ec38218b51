from ipseval import config, follow, running, store

with running.stage(snakemake.log[0], snakemake.params.contents) as this:
    cohort = config.from_settings(snakemake.params.settings)
    tables = (store.read(snakemake.input[name]) for name in ("people", "panel", "employment", "services"))
    this.leave(snakemake.output, follow.follow(cohort, *tables))
