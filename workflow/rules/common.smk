# Shared by the files of rules: the cohorts of this run, and for each stage its files, settings and code.
#
# Outputs are plain files below unverified/ and person/: Snakemake removes what a failed stage left and makes it again,
# on every executor. The last rule, verify, gives the whole set its place (ipseval/exchange.py); no rule but it
# touches review/ and release/, so that earlier results stay whole until then.
import argparse
import atexit
import contextlib
import functools
import json
import os

from snakemake.logging import logger

from ipseval import errors, exchange, provenance, running, settings, store
from ipseval.config import from_settings
from ipseval.contracts import EXTRACTS
from ipseval.published_comparison import agreement
from ipseval.products import COMPARED, PLACES, PRESENTED, PRODUCTS, PROTECTED, REVIEWED, place, verified
from ipseval.registers import digests
from ipseval.registers.places import located

if Path(settings.ROOT) != Path(workflow.basedir).resolve():
    sys.exit(f"ipseval was imported from {settings.ROOT}, not from this checkout: uninstall that copy.")

# Scripts run in processes of their own and find the package through this.
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [workflow.basedir, os.environ.get("PYTHONPATH")])))
# glibc gives the memory of large arrays back to the system at once, and asking for it again takes longer than the
# arithmetic: up to 32 MB an array and 128 MB in all stay with the process. Other systems ignore this.
os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(2**25))
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(2**27))

try:
    running.surroundings()
    COHORTS = settings.cohorts(config, arguments=sys.argv)
except errors.UserError as error:
    sys.exit(str(error))

SIMULATED = settings.ROOT / "data" / "simulated-six-centre"
RESULTS = str(config["results"]).rstrip("/")
# Options of Snakemake with which nothing is run.
ASKING = {
    f"--{word}" for word in ("lint", "report", "summary", "dag", "rulegraph", "filegraph", "list-rules", "unlock")
}
GIVEN = {
    "check": settings.MENDING,
    "describe": settings.PLACES,
    "synthesise": ("organisation",),
    "present": ("fidelity_scale",),
    "release": ("fidelity_scale",),
    "protect": ("earlier", "organisation"),
    "published_comparison": ("published",),
    "verify": ("published",),
}  # keys that hold files
# What the texts of a release are made of, besides the results.
DESCRIBED = ("config/consort.yaml", "config/disclosure.yaml", "config/columns.yaml")
RUN = contextlib.ExitStack()  # open until Snakemake ends
FOLDERS = [Path(RESULTS, cohort) for cohort in COHORTS]
# What a set that was verified consists of, by the names that readers know it by.
FINISHED = [file for stage in PRODUCTS for file in PRODUCTS[stage].values() if not file.startswith("person/")]

checksum = functools.cache(store.checksum)
# Two lines for every job that say nothing, which no quiet mode of Snakemake leaves out without errors.
logger.addFilter(lambda record: not str(record.msg).startswith(("Select jobs", "Execute ")))


wildcard_constraints:
    cohort="|".join(map(re.escape, COHORTS)),


def of(stage, *names):
    """Files of a stage by name, as inputs."""
    return {name: f"{RESULTS}/{{cohort}}/{place(stage, name)}" for name in names or PRODUCTS[stage]}


def of_stages(stages):
    """Files of several stages by name, as inputs; ``stages``: stage -> names."""
    return {k: v for stage, names in stages.items() for k, v in of(stage, *names).items()}


def made(stage):
    """Files of a stage by name, as outputs."""
    return {name: in_report(name, file) for name, file in of(stage).items()}


def in_report(name, file):
    """Pages and figures are shown by ``snakemake --report``, with a caption."""
    shown = "report" if name == "report" else {".html": "table", ".png": "figure"}.get(Path(file).suffix)
    if shown is None:
        return file
    labels = {"name": name.rpartition("_")[0] or name}
    return report(file, caption=f"../report/{shown}.rst", category=f"{shown.capitalize()}s", labels=labels)


def code(stage):
    """Modules of ipseval that a stage uses: editing one reruns it."""
    return list(provenance.modules(stage))


