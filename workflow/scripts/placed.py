from pathlib import Path

from ipseval import exchange, running

with running.stage(snakemake.log[0]):
    exchange.put_back(Path(snakemake.params.folder), snakemake.wildcards.file)
