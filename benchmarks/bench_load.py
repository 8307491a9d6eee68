"""Loading a large environment, against bare parsing of its files: ``python -m benchmarks.bench_load [TENANTS [SERVICES]]``."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from benchmarks.wishes import NAME, write_large_environment
from gpuplane.spec.loader import load_environment

RUNS = 3


def best(action: Callable[[], object]) -> float:
    """Seconds of the fastest of a few runs."""
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def main(tenants: int = 1000, services_each: int = 3) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        files = sorted(write_large_environment(Path(folder), tenants, services_each).rglob("*.yaml"))
        parsed = best(lambda: [yaml.load(file.read_bytes(), yaml.CSafeLoader) for file in files])
        loaded = best(lambda: load_environment(Path(folder), NAME))
    print(f"{tenants} tenants × {services_each} services, {len(files)} files: load {loaded:.2f} s, "
          f"bare parse {parsed:.2f} s, ratio {loaded / parsed:.2f}. Aim: 5 s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
