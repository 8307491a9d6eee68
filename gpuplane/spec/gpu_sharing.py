"""How the GPUs of a pool are shared: cut by MIG, by taking turns, or by MPS."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gpuplane.spec.model import MigProfile, OneOf, SpecModel


class MigSharing(SpecModel):
    """GPUs cut into MIG devices: hardware isolation of memory and faults, fixed sizes."""

    layout: Annotated[dict[MigProfile, Annotated[int, Field(ge=1, le=7)]], Field(min_length=1)]
    """Devices on each GPU by profile, e.g. ``{1g.10gb: 7}``."""


class TimeSlicing(SpecModel):
    """GPUs shared by taking turns: no isolation of memory or faults, so never between tenants."""

    replicas: Annotated[int, Field(ge=2, le=48)]
    """How many pods share a GPU."""


class Mps(SpecModel):
    """GPUs shared by NVIDIA MPS: a limit on memory and compute for each pod, but no isolation of faults, so never between tenants."""

    replicas: Annotated[int, Field(ge=2, le=48)]
    """How many pods share a GPU; each may use that part of its memory and compute. MPS serves at most 48 clients."""


class Sharing(OneOf):
    """How the pool's GPUs are shared; without it each pod gets whole GPUs."""

    ONE_OF = ("mig", "time_slicing", "mps")

    mig: MigSharing | None = None
    time_slicing: TimeSlicing | None = None
    mps: Mps | None = None

    @property
    def pods_per_gpu(self) -> int:
        """Pods that share one GPU without cutting it; 1 with MIG."""
        shared = self.time_slicing or self.mps
        return shared.replicas if shared is not None else 1
