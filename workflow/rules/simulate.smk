# The simulated trial: config/simulations/simulated-six-centre.yaml (with the seed) -> data/simulated-six-centre/.


rule simulate:
    """A trial with planted effects, as registers would deliver it."""
    input:
        plan=f"{workflow.basedir}/config/simulations/simulated-six-centre.yaml",
        code=code("simulate"),
    output:
        expand(f"{SIMULATED}/{{extract}}.parquet", extract=EXTRACTS),
    log:
        f"{RESULTS}/logs/simulate.log",
    conda:
        "../../environment.yml"
    script:
        "../scripts/simulate.py"
