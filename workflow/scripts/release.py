from pathlib import Path

from ipseval import config, errors, release, store

with errors.reported(snakemake.log[0]):
    cohort = config.from_settings(snakemake.params.settings)
    protected = {
        n: Path(file).read_text(encoding="utf-8") for n, file in snakemake.input.items() if isinstance(file, str)
    }
    store.write_all(snakemake.output, release.release(cohort, protected))
