"""Pulumi processes that were begun on this machine, noted while they run.

A lock names a machine and the number of a process, and neither is proof: machines of one image and containers have the same name, and each
counts its own processes. A note says that this machine, since it was started, began that process, where processes can be seen from here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from subprocess import Popen

from gpuplane.delivery.state_backend import state_home
from gpuplane.delivery.whole_file import keep_among_few

_NOTES = 500
"""Notes that stay: those of processes that were killed, or failed."""
_LOCKS_WITHIN_SECONDS = 600
"""A process takes its lock soon after it began; a later lock of its number is another's."""


@contextmanager
def noted(process: Popen[str], backend: str) -> Iterator[None]:
    """Note a process while it runs; the note stays unless it ends well. Where none can be written, nobody's lock goes by itself."""
    file = _folder() / f"{process.pid}.json"
    with suppress(OSError):
        keep_among_few(file, json.dumps({"at": int(time.time()), "backend": backend, "machine": _machine()}), _NOTES)
    yield
    if process.returncode == 0:
        with suppress(OSError):
            file.unlink(missing_ok=True)


def began(number: int, backend: str, since: str) -> bool:
    """Whether a process of this machine, among those that can be seen from here, took a lock.

    Args:
        number: of the process.
        backend: URL of the state.
        since: when the lock was taken, in ISO 8601, by this machine's clock if it was one.
    """
    try:
        note = json.loads((_folder() / f"{number}.json").read_bytes())
        after = datetime.fromisoformat(since).timestamp() - note["at"]
        return (note["backend"], note["machine"]) == (backend, _machine()) and 0 <= after <= _LOCKS_WITHIN_SECONDS
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _folder() -> Path:
    return state_home() / "processes"


def _machine() -> list[str]:
    """This machine since it was started, and which of its processes can be seen; empty where the system does not say."""
    found = []
    with suppress(OSError):
        found.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        found.append(str(Path("/proc/self/ns/pid").readlink()))
    return found
