# From the panel to tables, figures and their verification: results/<cohort>/unverified/, until verify has passed.


rule describe:
    """Inclusion, balance, wage subsidies and employment by month."""
    input:
        **of("cohort", "people"),
        **of("panel"),
        named=lambda wildcards: given(COHORTS[wildcards.cohort], "describe"),
        code=code("describe"),
    output:
        **made("describe"),
    log:
        f"{RESULTS}/{{cohort}}/logs/describe.log",
    conda:
        "../../environment.yml"
    params:
        contents=contents("describe"),
        settings=chosen("describe"),
    script:
        "../scripts/describe.py"


rule estimate:
    """Every analysis to one tidy table of effects."""
    input:
        **of("cohort", "people"),
        **of("panel"),
        code=code("estimate"),
    output:
        **made("estimate"),
    log:
        f"{RESULTS}/{{cohort}}/logs/estimate.log",
    priority: 1  # the longest way to the end of a large trial leads through here
    conda:
        "../../environment.yml"
    params:
        contents=contents("estimate"),
        settings=chosen("estimate"),
    script:
        "../scripts/estimate.py"


rule synthesise:
    """The effects of the centres together: how much they differ, and their mean."""
    input:
        **of("cohort", "people"),
        **of("panel"),
        **of("estimate", "effects_parquet"),
        named=lambda wildcards: given(COHORTS[wildcards.cohort], "synthesise"),
        code=code("synthesise"),
    output:
        **made("synthesise"),
    log:
        f"{RESULTS}/{{cohort}}/logs/synthesise.log",
    conda:
        "../../environment.yml"
    params:
        contents=contents("synthesise"),
        settings=chosen("synthesise"),
    script:
        "../scripts/synthesise.py"


rule randomise:
    """Tests by re-drawn assignment, and bands that hold for all months at once."""
    input:
        **of("cohort", "people"),
        **of("panel"),
        **of("estimate", "effects_parquet"),
        code=code("randomise"),
    output:
        **made("randomise"),
    log:
        f"{RESULTS}/{{cohort}}/logs/randomise.log",
    priority: 1  # the longest way to the end of a large trial leads through here
    conda:
        "../../environment.yml"
    params:
        contents=contents("randomise"),
        settings=chosen("randomise"),
    script:
        "../scripts/randomise.py"


rule follow:
    """Time to the first ordinary job, and what was accumulated and achieved by chosen months."""
    input:
        **of("cohort", "people"),
        **of("panel"),
        **of("clean", "employment", "services"),
        code=code("follow"),
    output:
        **made("follow"),
    log:
        f"{RESULTS}/{{cohort}}/logs/follow.log",
    conda:
        "../../environment.yml"
    params:
        contents=contents("follow"),
        settings=chosen("follow"),
    script:
        "../scripts/follow.py"


rule receive:
    """Who received the treatments, and the effect in those who receive them when assigned."""
    input:
        **of("cohort", "people"),
        **of("panel"),
        **of("clean", "services"),
        code=code("receive"),
    output:
        **made("receive"),
    log:
        f"{RESULTS}/{{cohort}}/logs/receive.log",
    conda:
        "../../environment.yml"
    params:
        contents=contents("receive"),
        settings=chosen("receive"),
    script:
        "../scripts/receive.py"


rule vary:
    """The pooled effect under every combination of defensible choices."""
    input:
        **of("cohort", "people"),
        **of("clean", "employment", "wage_subsidy", "benefits", "services"),
        code=code("vary"),
    output:
        **made("vary"),
    log:
        f"{RESULTS}/{{cohort}}/logs/vary.log",
    conda:
        "../../environment.yml"
    params:
        contents=contents("vary"),
        settings=chosen("vary"),
    script:
        "../scripts/vary.py"


