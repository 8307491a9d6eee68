"""Whole processes: wall time and peak memory, best of several runs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def measured(arguments: Sequence[str], runs: int = 3, python: str = sys.executable,
             environment: Mapping[str, str] | None = None) -> tuple[float, float]:
    """Seconds (least of ``runs``) and peak memory in MiB (most) of ``python ARGUMENTS``, with more variables; it must not fail."""
    seconds, peak = [], 0.0
    for _ in range(runs):
        with tempfile.TemporaryFile() as sink:
            start = time.perf_counter()
            process = subprocess.Popen([python, *arguments], cwd=ROOT, env={**os.environ, **(environment or {})}, stdout=sink,
                                       stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(process.pid, 0)
            seconds.append(time.perf_counter() - start)
            process.returncode = os.waitstatus_to_exitcode(status)
            assert process.returncode == 0, f"{arguments} failed"
            peak = max(peak, usage.ru_maxrss / 1024)
    return min(seconds), peak
