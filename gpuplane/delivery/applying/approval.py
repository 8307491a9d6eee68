"""Approvals: files that say which digest of which stack may be applied, who says so and why.

An approval is of exactly what was looked at: a merge that changes a stack's objects needs a new one, any other merge leaves it as it is.
The file is as trustworthy as the place that it comes from; who may approve is said in environment.yaml.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpuplane.delivery.applying.digest import StackDigest
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.json_file import object_in
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey

SCHEMA_VERSION = 1
KIND = "gpuplane-approval"
_LARGEST = 4 * 1024 * 1024
_DIGEST_LENGTH = len("sha256:") + 64


@dataclass(frozen=True)
class Approval:
    """One approval, or several as one.

    Attributes:
        environment: what it is of.
        digests: approved digests by stack name; several files may approve several.
        approvers: who approved each stack.
        lift: names of protected resources that may be deleted or replaced.
    """

    environment: str
    digests: Mapping[str, frozenset[str]]
    approvers: Mapping[str, frozenset[str]]
    lift: frozenset[str] = frozenset()

    def held(self, stack: StackDigest) -> str:
        """Why a stack is not to be applied; empty where it is."""
        approved = self.digests.get(stack.name, frozenset())
        if stack.digest in approved:
            return ""
        again = f"gpuplane approve {self.environment}" + (f" --tenant {stack.key.tenant}" if stack.key.tenant else "")
        if not approved:
            return f"not approved. Look at `gpuplane preview {self.environment}`, then `{again}`."
        return (f"it has changed since it was approved: approved is {', '.join(sorted(approved))}, to be applied is {stack.digest}. "
                f"Look at `gpuplane preview {self.environment}` again, then `{again}`.")

    def stays(self, key: StackKey) -> str:
        """Why the stack of a tenant without a document is not to be destroyed; empty where it is."""
        name = f"Tenant {key.tenant}"
        return "" if name in self.lift else f"that it goes is not approved. `gpuplane approve {self.environment} --lift '{name}'`."


def approval_text(environment: str, stacks: Iterable[StackDigest], by: str, reason: str, at: str, lift: Iterable[str] = ()) -> str:
    """An approval as the text of its file."""
    value = {
        "schema_version": SCHEMA_VERSION, "kind": KIND, "environment": environment, "approved_by": by, "approved_at": at, "reason": reason,
        "lift": sorted(set(lift)),
        "stacks": [{"stack": one.name, "layer": one.key.layer, "tenant": one.key.tenant, "digest": one.digest, "resources": one.resources}
                   for one in stacks]}
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read_approvals(spec: EnvironmentSpec, files: Iterable[Path]) -> Approval:
    """Approvals of some files as one.

    Raises:
        CannotStart: with all that is wrong with all of them.
    """
    problems: list[str] = []
    digests, approvers, lift = dict[str, set[str]](), dict[str, set[str]](), set[str]()
    for file in files:
        value, wrong = _read(spec, file)
        problems += wrong
        if wrong:
            continue
        lift.update(value["lift"])
        for row in value["stacks"]:
            digests.setdefault(row["stack"], set()).add(row["digest"])
            approvers.setdefault(row["stack"], set()).add(value["approved_by"])
    if problems:
        raise CannotStart("\n".join(problems))
    return Approval(spec.name, {key: frozenset(found) for key, found in digests.items()},
                    {key: frozenset(found) for key, found in approvers.items()}, frozenset(lift))


def may_approve(spec: EnvironmentSpec, who: str) -> bool:
    """Whether somebody's approval counts: anybody's, where the environment names no approvers."""
    wanted = spec.environment.spec.applying.approval
    return wanted is None or who in wanted.approvers


def _read(spec: EnvironmentSpec, file: Path) -> tuple[dict[str, Any], list[str]]:
    try:
        value = object_in(file, _LARGEST)
    except OSError as error:
        return {}, [f"{file} cannot be read: {error.strerror}. Check the path given to --approved."]
    except ValueError as error:
        return {}, [f"{file} is no approval: it is {error}. {_again(spec, file)}"]
    return value, _problems(spec, file, value)


def _problems(spec: EnvironmentSpec, file: Path, value: Mapping[str, Any]) -> list[str]:
    if value.get("kind") != KIND or value.get("schema_version") != SCHEMA_VERSION:
        found = f"kind {value.get('kind')!r}, schema_version {value.get('schema_version')!r}"
        return [f"{file}: {found}; allowed: {KIND!r}, {SCHEMA_VERSION}. {_again(spec, file)}"]
    if value.get("environment") != spec.name:
        return [f"{file}: it approves environment {value.get('environment')!r}, not {spec.name!r}. {_again(spec, file)}"]
    by, rows, lift = value.get("approved_by"), value.get("stacks"), value.get("lift")
    if not isinstance(by, str) or not isinstance(rows, list) or not isinstance(lift, list) or not all(map(_is_row, rows)):
        return [f"{file}: approved_by, lift or stacks is not as gpuplane writes it. {_again(spec, file)}"]
    if not may_approve(spec, by):
        approval = spec.environment.spec.applying.approval
        place = spec.places[("Environment", spec.name)]
        where = f"{place.file}:{place.line('spec.applying.approval')} spec.applying.approval.approvers"
        return [f"{file}: {by} may not approve; {where} allows {', '.join(approval.approvers) if approval else 'nobody'}."]
    return []


def _is_row(row: Any) -> bool:
    return (isinstance(row, dict) and isinstance(row.get("stack"), str) and isinstance(row.get("digest"), str)
            and row["digest"].startswith("sha256:") and len(row["digest"]) == _DIGEST_LENGTH)


def _again(spec: EnvironmentSpec, file: Path) -> str:
    return f"Write one with `gpuplane approve {spec.name} --out {file}`."
