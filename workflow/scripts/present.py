from ipseval import config, errors, present, store

with errors.reported(snakemake.log[0]):
    cohort = config.from_settings(snakemake.params.settings)
    review = {name: store.read(file) for name, file in snakemake.input.items() if name != "code"}
    store.write_all(snakemake.output, present.present(cohort, review))
