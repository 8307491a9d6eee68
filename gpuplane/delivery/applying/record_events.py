"""The one place where applies, approvals, broken glass, drift and adoptions go on the environment's record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING

from gpuplane.delivery.applying.digest import StackDigest
from gpuplane.delivery.applying.outcome import Outcome
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey

if TYPE_CHECKING:
    from gpuplane.delivery.applying.up import UpOptions


def record_apply(spec: EnvironmentSpec, options: UpOptions, outcomes: Iterable[Outcome], digests: Mapping[StackKey, StackDigest],
                 as_of: date) -> None:
    """A run of ``up``."""
