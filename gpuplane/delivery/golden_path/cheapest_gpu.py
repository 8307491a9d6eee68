"""The cheapest GPUs that surely hold a model: of an environment's pools, and of all instance types that have a price."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from gpuplane.catalog.catalog import Catalog
from gpuplane.planning.environment_plan import EnvironmentPlan, PoolPlan
from gpuplane.planning.memory.device import device
from gpuplane.planning.memory.fit import Fit, fit
from gpuplane.planning.memory.host import HostNeeds, host_needs
from gpuplane.planning.memory.request import FitRequest
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.vocabulary import GPU, mig_resource

HOURS = 730
"""Hours of a month."""
_SIZES = (1, 2, 4, 8, 16)
_SERVING_CPU = 4
"""CPU cores for each GPU of a replica: engine, tokenizer and front end. An assumption; what the node has may be less."""


@dataclass(frozen=True)
class Home:
    """Devices that hold one replica.

    Attributes:
        place: pool, or instance type.
        gpu: name in the catalogue.
        profile: MIG profile; None: whole GPUs.
        devices: GPUs or MIG devices of a replica, its tensor_parallel_size.
        usd_per_hour: of its share of a node; None where the price is not known.
        host: what it needs of the node.
        cpu: cores to ask for.
    """

    place: str
    gpu: str
    profile: str | None
    devices: int
    usd_per_hour: Decimal | None
    host: HostNeeds
    cpu: int

    @property
    def quota_key(self) -> str:
        """Key of the quota it counts against."""
        return self.place if self.profile is None else f"{self.place}/{self.profile}"

    @property
    def usd_per_month(self) -> Decimal | None:
        """Of one replica that always runs."""
        return None if self.usd_per_hour is None else self.usd_per_hour * HOURS

    def __str__(self) -> str:
        what = f"{self.profile} of {self.gpu}" if self.profile else self.gpu
        price = "price unknown" if self.usd_per_month is None else f"{self.usd_per_month:,.0f} USD a month".replace(",", " ")
        return f"{self.place}: {self.devices} × {what}, {price} for a replica that always runs"


def homes_in(spec: EnvironmentSpec, planned: EnvironmentPlan, catalog: Catalog, request: FitRequest) -> tuple[Home, ...]:
    """Every way to hold a replica in the environment's pools, the cheapest first; of one pool and profile only the fewest devices.

    Args:
        request: whose device and tensor_parallel_size are replaced by each candidate's.
    """
    found = [home for name, pool in planned.pools.items() if catalog.gpu(spec.pools[name].spec.gpu) is not None
             for resource in sorted(pool.devices_per_node) for home in _home(pool, resource, catalog, request)]
    return tuple(sorted(found, key=_by_price))


def homes_to_buy(catalog: Catalog, region: str, request: FitRequest) -> tuple[Home, ...]:
    """Instance types of a region that hold a replica, the cheapest node first: a node of one's own, paid on demand."""
    found: list[Home] = []
    for instance in catalog.instances.values():
        gpu = catalog.gpu(instance.gpu) if instance.gpu else None
        price = catalog.hourly_price(instance.name, region, "on_demand")
        if gpu is None or price is None:
            continue
        answer = _smallest(replace(request, device=device(gpu)), instance.gpus)
        if answer is not None:
            host = host_needs(answer)
            if host.memory_gib.high <= instance.memory_gib * 0.9:
                found.append(Home(instance.name, gpu.name, None, answer.request.tensor_parallel_size, price.usd_per_hour, host,
                                  _SERVING_CPU))
    return tuple(sorted(found, key=_by_price))


def _by_price(home: Home) -> tuple[bool, Decimal, int, str, str]:
    return home.usd_per_hour is None, home.usd_per_hour or Decimal(0), home.devices, home.place, home.profile or ""


def _home(pool: PoolPlan, resource: str, catalog: Catalog, request: FitRequest) -> Iterator[Home]:
    gpu = catalog.gpus[pool.gpu]
    profile = next((name for name in gpu.mig_profiles if resource == mig_resource(name)), None)
    if resource != GPU and profile is None:
        return
    most = pool.devices_per_node[resource] if profile is None else 1
    answer = _smallest(replace(request, device=device(gpu, profile)), most)
    if answer is None:
        return
    devices = answer.request.tensor_parallel_size
    each, share = pool.usd_per_device_hour.get(resource), _share(pool, resource, devices)
    cpu = max(1, min(_SERVING_CPU * devices, int(share * pool.vcpus_per_node * 0.85)))
    yield Home(pool.name, pool.gpu, profile, devices, None if each is None else each * devices, host_needs(answer), cpu)


def _share(pool: PoolPlan, resource: str, devices: int) -> float:
    return devices / sum(pool.devices_per_node.values()) if resource != GPU else devices / pool.devices_per_node[resource]


def _smallest(request: FitRequest, most: int) -> Fit | None:
    """The answer with the fewest devices that surely fits; None: not with ``most``."""
    for size in _SIZES:
        if size <= most and request.model.attention_heads % size == 0:
            answer = fit(replace(request, tensor_parallel_size=size))
            if answer.fits:
                return answer
    return None
