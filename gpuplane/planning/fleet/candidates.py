"""The ways in which a service could be run on the nodes that can be had, with what a replica serves on each and who says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from gpuplane.catalog.throughput import PROVENANCES
from gpuplane.planning.fleet.market import NodeKind
from gpuplane.planning.fleet.problem import Load, Way
from gpuplane.planning.fleet.rates import Hardware, Rate, Served, Throughputs
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry

SIZES = (1, 2, 4, 8)
"""GPUs of a replica that are modelled on a GPU that nobody tried the model on; elsewhere what was tried, and what the service has."""


@dataclass(frozen=True)
class Candidate:
    """One way to run a replica of a service, before it is a part of a problem."""

    entry: ServiceEntry
    kind: NodeKind
    hardware: Hardware
    rates: tuple[Rate, ...]

    @property
    def way(self) -> Way:
        """The way as the problem knows it."""
        rates = tuple(Fraction(rate.requests_per_second) if rate.requests_per_second is not None else None for rate in self.rates)
        return Way(self.entry.name, self.kind.name, self.kind.slot(self.hardware), rates, self.evidence)

    @property
    def evidence(self) -> str:
        """The profiles that the rates are read from."""
        return "; ".join(sorted({rate.evidence for rate in self.rates if rate.requests_per_second is not None}))

    @property
    def provenance(self) -> str:
        """Of the least trusted of them."""
        return max((rate.provenance for rate in self.rates if rate.provenance is not None), key=PROVENANCES.index, default="")

    @property
    def usd_per_hour(self) -> Fraction:
        """US dollars an hour of a replica's share of its node."""
        return Fraction(self.kind.usd_per_hour) * self.kind.share(self.hardware)


def candidates_of(entry: ServiceEntry, kinds: Iterable[NodeKind], throughputs: Throughputs) -> tuple[Candidate, ...]:
    """Every way that serves at least one size within the targets; where it is declared also one that the host is tight for."""
    spec = entry.document.spec
    assert spec.objectives is not None
    served = Served.of(spec, spec.objectives)
    rates: dict[Hardware, tuple[Rate, ...]] = {}
    found = []
    for kind in kinds:
        for hardware in _hardware(entry, kind, served, throughputs):
            if hardware not in rates:
                rates[hardware] = tuple(throughputs.rate(served, size, hardware) for size in served.sizes)
            fits = kind.fits(hardware, spec.resources.cpu, spec.resources.memory_gib) or is_declared(entry, kind, hardware)
            if fits and any(rate.requests_per_second is not None for rate in rates[hardware]):
                found.append(Candidate(entry, kind, hardware, rates[hardware]))
    return tuple(found)


def _hardware(entry: ServiceEntry, kind: NodeKind, served: Served, throughputs: Throughputs) -> list[Hardware]:
    own = entry.document.spec.devices_per_replica
    if kind.mig is not None:
        return [Hardware(kind.gpu, profile, 1) for profile in kind.profiles]
    tried = throughputs.devices(served, kind.gpu, None)
    sizes = {own, *(tried or (SIZES if served.engine == "vllm" else ()))}
    return [Hardware(kind.gpu, None, size) for size in sorted(sizes) if size <= kind.gpus]


def is_declared(entry: ServiceEntry, kind: NodeKind, hardware: Hardware) -> bool:
    """Whether this is where the service is placed, as it is placed."""
    spec = entry.document.spec
    return (kind.name == f"pool {spec.placement.pool}"
            and (hardware.mig, hardware.devices) == (spec.placement.profile, spec.devices_per_replica))


def declared_only(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Those that are where their service is placed."""
    return tuple(one for one in candidates if is_declared(one.entry, one.kind, one.hardware))


@dataclass(frozen=True)
class Fixed:
    """A service without objectives: its minimum replicas stay where they are."""

    load: Load
    way: Way
    kind: NodeKind
    devices: int


def fixed_services(spec: EnvironmentSpec, kinds: Iterable[NodeKind]) -> Iterator[Fixed]:
    """Services without objectives, at their minimum where they are placed."""
    by_name = {kind.name: kind for kind in kinds}
    for entry in spec.services.values():
        service, kind = entry.document.spec, by_name.get(f"pool {entry.document.spec.placement.pool}")
        if service.objectives is None and kind is not None:
            hardware = Hardware(kind.gpu, service.placement.profile, service.devices_per_replica)
            if hardware.devices <= kind.gpus:
                yield Fixed(Load(entry.name, (), service.scaling.min_replicas), Way(entry.name, kind.name, kind.slot(hardware), ()),
                            kind, hardware.devices)
