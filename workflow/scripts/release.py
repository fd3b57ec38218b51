from ipseval import config, errors, release, store

with errors.reported(snakemake.log[0]):
    cohort = config.from_settings(snakemake.params.settings)
    protected = {name: store.read(file) for name, file in snakemake.input.items() if name != "code"}
    store.write_all(snakemake.output, release.release(cohort, protected))
