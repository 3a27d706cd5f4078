# The entry for `snakemake` in a clone. The workflow itself is workflow/Snakefile.


include: "workflow/Snakefile"


# An included file's default target is not taken over: without this line nothing would be done.
workflow.default_target = "all"
