"""Child seeds from what a random number is for, so results do not depend on who draws first."""

from __future__ import annotations

import hashlib

import numpy as np


def child_seed(seed: int, *keys: str | int) -> int:
    """Return a 63-bit seed that is a hash of the parent seed and the keys.

    `child_seed(0, "train", "lynx_hare", 3)` is the same on every machine and for any number
    of workers.
    """
    text = "\x1f".join([str(seed), *(f"{type(key).__name__}:{key}" for key in keys)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *keys: str | int) -> np.random.Generator:
    """Return a numpy generator seeded by `child_seed(seed, *keys)`."""
    return np.random.default_rng(child_seed(seed, *keys))
