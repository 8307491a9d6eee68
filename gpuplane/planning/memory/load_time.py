"""How long a replica takes from the start of its download to its first answer, and what that figure rests on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil, floor

from gpuplane.planning.memory.host import WARM_UP_SECONDS, HostNeeds
from gpuplane.planning.memory.interval import Interval

_LOADING = re.compile(r"[Mm]odel loading took ([0-9]+\.?[0-9]*) ?Gi?B and ([0-9]+\.?[0-9]*) ?s")
"""vLLM's line on its weights (``Model loading took %.4f GiB and %.6f seconds``)."""
_GIB, _GIGABYTE = 1 << 30, 1e9


@dataclass(frozen=True)
class LoadTime:
    """Weights ÷ bandwidth, and the warm-up after it.

    Attributes:
        weights_gib: all weights of a replica.
        gb_per_second: bandwidth that ``expected`` reckons with, in 10^9 bytes a second.
        measured: the bandwidth is of the service's ``measured_startup``; otherwise it is assumed.
        low, expected, high: whole seconds.
    """

    weights_gib: float
    gb_per_second: float
    measured: bool
    low: int
    expected: int
    high: int


def load_time(host: HostNeeds, log: str = "") -> LoadTime:
    """How long a replica loads.

    Args:
        host: what it needs of its host.
        log: of a start-up of the service that was really seen; empty for none.
    """
    rate = measured_rate(log)
    if rate is None:
        reading = max(1.0, host.load_seconds.expected - WARM_UP_SECONDS.expected)
        return _of(host.weights_gib, host.weights_gib * _GIB / _GIGABYTE / reading, host.load_seconds, measured=False)
    return _of(host.weights_gib, rate, Interval.exactly(host.weights_gib * _GIB / _GIGABYTE / rate) + WARM_UP_SECONDS, measured=True)


def measured_rate(log: str) -> float | None:
    """Bandwidth that a start-up log shows, in 10^9 bytes a second: of several ranks the slowest; None where it does not say.

    It outlives the release it was measured with: where weights come from changes less often than what they are.
    """
    rates = [float(gib) * _GIB / _GIGABYTE / float(seconds) for gib, seconds in _LOADING.findall(log) if float(seconds) > 0]
    return min((rate for rate in rates if rate > 0), default=None)


def _of(weights_gib: float, rate: float, seconds: Interval, *, measured: bool) -> LoadTime:
    return LoadTime(round(weights_gib, 2), round(rate, 2), measured, floor(seconds.low), ceil(seconds.expected), ceil(seconds.high))
