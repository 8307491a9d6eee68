"""What can be had: the environment's pools as they are cut, and, if asked, every instance type with a price in its region."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.gpus import Gpu
from gpuplane.planning.environment_plan import PoolPlan, device_share
from gpuplane.planning.fleet.layouts import gpu_layouts, node_layouts, whole_gpu_slot
from gpuplane.planning.fleet.problem import NodeOffer
from gpuplane.planning.fleet.rates import Hardware
from gpuplane.planning.pool_isolation import SHARED_WITHOUT_ISOLATION
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.vocabulary import mig_resource

Among = Literal["pools", "catalogue"]
"""Where a fleet may be bought: only in the declared pools, or among all instance types of the region as well."""


_UNKNOWN_REST = Fraction(9, 10)
"""What models may have of a host whose reservations are in no table."""


@dataclass(frozen=True)
class NodeKind:
    """One kind of node.

    Attributes:
        name: unique: ``pool l4``, ``g6.2xlarge``, ``p4d.24xlarge cut by MIG``.
        gpu, gpus: what it has.
        cpu, memory_gib: what is left of the host for models, after the system and DaemonSets.
        usd_per_hour: for the node.
        mig: layouts that each GPU may be cut by; None where GPUs are given whole.
        shares: part of the node that one device of each MIG profile is charged.
        max_nodes: None: as many as one likes.
        source: where price and hardware come from.
    """

    name: str
    gpu: str
    gpus: int
    cpu: Fraction
    memory_gib: Fraction
    usd_per_hour: Decimal
    mig: tuple[Mapping[str, int], ...] | None = field(hash=False)
    max_nodes: int | None
    source: str
    shares: Mapping[str, Fraction] = field(default_factory=dict, hash=False)

    @property
    def profiles(self) -> tuple[str, ...]:
        """MIG profiles that it can offer, sorted."""
        return tuple(sorted({profile for layout in self.mig or () for profile in layout}))

    def slot(self, hardware: Hardware) -> str:
        """The slot that a replica on this hardware takes."""
        return hardware.mig or whole_gpu_slot(hardware.devices)

    def share(self, hardware: Hardware) -> Fraction:
        """Part of a node that a replica takes: whole GPUs in equal parts, MIG devices by ``shares``."""
        return Fraction(hardware.devices, self.gpus) if hardware.mig is None else self.shares[hardware.mig] * hardware.devices

    def fits(self, hardware: Hardware, cpu: int, memory_gib: int) -> bool:
        """Whether a replica has GPUs and, in its share of what the host has left, CPU and memory here (QF-09 asks the same)."""
        if hardware.devices > self.gpus or (hardware.mig is not None and hardware.mig not in self.profiles):
            return False
        share = self.share(hardware)
        return bool(cpu <= share * self.cpu and memory_gib <= share * self.memory_gib)

    def offer(self, sizes: Iterable[int]) -> NodeOffer:
        """The kind as something to buy, shared by replicas of these sizes (GPUs) where its GPUs are whole."""
        if self.mig is not None:
            return NodeOffer(self.name, self.usd_per_hour, self.mig, self.gpus, self.max_nodes, declared=self.max_nodes is not None)
        fitting = tuple(sorted({size for size in sizes if size <= self.gpus}))
        return NodeOffer(self.name, self.usd_per_hour, node_layouts(self.gpus, fitting), 1, self.max_nodes,
                         declared=self.max_nodes is not None)


def node_kinds(spec: EnvironmentSpec, pools: Mapping[str, PoolPlan], catalog: Catalog, among: Among) -> tuple[NodeKind, ...]:
    """Every kind of node that has a price and known hardware, by name."""
    found = [kind for pool in pools.values() for kind in _of_pool(spec, pool)]
    region = spec.environment.spec.region
    if among == "catalogue" and spec.environment.spec.aws is not None and region is not None:
        found += [kind for name in sorted(catalog.instances) for kind in _of_instance(name, region, catalog)]
    return tuple(sorted(found, key=lambda kind: kind.name))


def undominated(kinds: Mapping[NodeKind, frozenset[Hashable]]) -> tuple[NodeKind, ...]:
    """Kinds worth a look, by name: of the same GPUs and unlimited, none that is no cheaper and can run no more than another.

    Args:
        kinds: what can run on each.
    """
    kept: list[NodeKind] = []
    for kind in sorted(kinds, key=lambda kind: (kind.usd_per_hour, -len(kinds[kind]), kind.name)):
        same = [other for other in kept if other.max_nodes is None
                and (other.gpu, other.gpus, other.mig) == (kind.gpu, kind.gpus, kind.mig)]
        if kinds[kind] and (kind.max_nodes is not None or not any(kinds[other] >= kinds[kind] for other in same)):
            kept.append(kind)
    return tuple(sorted(kept, key=lambda kind: kind.name))


def _of_pool(spec: EnvironmentSpec, pool: PoolPlan) -> Iterator[NodeKind]:
    sharing = spec.pools[pool.name].spec.sharing
    if not pool.gpus_per_node or pool.usd_per_node_hour is None or pool.strategy in SHARED_WITHOUT_ISOLATION:
        return
    mig = (dict(sorted(sharing.mig.layout.items())),) if sharing is not None and sharing.mig is not None else None
    shares = {profile: device_share(pool, mig_resource(profile)) for profile in (mig[0] if mig is not None else ())}
    as_of = f", as of {pool.price_as_of}" if pool.price_as_of is not None else ""
    yield NodeKind(f"pool {pool.name}", pool.gpu, pool.gpus_per_node, Fraction(pool.allocatable.cpu_millicores, 1000),
                   Fraction(pool.allocatable.memory_mib, 1024),
                   pool.usd_per_node_hour, mig, pool.max_nodes, f"{pool.price_source}{as_of}: {pool.price_basis}", shares)


def _of_instance(name: str, region: str, catalog: Catalog) -> Iterator[NodeKind]:
    facts, price = catalog.instance(name), catalog.hourly_price(name, region, "on_demand")
    if facts is None or price is None or facts.gpu is None:
        return
    cpu = Fraction(facts.allocatable_vcpus) if facts.allocatable_vcpus is not None else _UNKNOWN_REST * facts.vcpus
    memory = Fraction(facts.allocatable_memory_mib, 1024) if facts.allocatable_memory_mib is not None else _UNKNOWN_REST * facts.memory_gib
    row = (facts.gpu, facts.gpus, cpu, memory, price.usd_per_hour)
    source = f"{price.source}, as of {price.as_of}: {price.basis}"
    yield NodeKind(name, *row, None, None, source)
    gpu: Gpu | None = catalog.gpu(facts.gpu)
    if gpu is not None and gpu.mig_profiles:
        layouts = gpu_layouts(gpu, (profile for profile in gpu.mig_profiles if "+" not in profile))
        yield NodeKind(f"{name} cut by MIG", *row, layouts, None, source, _shares(gpu, facts.gpus))


def _shares(gpu: Gpu, gpus: int) -> dict[str, Fraction]:
    """What a MIG device takes of a node that anything may be cut from: of its GPU the larger of its compute and memory slices."""
    return {name: max(Fraction(profile.compute_slices, gpu.compute_slices), Fraction(profile.memory_slices, gpu.memory_slices)) / gpus
            for name, profile in gpu.mig_profiles.items()}
