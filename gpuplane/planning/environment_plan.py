"""What follows from an environment's wish: capacity, quotas, peaks and money, as one frozen, serialisable value.

Money is exact to the cent; None means unknown, which is never 0. ``committed`` is what runs at the minimum,
``worst_case`` what a month costs with everything at its maximum at on-demand prices; a month has 730 hours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from gpuplane.planning.capacity_window import CapacityWindow
from gpuplane.planning.fleet.service_throughput import ServiceThroughput
from gpuplane.planning.json_value import json_value
from gpuplane.planning.memory.load_time import LoadTime
from gpuplane.planning.memory.report import MemoryFit
from gpuplane.planning.money.ledger import EnvironmentMoney
from gpuplane.planning.money.unit_costs import UnitCosts
from gpuplane.planning.placement.allocatable import UNKNOWN, NodeAllocatable
from gpuplane.planning.placement.schedulability import PoolPlacement, Schedulability
from gpuplane.planning.pool_isolation import ISOLATION, Isolation
from gpuplane.planning.proof import Proof
from gpuplane.planning.refusal import Refusal
from gpuplane.spec.vocabulary import GPU, MIG_PREFIX, TPU, mig_resource


@dataclass(frozen=True)
class PoolPlan:
    """One pool: what its nodes bring and cost.

    Attributes:
        gpu: name in the GPU catalogue; of TPU nodes ``TPU-`` and the generation.
        strategy: ``dedicated``, ``mig``, ``time-slicing`` or ``mps``.
        gpus_per_node: physical GPUs or TPU chips; 0 where the instance type is unknown.
        devices_per_node, capacity: by device resource; capacity is with max_nodes.
        usd_per_node_hour: what budgets reckon with; worst_case_usd_per_node_hour: on demand.
        price_basis: how the price was got, and what is known to be wrong with it.
        committed_nodes: nodes that the minimum replicas and min_nodes keep running.
        node_labels: labels that select the pool's nodes.
        allocatable: what one node has left for models.
        isolation: what keeps pods of one GPU apart.
        usd_per_device_hour: a device's share of its node, by resource; None where the price is unknown.
        window: days of the capacity block that all nodes are in; None without one. Outside them max_nodes and capacity are 0.
        most_vcpus_per_node: of the largest instance type; vcpus_per_node is of the smallest.
        efa_interfaces: of one node; 0 where the pool asks for none.
        slice_hosts: nodes that work only together (hosts of a TPU slice); 1 where each works by itself.
    """

    name: str
    gpu: str
    strategy: str
    gpus_per_node: int
    devices_per_node: Mapping[str, int]
    min_nodes: int
    max_nodes: int
    capacity: Mapping[str, int]
    vcpus_per_node: int
    memory_gib_per_node: int
    node_labels: Mapping[str, str]
    usd_per_node_hour: Decimal | None
    worst_case_usd_per_node_hour: Decimal | None
    price_source: str
    price_as_of: date | None
    price_basis: str
    committed_nodes: int
    committed_usd_per_month: Decimal | None
    worst_case_usd_per_month: Decimal | None
    allocatable: NodeAllocatable = UNKNOWN
    isolation: Isolation = ISOLATION["dedicated"]
    usd_per_device_hour: Mapping[str, Decimal | None] = field(default_factory=dict)
    window: CapacityWindow | None = None
    most_vcpus_per_node: int = 0
    efa_interfaces: int = 0
    slice_hosts: int = 1

    @property
    def device(self) -> str:
        """Resource of a whole device: ``nvidia.com/gpu``, or ``google.com/tpu``."""
        return TPU if TPU in self.devices_per_node else GPU


@dataclass(frozen=True)
class QuotaPlan:
    """A tenant's quota of one device type, and what its services make of it (all in devices).

    Attributes:
        lending: lending_limit; None: all of it.
        ceiling: nominal + borrowing.
        guaranteed: what the tenant gets whatever the others do (:mod:`gpuplane.planning.cohorts.shares`).
        maximum: the most it can ever use; lendable: what others can lend it at most, whatever its own limit.
        committed, peak, peak_with_surge: at minimum replicas, at maximum, and while every service rolls out.
    """

    pool: str
    resource: str
    nominal: int
    borrowing: int
    lending: int | None
    ceiling: int
    guaranteed: int
    maximum: int
    lendable: int
    committed: int
    peak: int
    peak_with_surge: int


@dataclass(frozen=True)
class ColdStart:
    """Seconds from the request that wakes a service to its first answer.

    Attributes:
        low, expected, high: None where the time to load is not known.
        starts_node: a node may have to start first, which is in the figure by an assumption.
    """

    low: int | None
    expected: int | None
    high: int | None
    starts_node: bool


@dataclass(frozen=True)
class ServicePlan:
    """One service: replicas, devices and money; the worst case includes the surge of a rollout.

    ``cold_start`` is what the first caller waits, of a service that runs down to no replica.

    ``throughput`` is what its replicas serve within its objectives; None where it has none.
    ``unit_costs`` is what its requests and tokens cost; None where throughput or price is not known.
    ``max_unavailable`` is how many replicas may be missing in a rollout, beside the ``surge`` above them.
    ``load`` is how long a replica takes to load; None where its weights are not known.
    """

    name: str
    tenant: str
    quota_key: str
    resource: str
    devices_per_replica: int
    min_replicas: int
    max_replicas: int
    surge: int
    committed_usd_per_month: Decimal | None
    worst_case_usd_per_month: Decimal | None
    throughput: ServiceThroughput | None = None
    unit_costs: UnitCosts | None = None
    cold_start: ColdStart | None = None
    max_unavailable: int = 1
    may_borrow: bool = False
    load: LoadTime | None = None


@dataclass(frozen=True)
class TenantPlan:
    """One tenant: quotas by quota key, services by name, and its month."""

    name: str
    quotas: Mapping[str, QuotaPlan]
    services: tuple[ServicePlan, ...]
    committed_usd_per_month: Decimal | None
    worst_case_usd_per_month: Decimal | None
    budget_usd_per_month: Decimal

    def with_each(self, field: str, values: Mapping[str, Any]) -> TenantPlan:
        """The same with ``field`` of its services as ``values`` have it by ``tenant/service``; what they do not name stays as it is."""
        named = {service.name: values[key] for service in self.services if (key := f"{self.name}/{service.name}") in values}
        if not named:
            return self
        return replace(self, services=tuple(
            replace(service, **{field: named[service.name]}) if service.name in named else service for service in self.services))


@dataclass(frozen=True)
class EnvironmentPlan:
    """The whole environment. It may be applied only if ``refusals`` is empty.

    Attributes:
        as_of: the date that prices were judged at.
        region: cloud region, None on existing clusters.
        pools, tenants: by name, sorted.
        notes: sentences worth reading that refuse nothing.
        idle_usd_per_month: committed nodes less what tenants commit of them.
        memory: GPU memory of every vLLM service, by ``tenant/service``.
        startup_seconds: how long each service's start-up probe waits, by ``tenant/service``.
        money: the whole ledger; the amounts beside it are its minimum (``committed``) and worst case.
        placements: where each pool's services run, by pool; pools of unknown hardware are left out.
        schedulability: every workload at its minimum and its maximum, link by link.
        versions: every version that is pinned, by what it is of.
    """

    environment: str
    as_of: date
    region: str | None
    pools: Mapping[str, PoolPlan]
    tenants: Mapping[str, TenantPlan]
    refusals: Sequence[Refusal]
    notes: Sequence[str]
    proofs: Sequence[Proof]
    committed_usd_per_month: Decimal | None
    idle_usd_per_month: Decimal | None
    worst_case_usd_per_month: Decimal | None
    budget_usd_per_month: Decimal
    memory: Mapping[str, MemoryFit] = field(default_factory=dict)
    startup_seconds: Mapping[str, int] = field(default_factory=dict)
    money: EnvironmentMoney = field(default_factory=EnvironmentMoney)
    placements: Mapping[str, PoolPlacement] = field(default_factory=dict)
    schedulability: Sequence[Schedulability] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    def to_json_value(self) -> dict[str, Any]:
        """Plain JSON values with sorted keys: money as text with two decimals, other decimals as text, dates as ISO 8601."""
        value: dict[str, Any] = json_value(self)
        return value


Pools = Mapping[str, PoolPlan]
Quotas = Mapping[str, QuotaPlan]


def key_resource(key: str, whole: str) -> str:
    """The device resource that a quota key stands for: that of whole devices of its pool, or that of its MIG profile."""
    _, _, profile = key.partition("/")
    return mig_resource(profile) if profile else whole


def quota_resource(pool: PoolPlan, key: str) -> str:
    """:func:`key_resource`, known to be one of the pool's; of a pool of other devices than GPUs, theirs (``google.com/tpu``).

    Raises:
        KeyError: the pool's nodes have no such device.
    """
    resource = key_resource(key, pool.device)
    if resource not in pool.devices_per_node:
        raise KeyError(f"{resource} in pool {pool.name}")
    return resource


def device_share(pool: PoolPlan, resource: str) -> Fraction:
    """What part of a node one device is: MIG devices by their compute slices, others in equal parts; 0 where it has none."""
    return _share(resource, tuple(pool.devices_per_node.items()))


def host_quota(pool: PoolPlan, resource: str, devices: int) -> tuple[int, int]:
    """CPU cores and memory in GiB that go with so many devices: their share of what a node has left for models, rounded down.

    The one place that says it: queues are given these amounts, and plans are checked against them.
    """
    return _host(device_share(pool, resource), devices, pool.allocatable.cpu_millicores, pool.allocatable.memory_mib)


@lru_cache(maxsize=1024)
def _share(resource: str, devices_per_node: tuple[tuple[str, int], ...]) -> Fraction:
    whole = sum(_weight(name) * count for name, count in devices_per_node)
    return Fraction(_weight(resource), whole) if whole and resource in dict(devices_per_node) else Fraction(0)


@lru_cache(maxsize=4096)
def _host(share: Fraction, devices: int, cpu_millicores: int, memory_mib: int) -> tuple[int, int]:
    return int(share * devices * cpu_millicores / 1000), int(share * devices * memory_mib / 1024)


def _weight(resource: str) -> int:
    """Compute slices of a MIG device (``nvidia.com/mig-3g.40gb``: 3), 1 for any other device."""
    return int(resource.removeprefix(MIG_PREFIX).partition("g")[0]) if resource.startswith(MIG_PREFIX) else 1
