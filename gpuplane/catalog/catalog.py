"""The catalogue as one value, so that planning is a function of it and a test (or a user) can bring another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType

from gpuplane.catalog.daemonsets import DaemonSet, load_daemonsets
from gpuplane.catalog.gpus import Gpu, load_gpus
from gpuplane.catalog.instances import Instance, load_instances
from gpuplane.catalog.model_licenses import load_model_licenses
from gpuplane.catalog.models import ModelArchitecture, find_model, load_models
from gpuplane.catalog.prices import Price, PriceBook, PriceHistory, load_price_history, load_prices, price_in
from gpuplane.catalog.service_prices import ServicePrice, ServicePriceBook, load_service_prices, service_price_in
from gpuplane.catalog.spot_history import SpotHistory, spot_history_in
from gpuplane.catalog.tpus import TpuMachine, load_tpus


@dataclass(frozen=True)
class Catalog:
    """What is true of GPUs, instance types, prices and models; nothing here comes from the wish.

    Attributes:
        gpus, instances: by name.
        prices: the newest row by instance type, region and offer.
        service_prices: storage, traffic and load balancers, by kind and region.
        price_history: every price row, for what changes over time.
        models: architectures by the name of their row.
        tpus: TPU machine types by name.
        model_licenses: licence of a model repository.
        notes: what a reader should know about these facts, e.g. that a user's row replaces a shipped one.
    """

    gpus: Mapping[str, Gpu]
    instances: Mapping[str, Instance]
    prices: PriceBook
    service_prices: ServicePriceBook = field(default_factory=load_service_prices)
    price_history: PriceHistory = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()
    models: Mapping[str, ModelArchitecture] = field(default_factory=load_models)
    daemonsets: Mapping[str, DaemonSet] = field(default_factory=load_daemonsets)
    tpus: Mapping[str, TpuMachine] = field(default_factory=load_tpus)
    model_licenses: Mapping[str, str] = field(default_factory=load_model_licenses)
    _found_models: dict[str, ModelArchitecture | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    def model_of(self, repository: str) -> ModelArchitecture | None:
        """The architecture of a model repository (see :func:`gpuplane.catalog.models.find_model`), looked for once."""
        if repository not in self._found_models:
            self._found_models[repository] = find_model(self.models.values(), repository)
        return self._found_models[repository]

    def license_of(self, repository: str) -> str | None:
        """The licence of a model repository, as its model card spells it; None where nobody has recorded it."""
        return self.model_licenses.get(repository)

    def gpu(self, name: str) -> Gpu | None:
        """The GPU model of that name."""
        return self.gpus.get(name)

    def instance(self, name: str) -> Instance | None:
        """The instance type of that name."""
        return self.instances.get(name)

    def hourly_price(self, instance_type: str, region: str, capacity_type: str) -> Price | None:
        """What one node costs in an hour; None where no row says so (see :func:`gpuplane.catalog.prices.hourly_price`)."""
        return price_in(self.prices, instance_type, region, capacity_type)

    def spot_history(self, instance_type: str, region: str) -> SpotHistory | None:
        """What the spot market has asked for it over time; None where no row was ever seen."""
        return spot_history_in(self.price_history, instance_type, region)

    def service_price(self, kind: str, region: str) -> ServicePrice | None:
        """What a unit of storage, traffic or a load balancer costs (see :func:`gpuplane.catalog.service_prices.service_price`)."""
        return service_price_in(self.service_prices, kind, region)

    def priced_regions(self, instance_type: str | None = None) -> tuple[str, ...]:
        """Regions in which the instance type (any, where none is named) has an on-demand price, sorted."""
        return tuple(sorted({region for name, region, offer in self.prices
                             if offer == "on_demand" and instance_type in (None, name)}))


@cache
def default_catalog() -> Catalog:
    """The catalogue that ships with gpuplane."""
    return Catalog(load_gpus(), load_instances(), load_prices(), load_service_prices(), load_price_history())
