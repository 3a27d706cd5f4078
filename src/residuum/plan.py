"""What the workflow needs to know of a campaign: names, files, and what each stage depends on.

The commands do not read the user's file but a copy of the campaign as it was resolved when the
run began, under `.snakemake/residuum/` and named by its content: overrides on Snakemake's command
line hold for every stage, and editing the file while a run is at work mixes nothing.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from residuum.config import Campaign, campaign_from_mapping, load_campaign
from residuum.errors import UserError
from residuum.provenance import code_digest
from residuum.yaml_file import read_yaml

FOLDER = Path(".snakemake") / "residuum"
# The name that tells the settings of a stage apart within a dataset.
CHOSEN_BY = {"train": "surrogate", "distill": "distiller"}


@dataclass(frozen=True)
class Plan:
    """A checked campaign and the text of its copy; `path` is relative to the run's folder."""

    campaign: Campaign
    text: str

    @classmethod
    def of_files(
        cls, files: Sequence[str | Path], *, overrides: Mapping[str, Any] | None = None
    ) -> Plan:
        """Return the plan of one campaign file, or of several where the later ones win.

        `overrides` is what `snakemake --config` gave and wins over all. Raises `UserError`.
        """
        raw: dict[str, Any] = {}
        for file in files:
            raw = merged(raw, _absolute(read_yaml(Path(file)), Path(file).absolute().parent))
        if len(files) == 1 and not overrides:
            return cls(load_campaign(files[0]), _text(raw))
        raw = merged(raw, _absolute(_typed(overrides or {}), Path.cwd()))
        names = [str(file) for file in files] + (["--config"] if overrides else [])
        return cls(campaign_from_mapping(raw, Path.cwd(), " + ".join(names)), _text(raw))

    @classmethod
    def of_mapping(cls, config: Mapping[str, Any]) -> Plan:
        """Return the plan of a mapping, as a module is given; paths start from the run's folder."""
        raw = _absolute(config, Path.cwd())
        return cls(campaign_from_mapping(raw, Path.cwd(), "config of the module"), _text(raw))

    @property
    def path(self) -> Path:
        """The campaign's copy, relative to the run's folder."""
        return FOLDER / f"campaign-{hashlib.sha256(self.text.encode()).hexdigest()[:16]}.yaml"

    def write(self) -> None:
        """Write the copy where it is not yet."""
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.path.with_suffix(f".{os.getpid()}.tmp")
            temporary.write_text(self.text, encoding="utf-8")
            temporary.replace(self.path)

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of the datasets."""
        return tuple(self.campaign.datasets)

    def surrogates(self, dataset: str) -> tuple[str, ...]:
        """The names of a dataset's surrogates."""
        return tuple(self.campaign.dataset(dataset).surrogates)

    def distillers(self, dataset: str) -> tuple[str, ...]:
        """The names of a dataset's distillers."""
        return tuple(self.campaign.dataset(dataset).distillers)

    def data_files(self, dataset: str) -> list[str]:
        """The files a dataset is read from; those inside the run's folder relative to it."""
        file = self.campaign.dataset(dataset).file
        if file is None:
            return []
        path = Path(os.path.abspath(file))  # noqa: PTH100  (`resolve` would follow links)
        inside = path.is_relative_to(Path.cwd())
        return [str(path.relative_to(Path.cwd()) if inside else path)]

    def pattern(self, kind: str) -> str:
        """Regular expression of the names of a kind: dataset, surrogate or distiller."""
        names = set(self.datasets)
        if kind != "dataset":
            of = getattr(self, f"{kind}s")
            names = {name for dataset in self.datasets for name in of(dataset)}
        return "|".join(re.escape(name) for name in sorted(names))

    def keys(self, stage: str, **wildcards: str) -> str:
        """Return the campaign's keys that one job of a stage depends on, as canonical JSON."""
        if stage == "summarize":
            found: object = {name: d.title for name, d in self.campaign.datasets.items()}
        else:
            chosen = wildcards[CHOSEN_BY[stage]] if stage in CHOSEN_BY else None
            found = self.campaign.dataset(wildcards["dataset"]).section(stage, chosen)
        return json.dumps(found, sort_keys=True, separators=(",", ":"))

    def code(self, stage: str) -> str:
        """Return the digest of the sources that a stage imports."""
        return code_digest(f"residuum.stages.{stage}")


def default_campaign(basedir: str | Path) -> Path:
    """Return `config/config.yaml` of the run's folder, or else of the clone the Snakefile is in."""
    for folder in (Path.cwd(), Path(basedir), Path(basedir).parent):
        path = folder / "config" / "config.yaml"
        if path.is_file():
            return path
    raise UserError("no campaign", expected="--configfile FILE, or config/config.yaml")


def prefer_this_installation() -> None:
    """Put this interpreter's folder first, so that rules call the `residuum` that belongs to it."""
    os.environ["PATH"] = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    )


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return two mappings as one; where both have a key the second wins, mappings recursively."""
    result = dict(first)
    for key, value in second.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if both else value
    return result


def _typed(value: Any) -> Any:
    """Return overrides with numbers as numbers: Snakemake leaves those inside mappings as text."""
    if isinstance(value, Mapping):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_typed(item) for item in value]
    if isinstance(value, str):
        with suppress(ValueError):
            return json.loads(value) if value[:1] not in '"[{' else value
    return value


def _absolute(raw: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """Return a campaign whose data files are absolute paths; `base` is the folder they start in."""
    return _with_files(raw, lambda file: os.path.normpath(base / file))


def _with_files(raw: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """Return a campaign with the name of every data file changed."""
    whole = merged({}, raw)
    datasets = whole.get("datasets")
    for name, dataset in datasets.items() if isinstance(datasets, Mapping) else ():
        data = dataset.get("data") if isinstance(dataset, Mapping) else None
        file = data.get("file") if isinstance(data, Mapping) else None
        if isinstance(file, str):
            edit = {"datasets": {name: {"data": {"file": change(file)}}}}
            whole = merged(whole, edit)
    return whole


def _text(raw: Mapping[str, Any]) -> str:
    """Return the text of the copy; data files are named relative to where it will stand."""
    from ruamel.yaml import YAML

    folder = Path.cwd() / FOLDER
    # Snakemake hands over ordered mappings, which YAML would tag; JSON makes them plain.
    plain = json.loads(json.dumps(raw))
    moved = _with_files(plain, lambda file: os.path.relpath(file, folder))
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    # Equations and terms are told in the order in which the user wrote them.
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 100
    stream = io.StringIO()
    yaml.dump(moved, stream)
    return stream.getvalue()
