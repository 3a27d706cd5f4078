"""What the workflow is told of a campaign."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from residuum.config import load_campaign
from residuum.errors import UserError
from residuum.plan import Plan, default_campaign, merged

STAGES = ("prepare", "train", "extract", "distill", "select", "report", "summarize")
NAMES = {"dataset": "decay", "surrogate": "pinn", "distiller": "sindy"}


@pytest.fixture(autouse=True)
def in_workdir(workdir, monkeypatch):
    monkeypatch.chdir(workdir)


def keys(plan: Plan) -> dict[str, str]:
    return {stage: plan.keys(stage, **NAMES) for stage in STAGES}


def changed(plan: Plan, other: Plan) -> set[str]:
    before, after = keys(plan), keys(other)
    return {stage for stage in STAGES if before[stage] != after[stage]}


def test_the_copy_says_the_same_as_the_file(campaign, workdir):
    plan = Plan.of_files([campaign])
    plan.write()
    copy = load_campaign(workdir / plan.path)
    assert copy.datasets["table"].file.resolve() == campaign.parent / "data" / "table.csv"
    again = Plan.of_files([workdir / plan.path])
    assert keys(again) == keys(plan)
    assert again.path == plan.path


def test_the_copy_is_named_by_its_content(campaign):
    first = Plan.of_files([campaign])
    campaign.write_text("# a comment\n" + campaign.read_text())
    assert Plan.of_files([campaign]).path == first.path
    campaign.write_text(campaign.read_text().replace("seed: 0", "seed: 1"))
    assert Plan.of_files([campaign]).path != first.path


def test_data_files_are_relative_only_inside_the_runs_folder(campaign, monkeypatch):
    plan = Plan.of_files([campaign])
    assert plan.data_files("decay") == []
    assert plan.data_files("table") == [str(campaign.parent / "data" / "table.csv")]
    monkeypatch.chdir(campaign.parent)
    assert plan.data_files("table") == ["data/table.csv"]


@pytest.mark.parametrize(
    ("old", "new", "touched"),
    [
        ("size: 1e-3", "size: 2e-3", {"prepare"}),
        ("ensemble: 1", "ensemble: 2", {"train"}),
        ("degree: 2", "degree: 3", {"distill"}),
        (
            "    equations: {x_t: loss(x)}",
            "    select: {laws: 10}\n    equations: {x_t: loss(x)}",
            {"select"},
        ),
        ("  decay:\n", "  decay:\n    title: Decay\n", {"prepare", "report", "summarize"}),
        (
            "    equations: {x_t: loss(x)}",
            "    equations: {x_t: -loss(x)}",
            {"train", "extract", "select", "report"},
        ),
        ("states: {y: y}", "states: {y: y}, noise: lognormal", set()),
    ],
)
def test_an_edited_key_touches_exactly_these_stages(campaign, old, new, touched):
    before = Plan.of_files([campaign])
    text = campaign.read_text()
    assert old in text
    campaign.write_text(text.replace(old, new, 1))
    assert changed(before, Plan.of_files([campaign])) == touched


def test_keys_are_canonical_json(campaign):
    text = Plan.of_files([campaign]).keys("select", **NAMES)
    assert json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")) == text


def test_later_files_and_overrides_win(campaign, tmp_path):
    more = tmp_path / "more.yaml"
    more.write_text("seed: 5\ndatasets: {decay: {select: {laws: 7}}}\n")
    assert Plan.of_files([campaign, more]).campaign.seed == 5
    plan = Plan.of_files([campaign, more], overrides={"seed": 6})
    assert plan.campaign.seed == 6
    assert plan.campaign.datasets["decay"].select.laws == 7
    assert plan.campaign.datasets["table"].file.resolve() == campaign.parent / "data/table.csv"


def test_numbers_inside_overrides_are_numbers(campaign):
    # as Snakemake reads --config 'datasets={decay: {select: {laws: 7, gamma: 1e-1}}}'
    given = {"datasets": {"decay": {"select": {"laws": "7", "gamma": "1e-1"}, "title": "A [b]"}}}
    decay = Plan.of_files([campaign], overrides=given).campaign.datasets["decay"]
    assert (decay.select.laws, decay.select.gamma, decay.title) == (7, 0.1, "A [b]")


def test_a_mistake_in_an_override_is_located(campaign):
    with pytest.raises(UserError, match=r"campaign.yaml \+ --config.*sed"):
        Plan.of_files([campaign], overrides={"sed": 6})


def test_a_modules_mapping_starts_from_the_runs_folder(workdir):
    (workdir / "t.csv").write_text("t,y\n0,1\n1,2\n2,4\n3,5\n")
    plan = Plan.of_mapping(
        {"datasets": {"a": {"data": {"file": "t.csv"}, "equations": {"y_t": "f(y)"}}}}
    )
    assert plan.data_files("a") == ["t.csv"]


def test_names_become_a_pattern(campaign):
    plan = Plan.of_files([campaign])
    assert plan.pattern("dataset") == "decay|table"
    assert plan.pattern("surrogate") == "pinn"
    assert plan.pattern("distiller") == "sindy"


def test_the_default_campaign_is_the_folders_own_then_the_clones(tmp_path, workdir):
    clone = tmp_path / "clone" / "config" / "config.yaml"
    with pytest.raises(UserError, match="--configfile FILE"):
        default_campaign(tmp_path / "clone")
    clone.parent.mkdir(parents=True)
    clone.touch()
    assert default_campaign(tmp_path / "clone") == clone
    assert default_campaign(tmp_path / "clone" / "workflow") == clone
    own = workdir / "config" / "config.yaml"
    own.parent.mkdir()
    own.touch()
    assert default_campaign(tmp_path / "clone") == Path.cwd() / "config" / "config.yaml"


def test_merging_goes_into_mappings_and_replaces_lists():
    first = {"a": {"b": 1, "c": [1, 2]}, "d": 1}
    second = {"a": {"c": [3]}, "d": {"e": 2}}
    assert merged(first, second) == {"a": {"b": 1, "c": [3]}, "d": {"e": 2}}
    assert first["a"] == {"b": 1, "c": [1, 2]}


def test_the_copy_keeps_the_order_that_the_user_wrote(tmp_path):
    path = tmp_path / "two.yaml"
    path.write_text(
        "datasets:\n  two:\n    data:\n      simulate:\n        equations: {z_t: -z, a_t: z - a}\n"
        "        initial: {z: 1, a: 0}\n        times: {stop: 3, points: 20}\n"
        "    equations: {z_t: '-decay(z)', a_t: 'z - a'}\n"
    )
    plan = Plan.of_files([path])
    plan.write()
    assert load_campaign(plan.path).dataset("two").problem.components == ("z", "a")
