"""The cache of compiled code notices edits in files that it does not watch by itself."""

import os
import subprocess
import sys
from pathlib import Path

from residuum.distillers.genetic import compiled


def run(folder, **environment):
    code = "from engine.upper import f; print(f(1.0), len(f.stats.cache_hits))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    value, hits = done.stdout.split()
    return float(value), int(hits)


def test_an_edit_of_another_file_is_noticed(tmp_path):
    engine = tmp_path / "engine"
    engine.mkdir()
    (engine / "__init__.py").write_text("")
    (engine / "compiled.py").write_text(Path(compiled.__file__).read_text())
    lower = "from engine.compiled import compiled\n@compiled\ndef g(x):\n    return x + {}\n"
    (engine / "lower.py").write_text(lower.format(1.0))
    (engine / "upper.py").write_text(
        "from engine.compiled import compiled\nfrom engine.lower import g\n"
        "@compiled\ndef f(x):\n    return 10.0 * g(x)\n"
    )
    here = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    assert run(tmp_path, **here) == (20.0, 0)
    assert run(tmp_path, **here) == (20.0, 1)
    (engine / "lower.py").write_text(lower.format(2.0))
    assert run(tmp_path, **here) == (30.0, 0)
