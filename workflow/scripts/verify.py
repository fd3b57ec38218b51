from ipseval import config, errors, store, verify

with errors.reported(snakemake.log[0]):
    cohort = config.from_settings(snakemake.params.settings)
    written = {name: store.read(file) for name, file in snakemake.input.items() if isinstance(file, str)}
    files = {"extracts": snakemake.input.extracts, "review": snakemake.params.review}
    store.write_all(snakemake.output, verify.verify(cohort, written, files))
