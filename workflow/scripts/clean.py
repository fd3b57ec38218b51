from ipseval import clean, running, store
from ipseval.contracts import EXTRACTS

with running.stage(snakemake.log[0], snakemake.params.contents) as this:
    checked = {name: store.read(snakemake.input[name]) for name in EXTRACTS}
    this.leave(snakemake.output, clean.clean(checked))
