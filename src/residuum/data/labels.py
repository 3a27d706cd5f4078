"""What experiments and bodies are called: the user's labels made safe, or numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable


def experiment_names(labels: Iterable[object], unnamed: str = "experiment") -> tuple[str, ...]:
    """Return names for folders and groups: the user's labels, made safe and kept apart.

    >>> experiment_names(["trial 1", "trial/1", 2.0])
    ('trial_1', 'trial_1_2', '2')
    """
    names: list[str] = []
    for label in labels:
        whole = isinstance(label, float) and label.is_integer()
        text = str(int(label)) if whole and isinstance(label, float) else str(label)
        base = re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_-")[:48] or unnamed
        name, count = base, 1
        while name in names:
            count += 1
            name = f"{base}_{count}"
        names.append(name)
    return tuple(names)


def numbered(count: int) -> tuple[str, ...]:
    """Return `experiment_000`, `experiment_001`, ... for experiments without labels."""
    return tuple(f"experiment_{index:03d}" for index in range(count))


def body_names(count: int) -> tuple[str, ...]:
    """Return `body_0`, `body_1`, ... for bodies without labels."""
    return tuple(f"body_{index}" for index in range(count))
