"""The commands that print figures start in a process of their own, where nothing has set Django up before."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
STARTED = sorted(path.stem for path in (ROOT / "bench").glob("*.py") if '__name__ == "__main__"' in path.read_text())


def _python(folder: Path, *args: str) -> str:
    own = os.environ | {"DEALWRIGHT_VAR": str(folder), "BENCH_SIZE": "1", "BENCH_DB": "sqlite"}
    own.pop("DATABASE_URL", None)
    done = subprocess.run([sys.executable, *args], cwd=ROOT, env=own, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", STARTED)
def test_every_bench_finds_the_house(name, tmp_path):
    _python(tmp_path, "-c", f"import bench.{name}")


def test_the_trace_goes_from_a_drag_to_the_transport(tmp_path):
    lines = _python(tmp_path, "-m", "bench.trace", "-v").splitlines()
    assert re.search(r"together +\d+ functions +\d+ files", "\n".join(lines))
    files = {line.split(":")[0].strip() for line in lines if line.startswith("  ")}
    assert {"crm/items/models/moving.py", "automation/engine/plan.py", "crm/messages/transports/outbox.py"} <= files


def test_what_a_bench_imports_when_it_measures_is_there():
    """Imports inside its functions: else a figure is missed when somebody needs it."""
    gone = []
    for path in (ROOT / "bench").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in (
                "crm",
                "automation",
                "documents",
            ):
                module = importlib.import_module(node.module)
                names = [one.name for one in node.names if not hasattr(module, one.name)]
                gone += [f"{path.name}: {node.module}.{name}" for name in names if not _is_module(node.module, name)]
    assert gone == []


def _is_module(package: str, name: str) -> bool:
    try:
        importlib.import_module(f"{package}.{name}")
    except ModuleNotFoundError:
        return False
    return True
