"""Processes that belong to one folder: they end with the process that started them, and what a killed one leaves is found by the folder.

The kernel of Linux ends them with their parent. Elsewhere, and where that was not to be, their numbers are on record in the folder.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from gpuplane.delivery.rehearsal.local.programs import program

PREFIX = "gpuplane-plane-"
"""How the folders of control planes begin, below the temporary folder."""
RECORD = "processes.jsonl"
_DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_END_SECONDS = 20


class Processes:
    """Some programs of a folder, each of which can be ended and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        self._note(os.getpid())

    def start(self, name: str, arguments: Sequence[str], variables: Mapping[str, str] | None = None) -> None:
        """Start a program, unless it runs. One of its arguments names the folder: by that it is known again."""
        if name in self.running and self.running[name].poll() is None:
            return
        with (self.folder / "logs" / name).open("ab") as log:
            self.running[name] = subprocess.Popen(
                [program(name) or name, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                env={**os.environ, **(variables or {})}, start_new_session=True, preexec_fn=_die_with_parent)
        self._note(self.running[name].pid)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """End one at once."""
        process = self.running.pop(name, None)
        if process is not None:
            process.send_signal(number)
            process.wait(_END_SECONDS)

    def end(self) -> None:
        """End all, the last that was started first."""
        for name in tuple(reversed(self.running)):
            self.kill(name)

    def ended(self) -> list[str]:
        """Names of those that ended by themselves."""
        return [name for name, process in self.running.items() if process.poll() is not None]

    def last_words(self, name: str) -> str:
        """The end of what a program said."""
        return (self.folder / "logs" / name).read_text(encoding="utf-8", errors="replace").strip()[-500:]

    def _note(self, pid: int) -> None:
        with (self.folder / RECORD).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"pid": pid, "began": _ps(pid, "lstart=")}) + "\n")


def remove_leftovers(below: Path | None = None) -> list[Path]:
    """End and delete what control planes have left whose owner was killed; returns their folders.

    Args:
        below: where they are; None: the temporary folder.
    """
    found = list[Path]()
    for folder in sorted((below or Path(tempfile.gettempdir())).glob(f"{PREFIX}*")):
        if not folder.is_dir() or folder.is_symlink() or folder.stat().st_uid != os.getuid():
            continue
        owner, *others = _recorded(folder) or [(0, "")]
        if owner[0] and _ps(owner[0], "lstart=") == owner[1]:
            continue
        for pid, began in others:
            if _ps(pid, "lstart=") == began and str(folder) in _ps(pid, "command="):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
        found.append(folder)
    return found


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def listens(ports: Iterable[int]) -> bool:
    """Whether somebody listens on each."""
    for port in ports:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) != 0:
                return False
    return True


def _recorded(folder: Path) -> list[tuple[int, str]]:
    """Numbers and beginnings, the owner's first; nothing where the record cannot be read."""
    try:
        lines = [json.loads(line) for line in (folder / RECORD).read_text(encoding="utf-8").splitlines()]
        return [(int(line["pid"]), str(line["began"])) for line in lines]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _ps(pid: int, column: str) -> str:
    return subprocess.run(["ps", "-ww", "-p", str(pid), "-o", column], capture_output=True, text=True, check=False).stdout.strip()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGKILL)
