"""Whole processes: wall time, processor time and peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def measured(arguments: Sequence[str], runs: int = 3) -> tuple[float, float]:
    """Seconds (least of ``runs``) and peak memory in MiB (most) of ``python ARGUMENTS``; it must not fail."""
    found = [once(arguments) for _ in range(runs)]
    return min(wall for wall, _, _ in found), max(mib for _, _, mib in found)


def once(arguments: Sequence[str], python: str = sys.executable,
         environment: Mapping[str, str] | None = None) -> tuple[float, float, float]:
    """Seconds by the clock and of processors, and peak memory in MiB, of one ``PYTHON ARGUMENTS``; it must not fail."""
    done = subprocess.run([sys.executable, "-S", "-c", _LAUNCHER, python, *arguments], cwd=ROOT, env={**os.environ, **(environment or {})},
                          capture_output=True, text=True, check=True)
    seconds, processor, mib, status = json.loads(done.stdout)
    assert status == 0, f"{arguments} failed"
    return seconds, processor, mib


_LAUNCHER = """
import json, os, sys, time
silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0), (os.POSIX_SPAWN_DUP2, 1, 2)]
start = time.perf_counter()
_, status, usage = os.wait4(os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=silent), 0)
seconds = time.perf_counter() - start
print(json.dumps([seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)]))
"""
"""A small process between: the peak of a child is never below what the process had that made it."""


def most_together(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    """Most memory in MiB that ``python ARGUMENTS`` and its children had together; what they share counts once. It must not fail."""
    most = 0
    with tempfile.TemporaryFile() as sink:
        process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env={**os.environ, **(environment or {})}, stdout=sink,
                                   stderr=subprocess.STDOUT)
        while process.poll() is None:
            most = max(most, sum(map(_proportional_kib, _with_children(process.pid))))
            time.sleep(0.1)
    assert process.returncode == 0, f"{arguments} failed"
    return most / 1024


def _with_children(process: int) -> list[int]:
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:  # it has ended
        return []
    return [process, *(each for child in children for each in _with_children(int(child)))]


def _proportional_kib(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
