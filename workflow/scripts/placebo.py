from ipseval import config, errors, placebo, store

with errors.reported(snakemake.log[0]):
    cohort = config.from_settings(snakemake.params.settings)
    people, months = store.read(snakemake.input.people), store.read(snakemake.input.panel)
    store.write_all(snakemake.output, placebo.placebo(cohort, people, months))
