from pathlib import Path

from ipseval import check, config, exchange, running, store
from ipseval.registers import digests, fingerprint

with running.stage(snakemake.log[0], snakemake.params.contents) as tell:
    cohort, folder = config.from_settings(snakemake.params.settings), Path(snakemake.params.folder)
    last = fingerprint.last(exchange.last_checked(folder))
    made = check.check(cohort, last, digests.ledger(folder))
    tell(fingerprint.note(cohort, last, made))
    store.write_all(snakemake.output, made)
