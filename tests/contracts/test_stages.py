"""Rules, stage functions and commands are the same set under the same names."""

from __future__ import annotations

import argparse
import importlib
import re
from pathlib import Path

import pytest

from residuum.cli.commands import STAGES
from residuum.cli.entry import build_parser
from residuum.cli.run import workflow_root

NAMES = ("prepare", "train", "extract", "distill", "select", "report", "summarize")
RULES = sorted((workflow_root() / "workflow" / "rules").glob("*.smk"))


def commands() -> dict[str, argparse.ArgumentParser]:
    actions = build_parser()._actions
    return next(a.choices for a in actions if isinstance(a, argparse._SubParsersAction))


def rules() -> dict[str, str]:
    """Every rule's text by its name."""
    text = "\n".join(path.read_text() for path in RULES)
    parts = re.split(r"^rule (\w+):$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_commands_are_the_stages_and_what_stands_around_them():
    assert tuple(stage.name for stage in STAGES) == NAMES
    assert set(commands()) == {*NAMES, "run", "validate", "export", "predict"}


def test_rules_are_the_stages():
    assert set(rules()) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_stage_module_holds_the_function_of_its_name(name):
    module = importlib.import_module(f"residuum.stages.{name}")
    assert callable(getattr(module, name))
    assert Path(module.__file__).stem == name


@pytest.mark.parametrize("name", NAMES)
def test_rule_calls_the_command_and_declares_what_it_needs(name):
    text = rules()[name]
    assert f'"residuum {name} ' in text
    assert f'settings_of("{name}")' in text
    assert f'code_of("{name}")' in text
    for directive in ("input", "output", "log", "benchmark", "params", "threads", "resources"):
        assert re.search(rf"^    {directive}:", text, flags=re.M), directive
    assert "retries:" not in text
    assert int(re.search(r"mem_mb=(\d+)", text)[1]) >= 600
    assert re.search(r"runtime=\d+", text)


@pytest.mark.parametrize("name", NAMES)
def test_every_value_in_the_shell_is_quoted(name):
    shell = rules()[name].split("shell:")[1]
    unquoted = [field for field in re.findall(r"\{([^}]*)\}", shell) if not field.endswith(":q")]
    assert set(unquoted) <= {"threads"}
