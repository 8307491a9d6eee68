"""The state on a disk of its own that takes no more in the middle of a run: ENOSPC, where ``state.py`` has files that may not grow.

The disk is a tmpfs that only the run sees, in a namespace of its own: no root is needed, but a kernel that lets users have one.
"""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.bed import Bed, Done
from tests.faults.case import Case
from tests.faults.proxy import Request
from tests.faults.state import CUT_OFF, NOT_WRITTEN, is_cut_off, is_json, kept_is_restored, second_service

FAILED = frozenset({3})
_FILLER = "filler"
_WORDS = "no space left on device"
_ON_A_DISK_OF_ITS_OWN = f"""
state=$1 before=$2 after=$3; shift 3
mount -t tmpfs -o size=16m none "$state" && cp -a "$before/." "$state" || exit 70
"$@"; status=$?
find "$state" -name "*{_FILLER}" -delete && cp -a "$state" "$after" || exit 71
exit $status
"""
"""Puts a state on a small disk, runs a command, makes room and copies what is there: nothing of the disk outlives its namespace."""


def _require_namespace(bed: Bed) -> None:
    tried = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", str(bed.folder / "tmp")], capture_output=True, text=True, check=False)
    if tried.returncode:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"a full disk needs a mount namespace: {tried.stderr}")


def _prepare(bed: Bed) -> None:
    _require_namespace(bed)
    second_service(bed)


def _full(disk: Path, held: tuple[Path, ...]) -> None:
    """Fill a disk to its last byte; what files held that are replaced from now on stays taken."""
    _link(held)
    with (disk / _FILLER).open("wb", buffering=0) as filler:
        try:
            while filler.write(bytes(4096)):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 the only way out of the loop
    _link(held)


def _link(files: tuple[Path, ...]) -> None:
    for file in files:
        with contextlib.suppress(FileExistsError):
            file.with_name(f"{file.name}.{file.stat().st_ino}.{_FILLER}").hardlink_to(file)


def disk_full(*, for_good: bool) -> Callable[[Bed], Done]:
    """A run whose state's disk is full once an object is made; then there is room again.

    Args:
        for_good: also what Pulumi frees, which replaces its older copy of the state first, is taken by somebody else.
    """
    def run(bed: Bed) -> Done:
        before, after = bed.folder / "before-the-run", bed.folder / "after-the-run"
        bed.state.rename(before)
        bed.state.mkdir()
        filled = threading.Event()

        def rule(request: Request) -> None:
            if request.write and request.method == "POST" and "/inferenceservices" in request.path and not filled.is_set():
                filled.set()
                root = Path(f"/proc/{running.process.pid}/root")
                file = root / bed.stack_file.relative_to("/")
                _full(root / bed.state.relative_to("/"), (file, file.with_name(f"{file.name}.bak")) if for_good else ())
        bed.proxy.rule = rule
        running = bed.begin(["unshare", "-rm", "sh", "-c", _ON_A_DISK_OF_ITS_OWN, "sh", str(bed.state), str(before), str(after),
                             *bed.command("up", "local", *bed.layer)])
        done = running.end()
        assert filled.is_set(), done.said
        bed.state.rmdir()
        after.rename(bed.state)
        return done
    return run


def _only_the_state_is_whole(bed: Bed) -> None:
    """That Pulumi's older copy of the state is lost, and the room that it took has saved the state."""
    assert bed.held()
    assert not is_json(bed.stack_file.with_name(f"{bed.stack_file.name}.bak"))


CASES = (
    Case("the disk of the state is full in the middle", disk_full(for_good=False), FAILED, (_WORDS, "Make room"), prepare=_prepare,
         after=_only_the_state_is_whole, applied=True),
    Case("the disk of the state is full in the middle and stays so", disk_full(for_good=True), FAILED, (_WORDS, *CUT_OFF), prepare=_prepare,
         after=is_cut_off, heal=kept_is_restored, next_says=NOT_WRITTEN, applied=True),
)
