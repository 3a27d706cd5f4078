rule report:
    """Write the page of one dataset."""
    input:
        "<results>/{dataset}/law.json",
        "<results>/{dataset}/candidates.json",
        "<results>/{dataset}/observations.nc",
        extractions,
        fronts,
    output:
        page=report(
            "<results>/{dataset}/report.html",
            caption="../report/dataset.rst",
            category="Datasets",
            labels={"dataset": "{dataset}"},
        ),
        tex="<results>/{dataset}/law.tex",
        figures=directory("<results>/{dataset}/figures"),
    log:
        "<logs>/{dataset}/report.log",
    benchmark:
        "<logs>/{dataset}/report.jsonl"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        campaign=campaign,
        results=subpath(output.page, ancestor=2),
        settings=settings_of("report"),
        code=code_of("report"),
    shell:
        "residuum report {params.campaign:q} {wildcards.dataset:q}"
        " --results {params.results:q} > {log:q} 2>&1"


rule summarize:
    """Write the index of the campaign."""
    input:
        collect("<results>/{dataset}/law.json", dataset=PLAN.datasets),
    output:
        index=report(
            "<results>/index.html", caption="../report/index.rst", category="Campaign"
        ),
        summary="<results>/summary.json",
    log:
        "<logs>/summarize.log",
    benchmark:
        "<logs>/summarize.jsonl"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        campaign=campaign,
        results=subpath(output.index, parent=True),
        settings=settings_of("summarize"),
        code=code_of("summarize"),
    shell:
        "residuum summarize {params.campaign:q} --results {params.results:q} > {log:q} 2>&1"
