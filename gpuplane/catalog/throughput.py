"""What one replica of a model serves on one GPU: operating points that somebody measured, published or that were modelled.

A point says: at this many requests a second the latencies were these. The most that a replica serves within its targets is the
largest rate among the points that hold them; nothing is read in between points or beyond them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from gpuplane.catalog.data_files import read_yaml, sources
from gpuplane.spec.objectives import STATISTICS, TARGETS
from gpuplane.spec.throughput_profile import MeasuredPoint, ThroughputProfileDocument

Provenance = Literal["measured", "published", "modelled"]
PROVENANCES: tuple[Provenance, ...] = ("measured", "published", "modelled")
"""Most trusted first."""
Target = tuple[str, str]
"""A latency and its statistic, e.g. ``("ttft_ms", "p99")``."""


@dataclass(frozen=True)
class OperatingPoint:
    """One load and how fast it was served.

    Attributes:
        requests_per_second, output_tokens_per_second: of one replica.
        latencies_ms: by target; what is not there is unknown.
    """

    requests_per_second: Decimal
    output_tokens_per_second: Decimal | None
    latencies_ms: Mapping[Target, Decimal]

    def holds(self, target: Target, bound_ms: Decimal) -> bool | None:
        """Whether a target holds at this point; a higher percentile answers for a lower one. None: not known."""
        latency, statistic = target
        known = [statistic] if statistic == "mean" else STATISTICS[STATISTICS.index(statistic):]
        found = next((self.latencies_ms[(latency, name)] for name in known if (latency, name) in self.latencies_ms), None)
        return None if found is None else found <= bound_ms


@dataclass(frozen=True)
class ThroughputProfile:
    """Operating points of one model on one kind of GPU, for requests of one size.

    Attributes:
        name: of the document or catalogue row.
        model: as services name it, without scheme revision, e.g. ``hf://Qwen/Qwen2.5-7B-Instruct``.
        gpu, mig: names of the GPU catalogue; mig is None for whole GPUs.
        devices_per_replica: GPUs or MIG devices of one replica.
        engine, engine_version: what served it.
        input_tokens, output_tokens: size of the requests; None where requests have no tokens.
        points: by rising rate.
        source, as_of: who says so, and of which day.
    """

    name: str
    model: str
    gpu: str
    mig: str | None
    devices_per_replica: int
    engine: str
    engine_version: str
    input_tokens: int | None
    output_tokens: int | None
    points: tuple[OperatingPoint, ...]
    provenance: Provenance
    source: str
    as_of: date

    def covers(self, input_tokens: int | None, output_tokens: int | None) -> bool:
        """Whether it answers for requests of this size: they are no longer than those that were tried."""
        if input_tokens is None or output_tokens is None:
            return self.input_tokens is None
        return (self.input_tokens is not None and self.output_tokens is not None
                and input_tokens <= self.input_tokens and output_tokens <= self.output_tokens)

    def best_point(self, targets: Mapping[Target, Decimal]) -> OperatingPoint | None:
        """The point of the largest rate at which every target is known to hold; None where there is none."""
        holding = [point for point in self.points if all(point.holds(target, bound) for target, bound in targets.items())]
        return max(holding, key=lambda point: point.requests_per_second, default=None)

    def unknown_targets(self, targets: Mapping[Target, Decimal]) -> tuple[Target, ...]:
        """Targets that no point says anything about, sorted."""
        return tuple(sorted(target for target, bound in targets.items()
                            if all(point.holds(target, bound) is None for point in self.points)))


@cache
def load_throughput() -> tuple[ThroughputProfile, ...]:
    """Every published profile that ships with gpuplane, by name and size."""
    return tuple(profile for name, row in sorted(read_yaml("throughput.yaml").items()) for profile in _rows(name, row))


def declared_profiles(documents: Mapping[str, ThroughputProfileDocument]) -> tuple[ThroughputProfile, ...]:
    """The profiles that a user's documents hold, by name and size."""
    found = []
    for name, document in sorted(documents.items()):
        spec = document.spec
        found += [ThroughputProfile(
            name, spec.model, spec.gpu, spec.profile, spec.devices_per_replica, spec.engine, spec.engine_version, size.input_tokens,
            size.output_tokens, _sorted(_measured(point) for point in size.points), spec.provenance, spec.source,
            date.fromisoformat(spec.as_of)) for size in spec.request_sizes]
    return tuple(found)


def _measured(point: MeasuredPoint) -> OperatingPoint:
    latencies = {(name, statistic): value for name in TARGETS if (said := getattr(point, name)) is not None
                 for statistic, value in said.given.items()}
    return OperatingPoint(point.requests_per_second, point.output_tokens_per_second, MappingProxyType(latencies))


def _rows(name: str, row: dict[str, Any]) -> list[ThroughputProfile]:
    """One entry of ``throughput.yaml``: a table whose columns name the latency and the statistic, ``latency_ms.p99``."""
    source = sources()[row["source"]]
    found = []
    for size in row["request_sizes"]:
        points = [dict(zip(row["columns"], values, strict=True)) for values in size["points"]]
        found.append(ThroughputProfile(
            name, row["model"], row["gpu"], row.get("mig"), row.get("devices_per_replica", 1), row["engine"], row["engine_version"],
            size.get("input_tokens"), size.get("output_tokens"), _sorted(_published(point) for point in points), "published",
            source.text, source.as_of))
    return found


def _published(point: dict[str, Any]) -> OperatingPoint:
    numbers = {key: Decimal(str(value)) for key, value in point.items() if value is not None}
    latencies = {(latency, statistic): value for key, value in numbers.items() for latency, dot, statistic in [key.partition(".")] if dot}
    return OperatingPoint(numbers["requests_per_second"], numbers.get("output_tokens_per_second"), MappingProxyType(latencies))


def _sorted(points: Iterable[OperatingPoint]) -> tuple[OperatingPoint, ...]:
    return tuple(sorted(points, key=lambda point: (point.requests_per_second, sorted(point.latencies_ms.items()))))
