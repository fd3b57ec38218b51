from ipseval import config, exchange, present, running, store

with running.stage(snakemake.log[0], snakemake.params.contents) as this:
    cohort = config.from_settings(snakemake.params.settings)
    review = {name: store.read(file) for name, file in snakemake.input.items() if name != "code"}
    made = present.present(cohort, review)
    this.leave(snakemake.output, exchange.marked(made, snakemake.output, cohort.language))
