from ipseval import config, errors, protect, store

with errors.reported(snakemake.log[0]):
    cohort = config.from_settings(snakemake.params.settings)
    review = {name: store.read(file) for name, file in snakemake.input.items() if isinstance(file, str)}
    store.write_all(snakemake.output, protect.protect(cohort, review))
