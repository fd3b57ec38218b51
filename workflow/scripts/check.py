from ipseval import check, config, errors, store

with errors.reported(snakemake.log[0]):
    cohort = config.from_settings(snakemake.params.settings)
    store.write_all(snakemake.output, check.check(cohort))
