from ipseval import config, protect, running, store
from ipseval.disclosure import released

with running.stage(snakemake.log[0], snakemake.params.contents) as this:
    cohort = config.from_settings(snakemake.params.settings)
    review = {name: store.read(file) for name, file in snakemake.input.items() if isinstance(file, str)}
    earlier = released.read_all(snakemake.input.earlier)
    persons = {"people": review["people"], "panel": review["panel"], "effects": review["effects_parquet"]}
    this.leave(snakemake.output, protect.protect(cohort, review, earlier, persons))
