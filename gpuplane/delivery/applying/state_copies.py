"""Copies of state: every stack of an environment as ``pulumi stack export`` gives it, and the way back.

Secrets in it stay encrypted as they are in the state. A copy is a folder: one file for each stack, and an index with their digests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpuplane.delivery.applying import states
from gpuplane.delivery.applying.state_index import Row, read_index, write_index
from gpuplane.delivery.exit_status import CannotStart, EngineFailed
from gpuplane.delivery.file_digests import digest
from gpuplane.delivery.pulumi_engine import name_of
from gpuplane.delivery.secrets_provider import DEFAULT, difference, has_passphrase, provider_of
from gpuplane.delivery.whole_file import write_whole
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey

_LARGEST = 512 * 1024 * 1024


@dataclass(frozen=True)
class Copy:
    """One stack in a copy: its name, the file's bytes, and how many resources it holds."""

    stack: str
    text: str
    resources: int


def stacks_there(spec: EnvironmentSpec, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Names of the environment's stacks in the backend, in the order they are applied."""
    names = states.stack_names(variables)
    own = [name_of(spec, StackKey(layer)) for layer in spec.layers]
    return tuple(name for name in (*own, *(name_of(spec, key) for key in states.tenant_stacks_there(spec, names, variables)))
                 if name in names)


def write_copy(spec: EnvironmentSpec, out: Path, variables: Mapping[str, str], at: str,
               unreadable: Callable[[EngineFailed], None] | None = None, only: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Copy stacks (only these, or all) into a folder, which must be new or empty; returns their names.

    Args:
        unreadable: called where a stack cannot be read, which is then left out; without it, that ends the copy.

    Raises:
        CannotStart: the folder holds something, or the environment has no state.
        EngineFailed: the backend cannot be read.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CannotStart(f"{out} is there already and not empty; a copy of the state needs a folder of its own. Choose another.")
    found = only or stacks_there(spec, variables)
    if not found:
        raise CannotStart(f"{spec.name} has no stacks in {variables['PULUMI_BACKEND_URL']}; there is nothing to copy.")
    held = {}
    for name in found:
        try:
            held[name] = states.deployment(name, variables)
        except EngineFailed as error:
            if unreadable is None:
                raise
            unreadable(error)
    write_stacks(spec.name, out, held, at)
    return found


def write_stacks(environment: str, out: Path, held: Mapping[str, Mapping[str, Any]], at: str) -> None:
    """A copy of states that were read already, by stack.

    Raises:
        OSError: the folder takes no more; without its index it is no copy.
    """
    rows = {}
    for name, state in held.items():
        text = copied_text(state)
        write_whole(out / f"{name}.json", text, 0o600)
        rows[name] = Row(digest=digest(text), resources=len(state.get("resources") or ()))
    write_index(out, environment, at, rows)


def copied_text(state: Mapping[str, Any]) -> str:
    """A stack's file in a copy, as ``pulumi stack import`` reads it."""
    return json.dumps({"version": 3, "deployment": state}, indent=1, sort_keys=True) + "\n"


def read_copy(spec: EnvironmentSpec, folder: Path, only: tuple[str, ...] = ()) -> tuple[Copy, ...]:
    """A copy's stacks (only these, or all), each checked against the index.

    Raises:
        CannotStart: with all that is wrong with it; nothing was restored.
    """
    rows = read_index(folder, spec.name).stacks
    unknown = sorted(set(only) - rows.keys())
    if unknown:
        raise CannotStart(f"{folder} has no stack {', '.join(unknown)}; it has: {', '.join(rows)}.")
    problems, found = list[str](), list[Copy]()
    for name in sorted(only or rows):
        file = folder / f"{name}.json"
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() and file.stat().st_size <= _LARGEST else ""
        if digest(text) != rows[name].digest:
            problems.append(f"{file} is not what was copied: its digest differs from the index. Take another copy.")
        else:
            found.append(Copy(name, text, rows[name].resources))
    if problems:
        raise CannotStart("\n".join(problems))
    return tuple(found)


def require_openable(copies: tuple[Copy, ...]) -> None:
    """Return only if there is a passphrase for copies that one encrypts, whatever the environment has by now.

    Raises:
        CannotStart: there is none.
    """
    closed = [copy.stack for copy in copies if provider_of(json.loads(copy.text)["deployment"]) == DEFAULT]
    if closed and not has_passphrase():
        raise CannotStart(f"the secrets in the copies of {', '.join(closed)} are encrypted by a passphrase: set "
                          "PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to it. Nothing was restored.")


def restore(spec: EnvironmentSpec, copies: tuple[Copy, ...], variables: Mapping[str, str]) -> tuple[str, ...]:
    """Put stacks back as they were copied, one after the other; a stack that is gone is made again.

    Returns what is encrypted otherwise than the environment says: a copy brings what its own secrets are encrypted by.

    Raises:
        EngineFailed: Pulumi says no; stacks before that one are restored.
    """
    names, differing = states.stacks_among((copy.stack for copy in copies), variables), list[str]()
    for copy in copies:
        if copy.stack not in names:
            states.make(spec, copy.stack, variables)
        state = json.loads(copy.text)["deployment"]
        states.import_deployment(copy.stack, state, variables)
        differing += filter(None, [difference(spec, copy.stack, state)])
    return tuple(differing)
