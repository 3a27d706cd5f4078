"""A small campaign of two datasets, and commands as a user calls them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

DECAY = """\
seed: 0
datasets:
  decay:
    data:
      simulate:
        equations: {x_t: -0.5*x}
        initial: {x: 2.0}
        times: {stop: 4.0, points: 21}
        noise: {kind: gaussian, size: 1e-3}
    equations: {x_t: loss(x)}
    surrogates:
      pinn: {ensemble: 1, states: [spline], hidden: [spline], rounds: 3}
    distillers:
      sindy: {degree: 2, max_terms: 2, resamples: 4}
"""

TABLE = """\
  table:
    title: From a file
    data: {file: data/table.csv, states: {y: y}}
    equations: {y_t: loss(y)}
    surrogates:
      pinn: {ensemble: 1, states: [spline], hidden: [spline], rounds: 3}
    distillers:
      sindy: {degree: 2, max_terms: 2, resamples: 4}
"""

CAMPAIGN = DECAY + TABLE


def table() -> str:
    rows = [f"{0.2 * k:.1f},{3 * 0.8**k:.6f}" for k in range(21)]
    return "\n".join(["t,y", *rows]) + "\n"


def call(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `python -m WORDS` with one thread for numbers; both outputs as one text."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", *map(str, words)],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
