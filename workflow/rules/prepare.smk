# From delivered extracts to the panel. What is of persons stays in results/<cohort>/person/, which never leaves.


rule check:
    """Every fault of every extract at once; the trial's persons picked out of each delivery."""
    input:
        extracts=delivered,
        code=code("check"),
    output:
        **made("check"),
    log:
        f"{RESULTS}/{{cohort}}/logs/check.log",
    conda:
        "../../environment.yml"
    params:
        contents=contents("check"),
        settings=chosen("check"),
        folder=folder_of,
    script:
        "../scripts/check.py"


rule clean:
    """Spells of one job merged."""
    input:
        **of("check", *EXTRACTS),
        code=code("clean"),
    output:
        **made("clean"),
    log:
        f"{RESULTS}/{{cohort}}/logs/clean.log",
    conda:
        "../../environment.yml"
    params:
        contents=contents("clean"),
    script:
        "../scripts/clean.py"


rule cohort:
    """Who is analysed, as of randomisation, and the flow."""
    input:
        **of("clean"),
        code=code("cohort"),
    output:
        **made("cohort"),
    log:
        f"{RESULTS}/{{cohort}}/logs/cohort.log",
    conda:
        "../../environment.yml"
    params:
        contents=contents("cohort"),
        settings=chosen("cohort"),
    script:
        "../scripts/cohort.py"


rule panel:
    """Person x month: ordinary employment and the other outcomes."""
    input:
        **of("cohort", "people"),
        **of("clean", "employment", "wage_subsidy", "benefits", "services"),
        code=code("panel"),
    output:
        **made("panel"),
    log:
        f"{RESULTS}/{{cohort}}/logs/panel.log",
    conda:
        "../../environment.yml"
    params:
        contents=contents("panel"),
        settings=chosen("panel"),
    script:
        "../scripts/panel.py"
