"""The shipped catalogue with the user's own rows laid over it. A user's row wins over a shipped one of the same name, and is noted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from gpuplane.catalog.catalog import Catalog, default_catalog
from gpuplane.catalog.gpus import Gpu, MigProfile
from gpuplane.catalog.instances import Instance
from gpuplane.catalog.models import UnknownShape, parse_model
from gpuplane.catalog.obligations import weakened
from gpuplane.catalog.prices import PriceRow, history, newest
from gpuplane.catalog.runtime_arguments import release_errors
from gpuplane.catalog.service_prices import ServicePrice
from gpuplane.spec import catalog as wish
from gpuplane.spec.document_files import shown_path
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.errors import InvalidSpec, SpecError
from gpuplane.spec.loader import load_catalogs

_Key = TypeVar("_Key")
_Row = TypeVar("_Row")
GENERATED = "prices"
"""The document that a command writes: there the newest day counts, shipped or not."""


def catalog_of(spec: EnvironmentSpec) -> Catalog:
    """The facts that an environment is planned with: what ships with gpuplane, and over it the files beside its folder.

    Raises:
        InvalidSpec: a row names a GPU that neither has, a model's config does not say its shape, a service asks its runtime for
            what that does not have, or the environment owes data less than it is owed anyway.
    """
    shapeless = [_misshapen(spec, document, name, row) for document in spec.catalogs for name, row in document.spec.models.items()]
    if any(shapeless):
        raise InvalidSpec([error for error in shapeless if error is not None])
    found = overlaid(spec.catalogs) if spec.catalogs else default_catalog()
    errors = [_unknown_gpu(spec, document, name, row.gpu, found) for document in spec.catalogs
              for name, row in document.spec.instances.items() if row.gpu not in found.gpus]
    errors += release_errors(spec)
    errors += weakened(spec)
    if errors:
        raise InvalidSpec(errors)
    return found


def catalog_for(environments: Path) -> Catalog:
    """The facts of a folder of environments, for those who judge without any one of them.

    Raises:
        InvalidSpec: with every error of the files.
    """
    try:
        return overlaid(load_catalogs(environments))
    except UnknownShape as error:
        wrong = SpecError(shown_path(environments), 0, "", f"a model's config does not say its shape: {error}", "Add it.")
        raise InvalidSpec([wrong]) from None


def overlaid(documents: tuple[wish.Catalog, ...]) -> Catalog:
    """The shipped catalogue under some documents; of two documents the later counts."""
    found = default_catalog()
    for document in documents:
        found = _over(found, document)
    return found


def _over(under: Catalog, document: wish.Catalog) -> Catalog:
    rows, where = document.spec, f"{document.name}.yaml"
    gpus = {name: _gpu(name, row) for name, row in rows.gpus.items()}
    instances = {name: _instance(name, row) for name, row in rows.instances.items()}
    prices = [PriceRow(row.instance, row.region, row.offer, row.usd_per_hour, row.source, date.fromisoformat(row.as_of))
              for row in rows.prices]
    services: dict[tuple[str, str], ServicePrice] = {
        (row.kind, row.region): ServicePrice(row.kind, row.region, row.usd, row.source, date.fromisoformat(row.as_of))
        for row in sorted(rows.service_prices, key=lambda row: row.as_of)}
    models = {name: parse_model(name, _model_row(row)) for name, row in rows.models.items()}
    own = newest(history(prices))
    if document.name == GENERATED:
        own = {key: row for key, row in own.items() if key not in under.prices or under.prices[key].as_of <= row.as_of}
        services = {key: row for key, row in services.items()
                    if key not in under.service_prices or under.service_prices[key].as_of <= row.as_of}
    notes = (*_shadowed("GPU", gpus, under.gpus, where), *_shadowed("Instance type", instances, under.instances, where),
             *_shadowed("Model", models, under.models, where), *_outdated(own, under.prices, where))
    return replace(
        under, gpus=_merged(under.gpus, gpus), instances=_merged(under.instances, instances), prices=_merged(under.prices, own),
        models=_merged(under.models, models), service_prices=_merged(under.service_prices, services), notes=(*under.notes, *notes),
        price_history=history([*(row for days in under.price_history.values() for row in days), *prices]))


def _shadowed(what: str, own: Mapping[str, object], under: Mapping[str, object], where: str) -> Iterator[str]:
    for name in sorted(own.keys() & under.keys()):
        yield f"{what} {name} is as {where} says, not as the shipped catalogue does."


def _outdated(own: Mapping[tuple[str, str, str], PriceRow], under: Mapping[tuple[str, str, str], PriceRow], where: str) -> Iterator[str]:
    """People's rows count even where an older file knows of a later day; that is said."""
    for key in sorted(own.keys() & under.keys()):
        if own[key].as_of < under[key].as_of:
            yield (f"The price of {' '.join(key)} is of {own[key].as_of}, as {where} says, though a price of {under[key].as_of} is known "
                   f"({under[key].usd_per_hour} USD an hour).")


def _merged(under: Mapping[_Key, _Row], own: Mapping[_Key, _Row]) -> Mapping[_Key, _Row]:
    return MappingProxyType({**under, **own})


def _gpu(name: str, row: wish.GpuRow) -> Gpu:
    profiles = {profile: MigProfile(profile, each.compute_slices, each.memory_slices, each.max_per_gpu, tuple(each.starts),
                                    each.reported_memory_gib) for profile, each in row.mig.items()}
    return Gpu(
        name, row.product_label, row.memory_gib, row.reported_memory_gib, row.compute_capability, row.source, date.fromisoformat(row.as_of),
        MappingProxyType(profiles), row.nvlink.gpus if row.nvlink else 0, row.nvlink.gb_per_second if row.nvlink else None,
        row.karpenter_name, row.gke_accelerator)


def _instance(name: str, row: wish.InstanceRow) -> Instance:
    return Instance(
        name, row.gpus, row.gpu, row.gpu, row.vcpus, row.memory_gib, row.source, date.fromisoformat(row.as_of), row.arch,
        row.gpu_memory_mib, row.local_disk_gb, row.network_gbit, row.efa_interfaces, row.nvlink_gpus, row.max_pods, row.allocatable_vcpus,
        row.allocatable_memory_mib)


def _model_row(row: wish.ModelRow) -> dict[str, Any]:
    return {"config": row.config, "models": row.models, "parameters": row.parameters, "vision_parameters": row.vision_parameters,
            "verified": row.verified, "source": f"{row.source}, as of {row.as_of}"}


def _misshapen(spec: EnvironmentSpec, document: wish.Catalog, name: str, row: wish.ModelRow) -> SpecError | None:
    try:
        parse_model(name, _model_row(row))
    except UnknownShape as error:
        place, path = spec.places["Catalog", document.name], f"spec.models.{name}.config"
        return SpecError(place.file, place.line(path), path, f"{error}", "Copy the field from the model's config.json.")
    return None


def _unknown_gpu(spec: EnvironmentSpec, document: wish.Catalog, name: str, gpu: str, known: Catalog) -> SpecError:
    place, path = spec.places["Catalog", document.name], f"spec.instances.{name}.gpu"
    return SpecError(place.file, place.line(path), path, f'there is no GPU "{gpu}", neither here nor in the shipped catalogue; '
                     f"there are: {', '.join(sorted(known.gpus))}.", "Correct the name, or add the GPU under gpus.")
