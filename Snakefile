# A trial's registry extracts in, effect tables by centre and month out. The way of the data, one rule a stage:
#   check -> clean -> cohort -> panel -> describe, follow, receive, placebo, bound, estimate -> randomise, synthesise
#   -> present, protect -> release -> verify
# Run `snakemake --cores 4`; choices are in config/. README.md has the five-minute tour.
import sys

sys.path.insert(0, workflow.basedir)


configfile: f"{workflow.basedir}/config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/results.smk"


report: "workflow/report/workflow.rst"


rule all:
    default_target: True
    input:
        expand("{results}/{cohort}/{file}", results=RESULTS, cohort=COHORTS, file=place("verify", "manifest")),


if is_run():
    try:
        begin()
    except Exception as error:
        sys.exit(errors.explained(error))


onsuccess:
    announce()


onerror:
    tell_faults()
