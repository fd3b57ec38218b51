from ipseval import config, errors, panel, store

with errors.reported(snakemake.log[0]):
    cohort = config.from_settings(snakemake.params.settings)
    people = store.read(snakemake.input.people)
    spells = {name: store.read(snakemake.input[name]) for name in ("employment", "wage_subsidy")}
    store.write_all(snakemake.output, panel.panel(cohort, people, spells))
