"""What keeps pods of one GPU apart, by the way it is shared: what a reader has to know before tenants meet on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Isolation:
    """How far one pod is kept from the others on its GPU.

    Attributes:
        memory: whether it can read or exhaust their GPU memory.
        faults: whether its faults end them.
        compute: whether it can slow them down.
    """

    memory: str
    faults: str
    compute: str


ISOLATION: Mapping[str, Isolation] = MappingProxyType({
    "dedicated": Isolation("own", "own", "own"),
    "mig": Isolation("hardware", "hardware", "hardware"),
    "time-slicing": Isolation("shared", "shared", "by turns"),
    "mps": Isolation("limit", "shared", "limit"),
})
"""By strategy. MIG: NVIDIA MIG user guide (memory paths, caches and compute slices are partitioned, errors are confined).
Time-slicing: NVIDIA GPU Operator documentation ("no memory or fault-isolation between replicas"). MPS: NVIDIA MPS documentation (own
address spaces and limits on memory and threads from Volta on; a fatal fault of one client ends the others)."""

SHARED_WITHOUT_ISOLATION = ("time-slicing", "mps")
"""Strategies under which pods of one GPU share its faults: never between tenants, never with personal data (TI-12)."""
