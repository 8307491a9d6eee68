"""What somebody saw of an environment, from a file or its audit: a look for drift, and how applies ended.

A look for drift as a file: ``{"schema_version": 1, "environment": …, "checked_at": …, "drifted": […]}``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from gpuplane.delivery.audit import audit_log
from gpuplane.delivery.audit.event import Record, canonical, record_from
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.file_digests import digest
from gpuplane.delivery.promotion.records import is_kept
from gpuplane.planning.promotion.applied_gate import Applied, Look
from gpuplane.planning.promotion.state_gates import DriftResult
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.model import DnsLabel, IsoDate, SpecModel

MAX_BYTES = 16 << 20


class DriftFile(SpecModel):
    """What a look for drift in one environment found."""

    schema_version: Literal[1]
    environment: DnsLabel
    checked_at: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})$")]
    """When, e.g. ``2026-11-21T06:00:00Z``."""
    drifted: Annotated[tuple[Annotated[str, Field(max_length=1000)], ...], Field(max_length=100_000)]
    """Objects that are not as they were applied, one text each; empty: none."""


class _Object(BaseModel):
    object: Annotated[str, Field(max_length=1000)]


class _Stack(BaseModel):
    stack: Annotated[str, Field(max_length=300)]
    applied: bool = True
    drift: Annotated[tuple[_Object, ...], Field(max_length=100_000)]


class _OwnFile(BaseModel):
    """What ``gpuplane drift ENV --format json`` prints, as far as it is needed here."""

    environment: DnsLabel
    as_of: IsoDate
    whole: Literal[True]
    """A look at some tenants or one layer says nothing of the others."""
    stacks: Annotated[tuple[_Stack, ...], Field(min_length=1, max_length=20_000)]


class _AuditFile(BaseModel):
    """What ``gpuplane audit ENV --format json`` prints, as far as it is needed here."""

    environment: DnsLabel
    records: Annotated[tuple[dict[str, Any], ...], Field(max_length=100_000)]


def looks(path: Path) -> Iterator[Look]:
    """Read a file: one look for drift in the form above or in that of ``gpuplane drift ENV --format json``, which says a day and counts
    from its beginning; or all looks for drift and all applies of what ``gpuplane audit ENV --format json`` prints.

    Raises:
        CannotStart: it is too large or not of one of these forms.
    """
    try:
        content = path.read_bytes()
        if len(content) > MAX_BYTES:
            raise CannotStart(f"{path}: {len(content)} bytes is more than the {MAX_BYTES} that are read.")
        source = digest(content)
        if b'"records"' in content:
            yield from _audited(_AuditFile.model_validate_json(content), source)
            return
        if b'"stacks"' in content:
            own = _OwnFile.model_validate_json(content)
            drifted = (*(f"{stack.stack}: {each.object}" for stack in own.stacks for each in stack.drift),
                       *(f"{stack.stack} is not applied yet" for stack in own.stacks if not stack.applied))
            yield DriftResult(own.environment, int(datetime.fromisoformat(f"{own.as_of}T00:00:00+00:00").timestamp()), drifted, source)
            return
        found = DriftFile.model_validate_json(content)
        at = datetime.fromisoformat(found.checked_at)
    except (OSError, ValidationError, ValueError) as error:
        raise CannotStart(f"{path}: not a result of looking for drift (docs/schema/drift-result.json), and not what "
                          f"gpuplane audit ENV --format json prints: {str(error)[:300]}") from None
    yield DriftResult(found.environment, int(at.timestamp()), found.drifted, source)


def audited(spec: EnvironmentSpec) -> Iterator[Look]:
    """What the audit says of an environment: drift that was found, repaired, or that there was none; what was applied, and how that ended.
    Nothing where no audit is kept.

    Raises:
        CannotStart: the audit cannot be read.
    """
    if not is_kept(spec, os.environ):
        return
    log = audit_log(spec)
    for _, line in log.lines(spec.name):
        try:
            record = record_from(line)
        except ValueError:
            continue  # gpuplane audit --verify says so
        yield from _look(record, spec.name, log.place)


def _audited(file: _AuditFile, source: str) -> Iterator[Look]:
    for each in file.records:
        record = record_from((canonical(each) + "\n").encode())
        if record.environment != file.environment or record.computed_hash() != record.hash:
            raise ValueError(f"record {record.sequence} is not as it was written")
        yield from _look(record, file.environment, source)


def _look(record: Record, environment: str, audit: str) -> Iterator[Look]:
    """That some tenants are as they were applied says nothing of the others."""
    if record.kind in ("apply", "destroy") and record.result in ("done", "failed"):
        yield from _applied(record, environment, audit)
    elif record.kind == "drift" and (record.result == "found" or record.detail.get("whole") is True):
        yield DriftResult(environment, int(datetime.fromisoformat(record.at).timestamp()), tuple(_drifted(record)), record.hash,
                          record.sequence, audit)


def _drifted(record: Record) -> Iterator[str]:
    missing, objects = record.detail.get("not_applied"), record.detail.get("objects")
    if record.result == "found":
        named = [str(each.get("object", each)) for each in objects if isinstance(each, dict)] if isinstance(objects, list) else []
        yield from named or ("an object that the audit does not name",)
    elif isinstance(missing, list):
        yield from (f"{name} is not applied yet" for name in missing)


def _applied(record: Record, environment: str, audit: str) -> Iterator[Applied]:
    """By service; a record that does not say which (it was too long, or is older than that) is one of any."""
    at, stacks = int(datetime.fromisoformat(record.at).timestamp()), record.detail.get("stacks")
    for each in stacks.values() if isinstance(stacks, dict) else (None,):
        services = each.get("services") if isinstance(each, dict) else None
        if isinstance(each, dict) and isinstance(services, dict):
            yield from (Applied(environment, str(name), at, record.sequence, str(each.get("result")), str(digest), record.hash,
                                audit)
                        for name, digest in services.items())
        else:
            yield Applied(environment, "", at, record.sequence, record.result, "", record.hash, audit)
