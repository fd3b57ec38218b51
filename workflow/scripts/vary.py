from ipseval import config, running, store, vary

with running.stage(snakemake.log[0], snakemake.params.contents):
    cohort = config.from_settings(snakemake.params.settings)
    people = store.read(snakemake.input.people)
    spells = {name: store.read(file) for name, file in snakemake.input.items() if name not in ("people", "code")}
    store.write_all(snakemake.output, vary.vary(cohort, people, spells))
