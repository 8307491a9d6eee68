"""What services ask for, by tenant and quota key: gathered once, so that the whole plan is linear in the documents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry


@dataclass(frozen=True)
class Demand:
    """One service's demand (devices unless said otherwise).

    Attributes:
        entry: the service as written.
        quota_key: the quota it counts against.
        per_replica: devices of one replica, over all its pods.
        minimum, peak, peak_with_surge: at min_replicas, at max_replicas, and with max_surge on top.
    """

    entry: ServiceEntry
    quota_key: str
    per_replica: int
    minimum: int
    peak: int
    peak_with_surge: int

    @cached_property
    def pool(self) -> str:
        """Name of the pool it runs on."""
        return self.entry.document.spec.placement.pool

    @cached_property
    def may_borrow(self) -> bool:
        """Whether replicas may run on borrowed devices."""
        return self.entry.document.spec.placement.may_borrow

    @cached_property
    def pods(self) -> int:
        """Pods of one replica; they are admitted together or not at all."""
        return self.entry.document.spec.pods_per_replica

    @cached_property
    def per_pod(self) -> int:
        """Devices of one pod."""
        return self.per_replica // self.pods

    @cached_property
    def name(self) -> str:
        """Name of the service in its tenant."""
        return self.entry.document.name

    @cached_property
    def replicas(self) -> int:
        """Replicas at peak with surge."""
        spec = self.entry.document.spec
        return spec.scaling.max_replicas + spec.rollout.max_surge


Demands = Mapping[str, tuple[Demand, ...]]
"""Demands by tenant, each tenant's by service name; a tenant without services has none."""


def demands(spec: EnvironmentSpec) -> Demands:
    """Every service's demand."""
    found: dict[str, list[Demand]] = defaultdict(list)
    for name in sorted(spec.services):
        found[spec.services[name].tenant].append(_demand(spec.services[name]))
    return {tenant: tuple(found[tenant]) for tenant in sorted(found)}


def committed_devices(all_demands: Demands) -> Mapping[str, int]:
    """Devices that minimum replicas keep busy, by quota key, over all tenants."""
    busy: dict[str, int] = defaultdict(int)
    for of_tenant in all_demands.values():
        for demand in of_tenant:
            busy[demand.quota_key] += demand.minimum
    return busy


def by_key(of_tenant: tuple[Demand, ...]) -> Mapping[str, tuple[Demand, ...]]:
    """One tenant's demands by quota key, sorted."""
    return _grouped((demand.quota_key, demand) for demand in of_tenant)


def by_pool(of_tenant: tuple[Demand, ...]) -> Mapping[str, tuple[Demand, ...]]:
    """One tenant's demands by pool, sorted."""
    return _grouped((demand.pool, demand) for demand in of_tenant)


def of_pools(asked: Demands) -> Mapping[str, list[Demand]]:
    """All tenants' demands by pool, in the order of the tenants; a pool that nobody asks for has none."""
    found: dict[str, list[Demand]] = defaultdict(list)
    for of_tenant in asked.values():
        for demand in of_tenant:
            found[demand.pool].append(demand)
    return found


def _grouped(of_tenant: Iterable[tuple[str, Demand]]) -> Mapping[str, tuple[Demand, ...]]:
    found: dict[str, list[Demand]] = defaultdict(list)
    for name, demand in of_tenant:
        found[name].append(demand)
    return {name: tuple(found[name]) for name in sorted(found)}


def _demand(entry: ServiceEntry) -> Demand:
    spec = entry.document.spec
    devices, scaling = spec.devices_per_replica, spec.scaling
    return Demand(
        entry=entry, quota_key=spec.placement.quota_key, per_replica=devices, minimum=scaling.min_replicas * devices,
        peak=scaling.max_replicas * devices, peak_with_surge=(scaling.max_replicas + spec.rollout.max_surge) * devices)
