"""A campaign run to its end, and what runs again after an edit."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from campaigns import ROOT, call

pytestmark = pytest.mark.slow

FILES = (
    "observations.nc", "observations.nc.sha256", "pinn/surrogate.safetensors",
    "pinn/surrogate.json", "pinn/history.csv", "pinn/hidden.nc", "pinn/hidden.nc.sha256",
    "pinn/structure.json", "pinn/sindy/front.json", "law.json", "candidates.json",
    "report.html", "law.tex", "figures",
)  # fmt: skip
Again = Callable[..., set[str]]


def name_of(text: str) -> str:
    """Name a job of a dry run: its rule, and its dataset where it has one."""
    rule = text.split(":")[0]
    dataset = re.search(r"^    wildcards: dataset=(\w+)", text, flags=re.M)
    return f"{rule} {dataset[1]}" if dataset else rule


@pytest.fixture
def again(finished, tmp_path) -> Again:
    """What a dry run would do in a copy of the finished run, with the sources it is given."""
    folder = tmp_path / "copy"
    shutil.copytree(finished.folder, folder, symlinks=True)

    def plan(
        *words: str | Path, sources: Path = ROOT, campaign: Path = finished.campaign
    ) -> set[str]:
        line = [sys.executable, "-m", "snakemake", "-n", "-s", sources / "workflow" / "Snakefile"]
        done = subprocess.run(
            [*map(str, line), "--configfile", str(campaign), *map(str, words)],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(sources / "src")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return {name_of(text) for text in re.split(r"^rule ", done.stdout, flags=re.M)[1:]}

    return plan


def test_every_file_of_the_contract_is_there_and_nothing_else(finished):
    results = finished.folder / "results"
    for dataset in ("decay", "table"):
        for name in FILES:
            assert (results / dataset / name).exists(), name
    assert {p.name for p in results.iterdir()} == {"decay", "table", "index.html", "summary.json"}
    assert {p.name for p in finished.folder.iterdir()} == {"results", "logs", ".snakemake"}
    assert not list(results.rglob("*.tmp"))


def test_the_law_is_found_and_says_what_it_was_made_with(finished):
    law = json.loads((finished.folder / "results" / "decay" / "law.json").read_text())
    assert law["schema"] == "residuum/law/1"
    (term,) = law["hidden"]["loss"]["terms"]
    assert term["term"] == "x"
    assert abs(term["coefficient"] + 0.5) < 0.01
    assert set(law["provenance"]) == {"config", "source", "versions", "seed", "device", "wall_s"}


def test_a_second_run_does_nothing(finished):
    def stamps():
        return {p: p.stat().st_mtime_ns for p in (finished.folder / "results").rglob("*")}

    before = stamps()
    done = call("residuum", "run", finished.campaign, "--cores", "2", cwd=finished.folder)
    assert done.returncode == 0
    assert "Nothing to do" in done.stdout
    assert stamps() == before


def test_benchmarks_are_json_lines(finished):
    text = (finished.folder / "logs" / "decay" / "pinn" / "train.jsonl").read_text()
    assert json.loads(text.splitlines()[0])["s"] > 0


def test_a_report_of_the_whole_run(finished):
    line = ("-s", ROOT / "Snakefile", "--configfile", finished.campaign)
    done = call("snakemake", *line, "--report", "../report.zip", cwd=finished.folder)
    assert done.returncode == 0, done.stdout
    assert "ERROR" not in done.stdout
    assert (finished.folder.parent / "report.zip").stat().st_size > 100_000


def test_an_edited_key_of_select_runs_select_onward(again, finished, tmp_path):
    text = finished.campaign.read_text()
    edited = finished.campaign.with_name("edited.yaml")
    edited.write_text(
        text.replace(
            "    equations: {x_t: loss(x)}", "    select: {laws: 9}\n    equations: {x_t: loss(x)}"
        )
    )
    assert again(campaign=edited) == {"select decay", "report decay", "summarize", "all"}


def test_an_edited_comment_runs_nothing(again, finished):
    edited = finished.campaign.with_name("comment.yaml")
    edited.write_text("# said differently\n" + finished.campaign.read_text())
    assert again(campaign=edited) == set()


def test_touched_data_of_equal_content_run_nothing_and_new_data_everything_of_their_dataset(
    again, finished
):
    data = finished.campaign.parent / "data" / "table.csv"
    text = data.read_text()
    try:
        data.write_text(text)
        assert again() == set()
        data.write_text(text.replace("3.000000", "3.000001"))
        stages = ("prepare", "train", "extract", "distill", "select", "report")
        assert again() == {*(f"{stage} table" for stage in stages), "summarize", "all"}
    finally:
        data.write_text(text)


def test_an_edited_module_runs_the_stages_that_import_it(again, tmp_path):
    sources = tmp_path / "sources"
    for part in ("src", "workflow", "profiles"):
        shutil.copytree(ROOT / part, sources / part, ignore=shutil.ignore_patterns("__pycache__"))
    assert again(sources=sources) == set()
    with (sources / "src" / "residuum" / "distillers" / "sindy.py").open("a") as file:
        file.write("\n# edited\n")
    onward = {
        f"{stage} {d}" for stage in ("distill", "select", "report") for d in ("decay", "table")
    }
    assert again(sources=sources) == {*onward, "summarize", "all"}
