"""Who holds a stack, and whether that run still lives.

Backends that keep state as files leave a lock file behind when a run is killed. It says which process on which machine made it. A process
that was noted here when it began, and is gone, is proof enough to take the lock away; the machine's name is none, for another may have the
same. Of what other machines began nobody here can know, so that is said aloud.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gpuplane.delivery import own_processes
from gpuplane.delivery.applying.states import run_cli
from gpuplane.delivery.exit_status import EngineFailed
from gpuplane.delivery.state_backend import folder_of
from gpuplane.stacks.program import PROJECT

_LOCKED = re.compile(r"the stack is currently locked by|Another update is currently in progress", re.IGNORECASE)
_HOLDER = re.compile(r"created by (?P<user>\S+)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")


@dataclass(frozen=True)
class Holder:
    """A process that took a lock."""

    user: str
    host: str
    pid: int
    since: str

    def __str__(self) -> str:
        return f"{self.user}@{self.host} (process {self.pid}) since {self.since}"

    def is_gone(self, backend: str) -> bool:
        """Whether it was begun on this machine, and surely does not run any more."""
        return self.host == socket.gethostname() and own_processes.began(self.pid, backend, self.since) and not _is_pulumi(self.pid)


def is_locked(said: str) -> bool:
    """Whether Pulumi failed because somebody else works on the stack."""
    return _LOCKED.search(said) is not None


def holders(said: str) -> tuple[Holder, ...]:
    """Who they are, as far as the backend says."""
    return tuple(Holder(found["user"], found["host"], int(found["pid"]), found["since"]) for found in _HOLDER.finditer(said))


def may_be_taken(said: str, take_over: bool, backend: str) -> bool:
    """Whether the lock can be taken away: all who hold it are gone, or whoever runs this answers for that."""
    found = holders(said)
    return bool(found) and (take_over or all(holder.is_gone(backend) for holder in found))


def take(stack: str, variables: Mapping[str, str]) -> None:
    """Take a stack's locks away.

    Raises:
        EngineFailed: the backend says no.
    """
    try:
        run_cli(["cancel", "--yes", "--stack", stack], variables)
    except EngineFailed as error:
        if "no stack named" not in str(error) or not _unlinked(stack, variables["PULUMI_BACKEND_URL"]):
            raise


def _unlinked(stack: str, backend: str) -> bool:
    """Take away the lock files of a stack whose making was killed: there is none yet that Pulumi could be told to cancel."""
    folder = folder_of(backend)
    found = list((folder / ".pulumi" / "locks" / "organization" / PROJECT / stack).glob("*.json")) if folder is not None else []
    for file in found:
        file.unlink(missing_ok=True)
    return bool(found)


def locked_sentence(stack: str, said: str, waited_seconds: float) -> str:
    """Who holds the stack, and what to do."""
    who = ", ".join(map(str, holders(said))) or "another update"
    return (f"{stack} is locked by {who}, after {waited_seconds:.0f} s. Wait longer with --wait-for-lock SECONDS. Where that run "
            f"is surely over: --take-over-lock, or `pulumi cancel --stack {stack}`.")


def _is_pulumi(pid: int) -> bool:
    """Whether a process of that number runs and is Pulumi: numbers are given again."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    name = Path(f"/proc/{pid}/comm")
    if name.exists():
        return name.read_text().strip().startswith("pulumi")
    said = subprocess.run(["ps", "-p", str(pid), "-o", "comm="], capture_output=True, text=True, check=False).stdout
    return not said.strip() or Path(said.strip()).name.startswith("pulumi")
