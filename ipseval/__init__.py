"""Effects of a multicentre trial on registry data: extracts in, effect tables out.

The stages, in the order of the data: check, clean, cohort, panel, describe, estimate, synthesise, present, verify.
Each is a module of the same name whose main function takes tables and returns tables;
``ipseval.pipeline.run`` chains them without Snakemake.
"""

__version__ = "0.1.0"