rule placebo:
    """The arms' changes around randomisation with person fixed effects: a check, not the estimate."""
    input:
        **of("cohort", "people"),
        **of("panel"),
        code=code("placebo"),
    output:
        **made("placebo"),
    log:
        f"{RESULTS}/{{cohort}}/logs/placebo.log",
    conda:
        "../../environment.yml"
    params:
        contents=contents("placebo"),
        settings=chosen("placebo"),
    script:
        "../scripts/placebo.py"


rule bound:
    """What missing covariates and missing months could do to the pooled effect."""
    input:
        **of("cohort", "people"),
        **of("panel"),
        code=code("bound"),
    output:
        **made("bound"),
    log:
        f"{RESULTS}/{{cohort}}/logs/bound.log",
    conda:
        "../../environment.yml"
    params:
        contents=contents("bound"),
        settings=chosen("bound"),
    script:
        "../scripts/bound.py"


rule present:
    """Tables and figures."""
    input:
        **of_stages(PRESENTED),
        code=code("present"),
    output:
        **made("present"),
    log:
        f"{RESULTS}/{{cohort}}/logs/present.log",
    conda:
        "../../environment.yml"
    params:
        contents=contents("present"),
        settings=chosen("present"),
    script:
        "../scripts/present.py"


rule protect:
    """What may leave of the review tables: numbers hidden and rounded over all of them together."""
    input:
        **of_stages(REVIEWED),
        **of("cohort", "people"),
        **of("panel"),
        **of("estimate", "effects_parquet"),
        profiles=[f"{workflow.basedir}/config/{name}.yaml" for name in ("disclosure", "columns")],
        earlier=lambda wildcards: COHORTS[wildcards.cohort]["earlier"],
        code=code("protect"),
    output:
        **made("protect"),
    log:
        f"{RESULTS}/{{cohort}}/logs/protect.log",
    conda:
        "../../environment.yml"
    params:
        contents=contents("protect"),
        settings=chosen("protect"),
    script:
        "../scripts/protect.py"


rule release:
    """Tables, figures and the report of what may leave, from protected numbers only."""
    input:
        **of_stages(PROTECTED),
        described=[f"{workflow.basedir}/{file}" for file in ("Snakefile", *DESCRIBED)],
        code=code("release"),
    output:
        **made("release"),
    log:
        f"{RESULTS}/{{cohort}}/logs/release.log",
    conda:
        "../../environment.yml"
    params:
        contents=contents("release"),
        settings=chosen("release"),
    script:
        "../scripts/release.py"


rule published_comparison:
    """Printed numbers beside the reproduced ones; empty when the cohort names none."""
    input:
        **of_stages(COMPARED),
        published=lambda wildcards: COHORTS[wildcards.cohort]["published"] or [],
        code=code("published_comparison"),
    output:
        **made("published_comparison"),
    log:
        f"{RESULTS}/{{cohort}}/logs/published_comparison.log",
    conda:
        "../../environment.yml"
    params:
        contents=contents("published_comparison"),
        settings=chosen("published_comparison"),
    script:
        "../scripts/published_comparison.py"


rule verify:
    """Invariants of what was written, a second engine, the manifest."""
    input:
        **{name: f"{RESULTS}/{{cohort}}/{file}" for name, file in verified().items()},
        presented=[file for stage in ("present", "protect", "release") for file in of(stage).values()],
        code=code("verify"),
    output:
        **made("verify"),
    log:
        f"{RESULTS}/{{cohort}}/logs/verify.log",
    conda:
        "../../environment.yml"
    params:
        contents=contents("verify"),
        settings=chosen("verify"),
        folder=folder_of,
    script:
        "../scripts/verify.py"


rule placed:
    """A file of the verified set by its own name, as a target: verify has put it there with all the others."""
    input:
        of("verify")["manifest"],
    output:
        f"{RESULTS}/{{cohort}}/{{file}}",
    log:
        f"{RESULTS}/{{cohort}}/logs/placed/{{file}}.log",
    wildcard_constraints:
        file="|".join(map(re.escape, FINISHED)),
    conda:
        "../../environment.yml"
    params:
        folder=folder_of,
    script:
        "../scripts/placed.py"
