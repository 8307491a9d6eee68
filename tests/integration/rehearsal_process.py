"""``gpuplane rehearse`` as a process, and one that is killed in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.planning.wish import AS_OF

ROOT = Path(__file__).resolve().parents[2]


def rehearse_command(environments: Path, *arguments: str) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "gpuplane", "rehearse", *arguments, "--environments", str(environments), "--as-of", AS_OF.isoformat()]


def killed(command: Sequence[str], said: str, variables: Mapping[str, str] | None = None, *, guarded: bool = True) -> str:
    """Run it until it says something, and kill it then; returns what is said after that, also by the process that looks after it.

    Args:
        guarded: whether that process lives on.
    """
    with subprocess.Popen(command, cwd=ROOT, env=variables, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if said in line:
                break
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(child.pid)], capture_output=True, text=True, check=False).stdout
        for pid in (*([] if guarded else map(int, listed.split())), child.pid):
            os.kill(pid, signal.SIGKILL)
        return child.stderr.read()
