"""A new service of a runtime whose GPU memory nobody can reckon: devices as asked for, host resources by the devices' share of a node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.golden_path.cheapest_gpu import HOURS
from gpuplane.delivery.golden_path.new_service import Wanted
from gpuplane.spec.vocabulary import GPU, mig_resource

if TYPE_CHECKING:
    from gpuplane.planning.environment_plan import PoolPlan
    from gpuplane.spec.environment_spec import EnvironmentSpec

_SHARE = 0.8
"""Of what a node has for these devices; the rest is for the node itself and its DaemonSets. An assumption."""


@dataclass(frozen=True)
class Place:
    """Devices of one quota, that a replica could stand on.

    Attributes:
        pool, profile: profile is None for whole devices.
        cpu, memory_gib: share of the node that goes with the devices.
        usd_per_hour: of a replica; None where it is unknown.
    """

    pool: str
    profile: str | None
    cpu: int
    memory_gib: int
    usd_per_hour: Decimal | None

    @property
    def quota_key(self) -> str:
        """Key of the quota it counts against."""
        return self.pool if self.profile is None else f"{self.pool}/{self.profile}"

    def __str__(self) -> str:
        price = "price unknown" if self.usd_per_hour is None else f"{self.usd_per_hour * HOURS:,.0f} USD a month".replace(",", " ")
        return f"{self.quota_key}: {price} for a replica that always runs"


def other_spec(spec: EnvironmentSpec, wanted: Wanted, as_of: date) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The fields of the smallest document, and the sentences that say why.

    Raises:
        CannotStart: the tenant has no quota of such devices.
    """
    from gpuplane.catalog import catalog_of
    from gpuplane.planning import plan

    devices = wanted.devices or 1
    found = sorted(_places(spec, wanted, plan(spec, catalog_of(spec), as_of).pools, devices), key=_by_price)
    among = [place for place in found if wanted.pool in (None, place.pool)]
    if not among:
        own = ", ".join(spec.tenants[wanted.tenant].spec.quota) or "nothing"
        where = f" in pool {wanted.pool}" if wanted.pool else ""
        raise CannotStart(f"tenant {wanted.tenant} has no quota of {devices} devices of one node{where}; it has quota of {own}. Raise it "
                          f"in {spec.places['Tenant', wanted.tenant].file}.")
    return _fields(spec, wanted, among[0], devices), tuple(_said(wanted, among))


def _by_price(place: Place) -> tuple[bool, Decimal, str]:
    return place.usd_per_hour is None, place.usd_per_hour or Decimal(0), place.quota_key


def _places(spec: EnvironmentSpec, wanted: Wanted, pools: Any, devices: int) -> Iterator[Place]:
    for key, quota in spec.tenants[wanted.tenant].spec.quota.items():
        name, _, profile = key.partition("/")
        pool: PoolPlan = pools[name]
        resource = mig_resource(profile) if profile else next((each for each in pool.devices_per_node), GPU)
        there = pool.devices_per_node.get(resource, 0)
        if there < devices or quota.nominal_quota < devices or (profile and devices > 1):
            continue
        share = devices / (sum(pool.devices_per_node.values()) if profile else there) * _SHARE
        each = pool.usd_per_device_hour.get(resource)
        yield Place(name, profile or None, max(1, int(share * pool.vcpus_per_node)), max(1, int(share * pool.memory_gib_per_node)),
                    None if each is None else each * devices)


def _said(wanted: Wanted, among: list[Place]) -> Iterator[str]:
    yield f"cheapest of its quota: {among[0]}"
    for place in among[1:]:
        yield f"                   or: {place}"
    yield (f"What {wanted.runtime} needs of the GPU's memory cannot be reckoned: --pool and --devices are yours to choose. Of the host it "
           "gets the devices' share of a node.")


def _fields(spec: EnvironmentSpec, wanted: Wanted, place: Place, devices: int) -> dict[str, Any]:
    from gpuplane.catalog.runtimes import TYPED_BLOCKS, runtimes_of

    server: dict[str, Any] = {"image": wanted.image, "version": wanted.version}
    if wanted.runtime not in TYPED_BLOCKS:
        known = runtimes_of(spec)[wanted.runtime].arguments
        shares = devices > 1 and "tensor_parallel_size" in known
        server = {"name": wanted.runtime, **server, "devices": devices if devices > 1 else None,
                  "arguments": {"tensor_parallel_size": devices} if shares else None}
    block = wanted.runtime if wanted.runtime in TYPED_BLOCKS else "runtime"
    return {
        "release": {"model": {"uri": wanted.uri, "revision": wanted.revision}, block: server},
        "placement": {"pool": place.pool, "profile": place.profile},
        "resources": {"cpu": place.cpu, "memory_gib": place.memory_gib},
        "scaling": {"min_replicas": wanted.min_replicas, "max_replicas": wanted.max_replicas}}
