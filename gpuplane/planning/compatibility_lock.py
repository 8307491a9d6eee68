"""What stands on one cluster goes together: charts and their values, versions, device stacks, quota systems."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.planning.chart_rules import chart_notes, chart_refusals
from gpuplane.planning.device_stacks import device_stack_refusals
from gpuplane.planning.quota_systems import quota_system_refusals
from gpuplane.planning.refusal import Refusal
from gpuplane.planning.version_lock import version_notes, version_refusals
from gpuplane.spec.environment_spec import EnvironmentSpec


def lock_refusals(spec: EnvironmentSpec) -> Iterator[Refusal]:
    """CL-01 to CL-06."""
    yield from chart_refusals(spec)
    yield from version_refusals(spec)
    yield from device_stack_refusals(spec)
    yield from quota_system_refusals(spec)


def lock_notes(spec: EnvironmentSpec) -> Iterator[str]:
    """What the compatibility table does not know."""
    yield from chart_notes(spec)
    yield from version_notes(spec)
