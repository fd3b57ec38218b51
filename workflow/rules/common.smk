# Shared by the files of rules: the cohorts of this run, and for each stage its files, settings and code.
import os

from ipseval import errors, provenance, settings, store
from ipseval.config import from_settings
from ipseval.contracts import EXTRACTS
from ipseval.published_comparison import agreement
from ipseval.products import COMPARED, PRESENTED, PRODUCTS, PROTECTED, REVIEWED, VERIFIED
from ipseval.registers.opening import located

if Path(settings.ROOT) != Path(workflow.basedir).resolve():
    sys.exit(f"ipseval was imported from {settings.ROOT}, not from this checkout: uninstall that copy.")

# Scripts run in processes of their own and find the package through this.
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [workflow.basedir, os.environ.get("PYTHONPATH")])))
# glibc gives the memory of large arrays back to the system at once, and asking for it again takes longer than the
# arithmetic: up to 32 MB an array and 128 MB in all stay with the process. Other systems ignore this.
os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(2**25))
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(2**27))

try:
    COHORTS = settings.cohorts(config)
except errors.UserError as error:
    sys.exit(str(error))

SIMULATED = settings.ROOT / "data" / "simulated-six-centre"
RESULTS = str(config["results"]).rstrip("/")
FINISHED = [file for stage in ("verify", "present", "protect", "release") for file in PRODUCTS[stage].values()]


wildcard_constraints:
    cohort="|".join(map(re.escape, COHORTS)),


def of(stage, *names):
    """Files of a stage by name, as inputs."""
    files = PRODUCTS[stage]
    return {name: f"{RESULTS}/{{cohort}}/{files[name]}" for name in names or files}


def of_stages(stages):
    """Files of several stages by name, as inputs; ``stages``: stage -> names."""
    return {k: v for stage, names in stages.items() for k, v in of(stage, *names).items()}


def made(stage):
    """Files of a stage by name, as outputs: the previous ones come back when the stage fails."""
    return {name: update(in_report(name, file)) for name, file in of(stage).items()}


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


def delivered(wildcards):
    """Files of the cohort's extracts; those of a simulated cohort are made."""
    cohort = from_settings(COHORTS[wildcards.cohort])
    if cohort.extracts == SIMULATED:
        return rules.simulate.output
    return [str(file) for extract in EXTRACTS for file in located(cohort, extract)]


def announce():
    """Say where the report is and how many published numbers they have."""
    for cohort in COHORTS:
        compared = Path(RESULTS, cohort, PRODUCTS["published_comparison"]["published_comparison"])
        if not compared.exists():  # a run until an earlier stage
            continue
        print(agreement(store.read(compared)), end="")
        print(f"{cohort}: the report is {RESULTS}/{cohort}/review/report.html")
