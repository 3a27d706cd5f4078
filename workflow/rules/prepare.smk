rule prepare:
    """Read or simulate the measurements, check them, and hold some out."""
    input:
        data_file,
    output:
        "<results>/{dataset}/observations.nc",
        "<results>/{dataset}/observations.nc.sha256",
    log:
        "<logs>/{dataset}/prepare.log",
    benchmark:
        "<logs>/{dataset}/prepare.jsonl"
    # Before anything is trained, so that a mistake in any data file stops a run early.
    priority: 100
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        campaign=campaign,
        results=subpath(output[0], ancestor=2),
        settings=settings_of("prepare"),
        code=code_of("prepare"),
    shell:
        "residuum prepare {params.campaign:q} {wildcards.dataset:q}"
        " --results {params.results:q} > {log:q} 2>&1"
