"""Where and with what the figures were measured."""

from __future__ import annotations

import datetime
import os
import platform
from importlib import metadata
from pathlib import Path

from residuum.provenance import code_digest, versions

ALSO = ("numba", "deepxde", "torch_geometric")
MEASURED_CODE = "residuum.discovery"


def describe() -> dict[str, object]:
    """Return date, processor, system, versions, threads and the digest of the measured code."""
    found = versions()
    for name in ALSO:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "threads": os.environ.get("OMP_NUM_THREADS", "not limited"),
        "versions": found,
        "code": code_digest(MEASURED_CODE),
    }


def processor() -> str:
    """Return the model of the processor as the system names it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown"
