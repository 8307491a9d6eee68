"""The last good state of each stack, kept beside a backend of files before anything is applied to the stack.

Where the disk ends in the middle of an apply, Pulumi cuts off the state and its ``.bak``. So an apply does not begin unless the state as it
is has been copied whole, and there is room for what Pulumi writes. Buckets keep versions themselves.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from gpuplane.delivery.applying.run_record import stamp
from gpuplane.delivery.applying.state_copies import copied_text, write_stacks
from gpuplane.delivery.applying.state_index import INDEX, Row, read_index
from gpuplane.delivery.exit_status import CannotStart, EngineFailed
from gpuplane.delivery.file_digests import digest
from gpuplane.delivery.state_backend import folder_of
from gpuplane.spec.environment_spec import EnvironmentSpec

FOLDER = "gpuplane-states"
"""Folder of the kept states, in the backend's."""
KEPT = 5
"""Copies of a stack that stay; older ones go."""
_TIMES = 6
"""Sizes of a state that an apply may need: the state, its ``.bak``, the backup and the history of Pulumi, and the next copy."""
_SLACK_BYTES = 4 * 1024 * 1024


def keep(spec: EnvironmentSpec, stack: str, state: Mapping[str, Any], variables: Mapping[str, str], now: datetime) -> None:
    """Copy a stack's state as it is, unless the newest copy is the same.

    Raises:
        EngineFailed: it cannot be copied, or there is no room to apply; nothing was.
    """
    folder = _folder(spec.name, stack, variables)
    if folder is None:
        return
    text = copied_text(state)
    try:
        _require_room(folder, stack, len(text.encode()))
        last = newest(spec.name, stack, variables)
        if last is not None and _holds(last, spec.name, stack, digest(text)):
            return
        _write(spec.name, folder, stack, state, now)
    except OSError as error:
        raise EngineFailed(f"{stack}: its state could not be copied to {folder} before the apply: {error.strerror}. Nothing was "
                           "applied.") from None


def newest(environment: str, stack: str, variables: Mapping[str, str]) -> Path | None:
    """The last copy that was kept of a stack; None where there is none."""
    folder = _folder(environment, stack, variables)
    return max(_copies(folder), default=None) if folder is not None else None


def kept(environment: str, stacks: tuple[str, ...], variables: Mapping[str, str],
         damaged: Callable[[CannotStart], object]) -> Iterator[tuple[str, str, int, Path]]:
    """Stack, time, number of resources and folder of each copy, the newest of a stack first.

    Args:
        damaged: called where a copy's index cannot be read; that copy is left out.
    """
    for stack in stacks:
        folder = _folder(environment, stack, variables)
        for copy in sorted(_copies(folder), reverse=True) if folder is not None else ():
            try:
                at, row = _row(copy, environment, stack)
            except CannotStart as error:
                damaged(error)
            else:
                yield stack, at, row.resources, copy


def _folder(environment: str, stack: str, variables: Mapping[str, str]) -> Path | None:
    backend = folder_of(variables["PULUMI_BACKEND_URL"])
    return backend / FOLDER / environment / stack if backend is not None else None


def _copies(folder: Path) -> Iterator[Path]:
    return (index.parent for index in folder.glob(f"*/{INDEX}"))


def _holds(copy: Path, environment: str, stack: str, state: str) -> bool:
    """Whether a copy is of that state; a damaged one is of none."""
    try:
        return _row(copy, environment, stack)[1].digest == state
    except CannotStart:
        return False


def _row(copy: Path, environment: str, stack: str) -> tuple[str, Row]:
    """When a stack was copied, and what its copy holds."""
    index = read_index(copy, environment)
    if stack not in index.stacks:
        raise CannotStart(f"{copy / INDEX} has no stack {stack}. Take another copy.")
    return index.at, index.stacks[stack]


def _require_room(folder: Path, stack: str, size: int) -> None:
    """The disk must have a few times what the state has: what is copied is no use where the copy is the last that fits."""
    needed = _TIMES * size + _SLACK_BYTES
    there = next(parent for parent in (folder, *folder.parents) if parent.is_dir())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise EngineFailed(f"{stack}: no space left for its state: {free / 1e6:.1f} MB are free in {there}, and an apply may need "
                           f"{needed / 1e6:.1f} MB. Nothing was applied.")


def _write(environment: str, folder: Path, stack: str, state: Mapping[str, Any], now: datetime) -> None:
    new = folder / f"{now:%Y%m%dT%H%M%S%f}"
    try:
        write_stacks(environment, new, {stack: state}, stamp(now))
    except OSError:
        shutil.rmtree(new, ignore_errors=True)
        raise
    for old in sorted(each for each in folder.iterdir() if each.is_dir())[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
