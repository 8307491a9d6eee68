"""A result of looking for drift, as a file: ``{"schema_version": 1, "environment": …, "checked_at": …, "drifted": […]}``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError

from gpuplane.delivery.audit import audit_log
from gpuplane.delivery.audit.event import Record, record_from
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.file_digests import digest
from gpuplane.delivery.promotion.records import is_kept
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


def drift_result(path: Path) -> DriftResult:
    """Read a file: the form above, or what ``gpuplane drift ENV --format json`` prints, which says a day and counts from its beginning.

    Raises:
        CannotStart: it is too large or not of one of these forms.
    """
    try:
        content = path.read_bytes()
        if len(content) > MAX_BYTES:
            raise CannotStart(f"{path}: {len(content)} bytes is more than the {MAX_BYTES} that are read.")
        source = digest(content)
        if b'"stacks"' in content:
            own = _OwnFile.model_validate_json(content)
            drifted = (*(f"{stack.stack}: {each.object}" for stack in own.stacks for each in stack.drift),
                       *(f"{stack.stack} is not applied yet" for stack in own.stacks if not stack.applied))
            return DriftResult(own.environment, int(datetime.fromisoformat(f"{own.as_of}T00:00:00+00:00").timestamp()), drifted, source)
        found = DriftFile.model_validate_json(content)
        at = datetime.fromisoformat(found.checked_at)
    except (OSError, ValidationError, ValueError) as error:
        raise CannotStart(f"{path}: not a result of looking for drift (docs/schema/drift-result.json): {str(error)[:300]}") from None
    return DriftResult(found.environment, int(at.timestamp()), found.drifted, source)


def audited_drift(spec: EnvironmentSpec) -> Iterator[DriftResult]:
    """What the audit says of drift in an environment: that it was found, repaired, or that there was none. Nothing where no audit is kept.

    Raises:
        CannotStart: the audit cannot be read.
    """
    if not is_kept(spec, os.environ):
        return
    for _, line in audit_log(spec).lines(spec.name):
        try:
            record = record_from(line)
        except ValueError:
            continue  # gpuplane audit --verify says so
        if record.kind != "drift" or (record.result != "found" and record.detail.get("whole") is not True):
            continue  # that some tenants are as they were applied says nothing of the others
        yield DriftResult(spec.name, int(datetime.fromisoformat(record.at).timestamp()), tuple(_drifted(record)), record.hash)


def _drifted(record: Record) -> Iterator[str]:
    missing, objects = record.detail.get("not_applied"), record.detail.get("objects")
    if record.result == "found":
        named = [str(each.get("object", each)) for each in objects if isinstance(each, dict)] if isinstance(objects, list) else []
        yield from named or ("an object that the audit does not name",)
    elif isinstance(missing, list):
        yield from (f"{name} is not applied yet" for name in missing)
