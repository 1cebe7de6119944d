"""Run every measurement on both databases, each in a process of its own, and print one table."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.servers import create, postgres

ROOT = Path(__file__).resolve().parents[1]
SIZES = [int(size) for size in os.environ.get("BENCH_SIZES", "1000,10000,100000").split(",")]


def measure(database: str, environment: dict[str, str]) -> None:
    for size in SIZES:
        with tempfile.TemporaryDirectory(prefix="dealwright-bench-") as folder:
            own = os.environ | environment | {"DEALWRIGHT_VAR": folder, "BENCH_SIZE": str(size), "BENCH_DB": database}
            own["DJANGO_SETTINGS_MODULE"] = "crm.settings"
            if "PG_SERVER" in own:
                own["DATABASE_URL"] = create(own["PG_SERVER"], f"bench_{size}")
            subprocess.run([sys.executable, "-m", "bench.measure"], cwd=ROOT, env=own, check=True)


def main() -> None:
    print(f"{'database':<11}{'deals':>8}  {'what':<52}{'figure':>14}   target", flush=True)
    chosen = os.environ.get("BENCH_DATABASES", "sqlite,postgresql").split(",")
    if "sqlite" in chosen:
        measure("sqlite", {})
    if "postgresql" not in chosen:
        return
    with postgres(fsync=True) as server:
        measure("postgresql", {"PG_SERVER": server})


main()
