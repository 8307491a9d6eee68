"""The gate before the first resource: plan and rules, in a child process that shares nothing with this one.

The child is the same ``gpuplane preview`` that the pull request showed, so a bare ``pulumi up`` gets past
no quota, privacy rule or budget. Anything but a clean pass stops the program: no answer is not a yes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pulumi

_TIMEOUT_SECONDS = 300


def require_pass(environments: Path, environment: str, as_of: date) -> None:
    """Return only if the environment passes.

    Raises:
        pulumi.RunError: with every sentence that blocks; nothing has been registered.
    """
    command = [sys.executable, "-m", "gpuplane", "preview", environment, "--environments", str(environments),
               "--as-of", as_of.isoformat(), "--format", "json"]
    try:
        child = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise pulumi.RunError(f"gpuplane's gate could not run, so nothing is registered: {error}") from None
    if child.returncode != 0:
        raise pulumi.RunError(f"gpuplane refuses {environment}; nothing is registered.\n{_reasons(child)}")
    if json.loads(child.stdout)["verdict"] != "pass":
        raise pulumi.RunError(f"gpuplane's gate did not pass {environment}; nothing is registered.")


def _reasons(child: subprocess.CompletedProcess[str]) -> str:
    try:
        blocking = json.loads(child.stdout)["blocking"]
        return "\n".join(f"  {sentence}" for sentence in blocking)
    except (ValueError, KeyError, TypeError):
        return child.stderr.strip()[-4000:] or f"exit status {child.returncode}"
