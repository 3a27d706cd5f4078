rule select:
    """Put the formulas back, refit them on the raw data, and choose one law."""
    input:
        "<results>/{dataset}/observations.nc",
        extractions,
        fronts,
    output:
        "<results>/{dataset}/law.json",
        "<results>/{dataset}/candidates.json",
    log:
        "<logs>/{dataset}/select.log",
    benchmark:
        "<logs>/{dataset}/select.jsonl"
    threads: share_of_cores
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        campaign=campaign,
        results=subpath(output[0], ancestor=2),
        settings=settings_of("select"),
        code=code_of("select"),
    shell:
        "residuum select {params.campaign:q} {wildcards.dataset:q} --workers {threads}"
        " --results {params.results:q} > {log:q} 2>&1"