def chosen(stage):
    """Settings of the cohort that a stage reads: changing one reruns it."""
    return lambda wildcards: settings.for_stage(COHORTS[wildcards.cohort], stage)


def contents(stage):
    """One digest of all that makes a stage's files: settings, code and what the user gave; what changed reruns it.

    Times alone do not tell: a file put in place by ``cp -p`` or from an archive may be older than the results.
    """

    def digest(wildcards):
        own = COHORTS[wildcards.cohort]
        delivery = delivered_digest(wildcards) if stage == "check" else ""
        read = json.dumps(settings.for_stage(own, stage), sort_keys=True, default=str)
        files = [*code(stage), *given(own, stage)]
        return digests.whole({"delivery": delivery, "settings": read, **{f: checksum(f) for f in files}})

    return digest


def given(own, stage):
    """Files besides the extracts that a cohort names and a stage reads."""
    named = [own[key] for key in GIVEN.get(stage, ()) if own[key]]
    return [file for files in named for file in ([files] if isinstance(files, str) else files)]


def folder_of(wildcards):
    """Where the results of a cohort lie."""
    return f"{RESULTS}/{wildcards.cohort}"


def delivered(wildcards):
    """Files of the cohort's extracts; those of a simulated cohort are made."""
    cohort = from_settings(COHORTS[wildcards.cohort])
    if cohort.extracts == SIMULATED:
        return rules.simulate.output
    return [ancient(str(file)) for extract in EXTRACTS for file in located(cohort, extract)]


def delivered_digest(wildcards):
    """The digest of a delivery; none of a simulated one, which is made by a rule."""
    cohort = from_settings(COHORTS[wildcards.cohort])
    if cohort.extracts == SIMULATED:
        return ""
    return digests.whole(digests.digests(cohort, digests.ledger(Path(folder_of(wildcards)))))


def is_run():
    """Whether stages will run: not in a stage's own process, nor where Snakemake is only asked about something."""
    asked = {argument.split("=")[0] for argument in sys.argv} & ASKING
    return workflow.is_main_process and not workflow.output_settings.dryrun and not asked


def begin():
    """Keep other runs out of the results; have made again what was made from something else or is not in its place."""
    RUN.enter_context(running.run(FOLDERS, PLACES))
    for cohort, folder in zip(COHORTS, FOLDERS):
        wildcards = argparse.Namespace(cohort=cohort)
        now = {stage: contents(stage)(wildcards) for stage in PRODUCTS}
        running.forget_others(folder, now, {stage: of_folder(stage) for stage in PRODUCTS})
        exchange.forget_unless_whole(folder)


def of_folder(stage):
    """Files of a stage, relative to the cohort's folder of results."""
    return [place(stage, name) for name in PRODUCTS[stage]]


def by_stage(prepare):
    """Have targets that name a stage stand for its files of every cohort: ``snakemake estimate``.

    Snakemake refuses rules with wildcards as targets. It keeps the targets from the Snakefile until it has read it whole,
    so that they are replaced where it begins to look for what makes them.
    """

    def prepared(*arguments, **options):
        chosen = workflow.dag_settings
        stages = set(chosen.targets) & set(PRODUCTS)
        files = {f"{folder}/{place(stage, next(iter(PRODUCTS[stage])))}" for stage in stages for folder in FOLDERS}
        chosen.targets = (set(chosen.targets) - stages) | files
        return prepare(*arguments, **options)

    return prepared


workflow._prepare_dag = by_stage(workflow._prepare_dag)


def announce():
    """Say where the report is and how many published numbers they have."""
    for cohort, folder in zip(COHORTS, FOLDERS):
        if not exchange.is_whole(folder):  # a run until an earlier stage
            continue
        print(agreement(store.read(folder / PRODUCTS["published_comparison"]["published_comparison"])), end="")
        print(f"{cohort}: the report is {folder}/review/report.html")


def tell_faults():
    """Say what stopped the run, when Snakemake has said everything else."""
    atexit.register(print, running.faults([Path(RESULTS), *FOLDERS]), file=sys.stderr, flush=True)
