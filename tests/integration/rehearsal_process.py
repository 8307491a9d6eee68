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


def killed(command: Sequence[str], said: str, variables: Mapping[str, str] | None = None) -> None:
    """Run it until it says something, and kill it then."""
    with subprocess.Popen(command, cwd=ROOT, env=variables, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if said in line:
                break
        os.kill(child.pid, signal.SIGKILL)
        child.stderr.read()
