from ipseval import check, config, errors, store
from ipseval.registers import fingerprint

with errors.reported(snakemake.log[0]) as tell:
    cohort = config.from_settings(snakemake.params.settings)
    last = fingerprint.last(snakemake.output)
    made = check.check(cohort, last)
    tell(fingerprint.note(cohort, last, made))
    store.write_all(snakemake.output, made)
