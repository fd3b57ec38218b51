from ipseval import config, errors, receive, store

with errors.reported(snakemake.log[0]):
    cohort = config.from_settings(snakemake.params.settings)
    tables = (store.read(snakemake.input[name]) for name in ("people", "panel", "services"))
    store.write_all(snakemake.output, receive.receive(cohort, *tables))
