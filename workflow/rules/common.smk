# What the rules share: the campaign, and what each stage needs of it.
from snakemake.exceptions import WorkflowError

from residuum.cli.lock import record_holder
from residuum.errors import UserError
from residuum.plan import Plan, default_campaign, prefer_this_installation

prefer_this_installation()

try:
    if workflow.modifier.skip_configfile:
        # a module that was given `config:`
        PLAN = Plan.of_mapping(config)
    else:
        PLAN = Plan.of_files(
            workflow.overwrite_configfiles or [default_campaign(workflow.basedir)],
            overrides=workflow.config_settings.config,
        )
    if not workflow.output_settings.dryrun:
        PLAN.write()
except UserError as error:
    raise WorkflowError(str(error)) from None


wildcard_constraints:
    dataset=PLAN.pattern("dataset"),
    surrogate=PLAN.pattern("surrogate"),
    distiller=PLAN.pattern("distiller"),


onstart:
    record_holder()


def campaign(wildcards, output):
    """Path of the resolved campaign; since it takes `output`, it is no reason to run again."""
    return str(PLAN.path)


def settings_of(stage):
    """Function of the wildcards that returns the campaign's keys that the stage depends on."""
    return lambda wildcards: PLAN.keys(stage, **wildcards)


def code_of(stage):
    """Digest of the sources that the stage imports."""
    return PLAN.code(stage)


def share_of_cores(wildcards):
    """Cores for one dataset when all are at work at once."""
    return max(1, (workflow.resource_settings.cores or 1) // len(PLAN.datasets))


def data_file(wildcards):
    return PLAN.data_files(wildcards.dataset)


def extractions(wildcards):
    return [
        f"<results>/{wildcards.dataset}/{surrogate}/{name}"
        for surrogate in PLAN.surrogates(wildcards.dataset)
        for name in ("hidden.nc", "structure.json", "surrogate.json")
    ]


def fronts(wildcards):
    return [
        f"<results>/{wildcards.dataset}/{surrogate}/{distiller}/front.json"
        for surrogate in PLAN.surrogates(wildcards.dataset)
        for distiller in PLAN.distillers(wildcards.dataset)
    ]
