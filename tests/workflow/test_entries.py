"""Every way into the workflow gives the same jobs; mistakes are one message."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest
from ruamel.yaml import YAML

from campaigns import ROOT, call

pytestmark = pytest.mark.slow

JOBS = {
    "prepare": 2, "train": 2, "extract": 2, "distill": 2, "select": 2, "report": 2,
    "summarize": 1, "all": 1, "total": 14,
}  # fmt: skip


def jobs(text: str) -> dict[str, int]:
    """The table of jobs that a dry run ends with."""
    table = text.split("Job stats:")[-1]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, flags=re.M)}


@pytest.mark.parametrize("entry", ["Snakefile", "workflow/Snakefile"])
def test_both_entries_plan_all_stages_and_leave_nothing(snakemake, campaign, workdir, entry):
    text = snakemake("-n", "-s", ROOT / entry, "--configfile", campaign)
    assert jobs(text) == JOBS
    assert {path.name for path in workdir.iterdir()} <= {".snakemake"}
    assert not (workdir / ".snakemake" / "residuum").exists()


@pytest.mark.parametrize("entry", [(), ("-s", "workflow/Snakefile")])
def test_default_campaign_from_the_clone_and_from_another_folder(snakemake, workdir, entry):
    text = snakemake("-n", *entry, "--directory", workdir, cwd=ROOT)
    assert jobs(text)["total"] == 20
    assert "profiles/default" in text


def test_use_as_a_module(snakemake, campaign, workdir):
    shutil.copy(campaign.parent / "data" / "table.csv", workdir / "table.csv")
    (workdir / "Snakefile").write_text(
        f"""
configfile: {str(campaign)!r}
config["datasets"]["table"]["data"]["file"] = "table.csv"

module laws:
    snakefile: {str(ROOT / "workflow" / "Snakefile")!r}
    config: config
    pathvars:
        results="elsewhere"

use rule * from laws as laws_*

rule mine:
    input: "elsewhere/decay/law.json", rules.laws_all.input
    default_target: True
"""
    )
    text = snakemake("-n", "-p")
    assert jobs(text)["total"] == 14
    assert "elsewhere/table/pinn/sindy/front.json" in text
    assert "results/" not in text
    assert "--results elsewhere " in text


def test_overrides_on_the_command_line_hold(snakemake, campaign):
    line = ("-n", "-s", ROOT / "Snakefile", "--configfile", campaign)
    both = snakemake(*line, "--config", "datasets={decay: {distillers: {sindy: {degree: 1}}}}")
    assert jobs(both) == JOBS
    text = snakemake(*line, "--config", "datasets={decay: {distillers: {sind: {}}}}", ok=False)
    assert "did you mean 'sindy'?" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("datasets: {}\n", "no datasets"),
        ("datasets: {../up: {}}\n", "not a name"),
        ("sed: 1\n", "unknown key 'sed'"),
    ],
)
def test_a_mistake_in_the_campaign_is_one_message(snakemake, campaign, workdir, text, said):
    campaign.write_text(text)
    answer = snakemake("-s", ROOT / "Snakefile", "--configfile", campaign, "-c1", ok=False)
    assert said in answer
    assert "Traceback" not in answer
    assert not (workdir / "results").exists()


def test_formatted_as_snakefmt_does():
    line = [sys.executable, "-m", "snakefmt", "--check", "Snakefile", "workflow"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_lint_asks_for_nothing_but_a_container(snakemake, campaign):
    text = snakemake("--lint", "-s", ROOT / "Snakefile", "--configfile", campaign, ok=False)
    asked = set(re.findall(r"^ {4}\* (.*):$", text, flags=re.M))
    # the software is the package that the rules are part of
    assert asked == {"Specify a conda environment or container for each rule."}


def profile(name: str) -> dict:
    return YAML(typ="safe").load(ROOT / "profiles" / name / "profile.yaml")


def test_the_default_profile_leaves_to_executors_what_is_theirs():
    # it wins over --profile key by key
    assert not set(profile("default")) & {*profile("slurm"), *profile("local")}
    assert profile("slurm")["retries"] == 2


@pytest.mark.parametrize("name", ["local", "slurm"])
def test_profiles_name_only_rules_that_exist(name):
    settings = profile(name)
    named = {*settings.get("set-resources", {}), *settings.get("set-threads", {})}
    rules = {p.stem for p in (ROOT / "workflow" / "rules").glob("*.smk")}
    assert named <= rules


def test_the_local_profile_asks_for_a_gpu_to_train(campaign, workdir):
    line = ("residuum", "run", campaign, "--dry-run", "--profile", "local")
    done = call(*line, cwd=workdir)
    assert done.returncode == 0, done.stdout
    assert re.search(r"rule train:(\n    .*)*gpu=1", done.stdout)


@pytest.mark.skipif(find_spec("snakemake_executor_plugin_slurm") is not None, reason="installed")
def test_slurm_without_its_executor_says_what_to_install(campaign, workdir):
    done = call("residuum", "run", campaign, "--dry-run", "--profile", "slurm", cwd=workdir)
    assert done.returncode == 2
    assert "pip install snakemake-executor-plugin-slurm" in done.stdout
