from ipseval import config, running, store, vary

with running.stage(snakemake.log[0], snakemake.params.contents) as this:
    cohort = config.from_settings(snakemake.params.settings)
    people = store.read(snakemake.input.people)
    spells = {name: store.read(file) for name, file in snakemake.input.items() if name not in ("people", "code")}
    this.leave(snakemake.output, vary.vary(cohort, people, spells))
