rule distill:
    """Distil the samples of every hidden term into formulas."""
    input:
        "<results>/{dataset}/{surrogate}/hidden.nc",
        "<results>/{dataset}/{surrogate}/structure.json",
    output:
        "<results>/{dataset}/{surrogate}/{distiller}/front.json",
    log:
        "<logs>/{dataset}/{surrogate}/{distiller}/distill.log",
    benchmark:
        "<logs>/{dataset}/{surrogate}/{distiller}/distill.jsonl"
    threads: share_of_cores
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        campaign=campaign,
        results=subpath(output[0], ancestor=4),
        settings=settings_of("distill"),
        code=code_of("distill"),
    shell:
        "residuum distill {params.campaign:q} {wildcards.dataset:q} {wildcards.surrogate:q}"
        " {wildcards.distiller:q} --workers {threads} --results {params.results:q} > {log:q} 2>&1"
