"""A result of looking for drift, as a file: ``{"schema_version": 1, "environment": …, "checked_at": …, "drifted": […]}``."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.planning.promotion.state_gates import DriftResult
from gpuplane.spec.model import DnsLabel, SpecModel

MAX_BYTES = 16 << 20


class DriftFile(SpecModel):
    """What a look for drift in one environment found."""

    schema_version: Literal[1]
    environment: DnsLabel
    checked_at: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})$")]
    """When, e.g. ``2026-11-21T06:00:00Z``."""
    drifted: Annotated[tuple[Annotated[str, Field(max_length=1000)], ...], Field(max_length=100_000)]
    """Objects that are not as they were applied, one text each; empty: none."""


def drift_result(path: Path) -> DriftResult:
    """Read a file.

    Raises:
        CannotStart: it is too large or not of that form.
    """
    try:
        content = path.read_bytes()
        if len(content) > MAX_BYTES:
            raise CannotStart(f"{path}: {len(content)} bytes is more than the {MAX_BYTES} that are read.")
        found = DriftFile.model_validate_json(content)
        at = datetime.fromisoformat(found.checked_at)
    except (OSError, ValidationError, ValueError) as error:
        raise CannotStart(f"{path}: not a result of looking for drift (docs/schema/drift-result.json): {str(error)[:300]}") from None
    return DriftResult(found.environment, int(at.timestamp()), found.drifted, f"sha256:{hashlib.sha256(content).hexdigest()}")
