from ipseval import config, published_comparison, running, settings, store
from ipseval.products import COMPARED

with running.stage(snakemake.log[0]):
    cohort = config.from_settings(snakemake.params.settings)
    tables = {name: store.read(snakemake.input[name]) for names in COMPARED.values() for name in names}
    published = settings.read_yaml(cohort.published) if cohort.published else None
    store.write_all(snakemake.output, published_comparison.published_comparison(published, tables))
