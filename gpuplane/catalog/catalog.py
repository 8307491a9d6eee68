"""The catalogue as one value, so that planning is a function of it and a test (or a user) can bring another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from gpuplane.catalog.gpus import Gpu, load_gpus
from gpuplane.catalog.instances import Instance, load_instances
from gpuplane.catalog.prices import Price, PriceBook, load_prices, price_in
from gpuplane.catalog.service_prices import ServicePrice, ServicePriceBook, load_service_prices, service_price_in


@dataclass(frozen=True)
class Catalog:
    """What is true of GPUs, instance types and prices; nothing here comes from the wish."""

    gpus: Mapping[str, Gpu]
    instances: Mapping[str, Instance]
    prices: PriceBook
    service_prices: ServicePriceBook = field(default_factory=load_service_prices)

    def gpu(self, name: str) -> Gpu | None:
        """The GPU model of that name."""
        return self.gpus.get(name)

    def instance(self, name: str) -> Instance | None:
        """The instance type of that name."""
        return self.instances.get(name)

    def hourly_price(self, instance_type: str, region: str, capacity_type: str) -> Price | None:
        """What one node costs in an hour; None where no row says so (see :func:`gpuplane.catalog.prices.hourly_price`)."""
        return price_in(self.prices, instance_type, region, capacity_type)

    def service_price(self, kind: str, region: str) -> ServicePrice | None:
        """What a unit of storage, traffic or a load balancer costs (see :func:`gpuplane.catalog.service_prices.service_price`)."""
        return service_price_in(self.service_prices, kind, region)

    def priced_regions(self, instance_type: str) -> tuple[str, ...]:
        """Regions in which the instance type has an on-demand price, sorted."""
        return tuple(sorted(region for name, region, offer in self.prices if name == instance_type and offer == "on_demand"))


@cache
def default_catalog() -> Catalog:
    """The catalogue that ships with gpuplane."""
    return Catalog(load_gpus(), load_instances(), load_prices())
