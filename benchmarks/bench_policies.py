"""All rules on thousands of manifests, and Checkov on the same files: ``python -m benchmarks.bench_policies [FILES [SHARED]]``.

Both are whole processes by processor time, their children's with it; of Checkov's only its run counts, not its imports. The pair is
measured where ``.venv-checkov`` is (``make checkov-env``), on SHARED of the files: Checkov takes minutes for all of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.manifests import write_manifests
from benchmarks.process import ROOT

FILES, SHARED = 10_000, 1_000
CHECKOV = ROOT / ".venv-checkov/bin/python"
_RUN = """
import multiprocessing, os, resource, sys
os.environ["LOG_LEVEL"] = "CRITICAL"
from checkov.kubernetes.runner import Runner
from checkov.runner_filter import RunnerFilter
def used():
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
before = used()
report = Runner().run(root_folder=sys.argv[1], runner_filter=RunnerFilter(framework=["kubernetes"]))
for child in multiprocessing.active_children():  # it leaves them, and what nobody waits for is not counted
    child.join()
print(used() - before, len(report.passed_checks) + len(report.failed_checks))
"""


def ours(folder: Path) -> tuple[float, float]:
    """Processor time and wall clock of ``gpuplane check`` as a process, in seconds."""
    wall = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "gpuplane", "check", str(folder), "--format", "json"], cwd=ROOT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 1, "the examples that fail are among the files"
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - wall


def checkov(folder: Path) -> tuple[float, int]:
    """Processor time of Checkov's Kubernetes runner in seconds, and how many checks it made."""
    done = subprocess.run([str(CHECKOV), "-c", _RUN, str(folder)], cwd=folder, capture_output=True, text=True, check=True)
    seconds, checks = done.stdout.split()[-2:]
    return float(seconds), int(checks)


def main(files: int = FILES, shared: int = SHARED) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder, part = Path(name) / "all", Path(name) / "part"
        examples = write_manifests(folder, files)
        processor, wall = ours(folder)
        print(f"{files} manifests ({examples} of the rules' examples): {processor:.2f} s of processor, {wall:.2f} s in all. Aim: 10 s")
        if not shared:
            return
        if not CHECKOV.exists():
            print("no .venv-checkov here, so nothing to compare with: make bench-checkov")
            return
        every = sorted(folder.rglob("*.yaml"))
        for file in every[::max(1, files // shared)]:
            target = part / file.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        own, (theirs, checks) = ours(part)[0], checkov(part)
        print(f"{sum(1 for _ in part.rglob('*.yaml'))} of them: {own:.2f} s; Checkov {theirs:.2f} s for {checks} checks, "
              f"{theirs / own:.1f} × as long. Aim: 20")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
