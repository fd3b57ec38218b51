# What every rule file uses: the cohorts of this run, and for each stage its files, settings and code.
import os

from ipseval import errors, provenance, settings, store
from ipseval.extracts import locate
from ipseval.contracts import EXTRACTS

if Path(settings.ROOT) != Path(workflow.basedir).resolve():
    sys.exit(f"ipseval was imported from {settings.ROOT}, not from this checkout: uninstall that copy.")

# Scripts run in processes of their own and find the package through this.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [workflow.basedir, os.environ.get("PYTHONPATH")]))

try:
    COHORTS = settings.cohorts(config)
except errors.UserError as error:
    sys.exit(str(error))

SIMULATED = settings.ROOT / "data" / "simulated-six-centre"
RESULTS = str(config["results"]).rstrip("/")
FINISHED = [*store.PRODUCTS["verify"].values(), *store.PRODUCTS["present"].values()]


wildcard_constraints:
    cohort="|".join(map(re.escape, COHORTS)),


def of(stage, *names):
    """Files of a stage by name, as inputs."""
    files = store.PRODUCTS[stage]
    return {name: f"{RESULTS}/{{cohort}}/{files[name]}" for name in names or files}


def made(stage, captions=None):
    """Files of a stage by name, as outputs: the previous ones come back when the stage fails."""
    captions = captions or {}
    flagged = {name: update(file) for name, file in of(stage).items()}
    return {n: report(f, **captions[n]) if n in captions else f for n, f in flagged.items()}


def code(stage):
    """Modules of ipseval that a stage uses: editing one reruns it."""
    return list(provenance.modules(stage))


def chosen(stage):
    """Settings of the cohort that a stage reads: changing one reruns it."""
    return lambda wildcards: settings.for_stage(COHORTS[wildcards.cohort], stage)


def delivered(wildcards):
    """Files of the cohort's extracts; those of a simulated cohort are made."""
    folder = Path(COHORTS[wildcards.cohort]["extracts"])
    if folder == SIMULATED:
        return rules.simulate.output
    return [str(file) for extract in EXTRACTS for file in locate(folder, extract)]


def announce():
    """Say where the tables are."""
    for cohort in COHORTS:
        print(f"{cohort}: tables and figures are in {RESULTS}/{cohort}/review/tables/index.html")
