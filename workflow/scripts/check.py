from pathlib import Path

from ipseval import check, config, exchange, running
from ipseval.registers import digests, fingerprint

with running.stage(snakemake.log[0], snakemake.params.contents) as this:
    cohort, folder = config.from_settings(snakemake.params.settings), Path(snakemake.params.folder)
    last = fingerprint.last(exchange.last_checked(folder))
    made = check.check(cohort, last, digests.ledger(folder))
    this.tell(fingerprint.note(cohort, last, made))
    this.leave(snakemake.output, made)
