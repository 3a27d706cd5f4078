rule train:
    """Fit the states and the hidden terms to the training data."""
    input:
        "<results>/{dataset}/observations.nc",
    output:
        "<results>/{dataset}/{surrogate}/surrogate.safetensors",
        "<results>/{dataset}/{surrogate}/surrogate.json",
        "<results>/{dataset}/{surrogate}/history.csv",
    log:
        "<logs>/{dataset}/{surrogate}/train.log",
    benchmark:
        "<logs>/{dataset}/{surrogate}/train.jsonl"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        campaign=campaign,
        results=subpath(output[0], ancestor=3),
        settings=settings_of("train"),
        code=code_of("train"),
    shell:
        "residuum train {params.campaign:q} {wildcards.dataset:q} {wildcards.surrogate:q}"
        " --results {params.results:q} > {log:q} 2>&1"
