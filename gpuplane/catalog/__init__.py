"""The facts: GPUs, MIG geometry, instance types and prices, as dated rows with their sources."""

from gpuplane.catalog.catalog import Catalog, default_catalog
from gpuplane.catalog.gpus import Gpu, MigProfile, gpu
from gpuplane.catalog.instances import Instance, instance
from gpuplane.catalog.mig import mig_layout_valid
from gpuplane.catalog.overlay import catalog_for, catalog_of
from gpuplane.catalog.prices import Price, hourly_price, price_book_age_days
from gpuplane.catalog.service_prices import ServicePrice, service_price

__all__ = ["Catalog", "Gpu", "Instance", "MigProfile", "Price", "ServicePrice", "catalog_for", "catalog_of", "default_catalog", "gpu",
           "hourly_price", "instance", "mig_layout_valid", "price_book_age_days", "service_price"]
