from pathlib import Path

from ipseval import config, exchange, running, store, verify

with running.stage(snakemake.log[0], snakemake.params.contents) as this:
    cohort, folder = config.from_settings(snakemake.params.settings), Path(snakemake.params.folder)
    written = {name: store.read(file) for name, file in snakemake.input.items() if isinstance(file, str)}
    with exchange.candidate(folder) as candidate:
        made = verify.verify(cohort, written, candidate / "review")
        exchange.accept(folder, made)
    this.leave(snakemake.output, made)
