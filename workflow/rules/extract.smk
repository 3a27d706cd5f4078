rule extract:
    """Read samples of every hidden term, with their spread, from the surrogate."""
    input:
        "<results>/{dataset}/observations.nc",
        "<results>/{dataset}/{surrogate}/surrogate.safetensors",
        "<results>/{dataset}/{surrogate}/surrogate.json",
    output:
        "<results>/{dataset}/{surrogate}/hidden.nc",
        "<results>/{dataset}/{surrogate}/hidden.nc.sha256",
        "<results>/{dataset}/{surrogate}/structure.json",
    log:
        "<logs>/{dataset}/{surrogate}/extract.log",
    benchmark:
        "<logs>/{dataset}/{surrogate}/extract.jsonl"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        campaign=campaign,
        results=subpath(output[0], ancestor=3),
        settings=settings_of("extract"),
        code=code_of("extract"),
    shell:
        "residuum extract {params.campaign:q} {wildcards.dataset:q} {wildcards.surrogate:q}"
        " --results {params.results:q} > {log:q} 2>&1"
