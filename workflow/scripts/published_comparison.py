from ipseval import config, published_comparison, running, settings, store

with running.stage(snakemake.log[0], snakemake.params.contents) as this:
    cohort = config.from_settings(snakemake.params.settings)
    given = {name: file for name, file in snakemake.input.items() if name not in ("code", "published")}
    tables = {name: store.read(file) for name, file in given.items()}
    published = settings.read_yaml(cohort.published) if cohort.published else None
    this.leave(snakemake.output, published_comparison.published_comparison(published, tables))
