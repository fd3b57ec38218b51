from pathlib import Path

from ipseval import config, exchange, release, running

with running.stage(snakemake.log[0], snakemake.params.contents) as this:
    cohort = config.from_settings(snakemake.params.settings)
    protected = {
        n: Path(file).read_text(encoding="utf-8") for n, file in snakemake.input.items() if isinstance(file, str)
    }
    made = release.release(cohort, protected)
    this.leave(snakemake.output, exchange.marked(made, snakemake.output, cohort.language))
