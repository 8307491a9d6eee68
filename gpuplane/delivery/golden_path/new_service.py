"""A new service: the model, the cheapest GPUs that hold it, and its document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.golden_path.cheapest_gpu import Home, homes_in, homes_to_buy

if TYPE_CHECKING:
    from gpuplane.catalog.catalog import Catalog
    from gpuplane.catalog.models import ModelArchitecture
    from gpuplane.planning.memory.request import FitRequest
    from gpuplane.spec.environment_spec import EnvironmentSpec

DEFAULT_MODEL_LEN = 8192
"""Tokens of prompt and answer where nothing else is asked for, and the model can."""


@dataclass(frozen=True)
class Wanted:
    """A service as it was asked for.

    Attributes:
        uri: of the weights, e.g. ``hf://Qwen/Qwen3-8B``.
        image, version: the server's image by digest, and its release.
        pool: None: the cheapest of those that hold it.
        runtime: what serves it, of the catalogue or the user's own.
        kind: ``InferenceService`` or ``LLMInferenceService``.
        devices: of a replica, where the runtime's memory cannot be reckoned.
    """

    tenant: str
    name: str
    uri: str
    revision: str | None
    image: str
    version: str
    max_model_len: int | None = None
    pool: str | None = None
    min_replicas: int = 1
    max_replicas: int = 1
    runtime: str = "vllm"
    kind: str = "InferenceService"
    devices: int | None = None

    @property
    def repository(self) -> str:
        """The model without its scheme."""
        return self.uri.partition("://")[2].partition("@")[0]


@dataclass(frozen=True)
class Suggestion:
    """The home that was chosen, and what else there is to say, in sentences."""

    home: Home
    lines: tuple[str, ...]


def known_model(repository: str, catalog: Catalog) -> ModelArchitecture:
    """The model's architecture.

    Raises:
        CannotStart: the catalogue has none.
    """
    found = catalog.model_of(repository)
    if found is None:
        raise CannotStart(f"the catalogue has no architecture of {repository}, so nothing can say which GPU holds it. Add it with "
                          f"`gpuplane new model NAME --model-config config.json --repository {repository}`.")
    return found


def request_for(wanted: Wanted, model: ModelArchitecture) -> FitRequest:
    """What the service asks of one device, which is filled in by each candidate."""
    from gpuplane.planning.memory.device import plain_device
    from gpuplane.planning.memory.request import FitRequest

    length = wanted.max_model_len or min(DEFAULT_MODEL_LEN, model.max_model_len or DEFAULT_MODEL_LEN)
    return FitRequest(model=model, device=plain_device(1), repository=wanted.repository, max_model_len=length,
                      engine_version=wanted.version)


def suggested(spec: EnvironmentSpec, wanted: Wanted, as_of: date) -> Suggestion:
    """The cheapest home of a service in the environment: in what its tenant has quota of, or in the pool it names.

    Raises:
        CannotStart: the model is unknown, or nothing there surely holds it; what would is named.
    """
    from gpuplane.catalog import catalog_of
    from gpuplane.planning import plan

    catalog = catalog_of(spec)
    request = request_for(wanted, known_model(wanted.repository, catalog))
    homes = homes_in(spec, plan(spec, catalog, as_of), catalog, request)
    own = [home for home in homes if home.quota_key in spec.tenants[wanted.tenant].spec.quota]
    among = [home for home in homes if home.place == wanted.pool] if wanted.pool else own or list(homes)
    if not among:
        raise CannotStart(_nowhere(spec, wanted, homes, catalog, request))
    chosen = next((home for home in among if home in own), among[0])
    return Suggestion(chosen, tuple(_said(spec, wanted, chosen, homes, own)))


def _said(spec: EnvironmentSpec, wanted: Wanted, chosen: Home, homes: tuple[Home, ...], own: list[Home]) -> Iterator[str]:
    yield f"holds it: {chosen}"
    for home in homes:
        if home != chosen:
            yield f"     or: {home}" + ("" if home in own else f" (tenant {wanted.tenant} has no quota of it)")
    if chosen not in own:
        missing = f"{chosen.quota_key}: {chosen.devices * wanted.max_replicas}"
        yield (f"tenant {wanted.tenant} has no quota of {chosen.quota_key}: add `{missing}` below quota in "
               f"{spec.places['Tenant', wanted.tenant].file}.")


def _nowhere(spec: EnvironmentSpec, wanted: Wanted, homes: tuple[Home, ...], catalog: Catalog, request: FitRequest) -> str:
    where = f"pool {wanted.pool}" if wanted.pool else f"no pool of {spec.name}"
    said = f"{where} does not surely hold {wanted.repository} with {request.max_model_len} tokens" if wanted.pool else \
        f"{where} surely holds {wanted.repository} with {request.max_model_len} tokens"
    if homes:
        return f"{said}. These do: {'; '.join(map(str, homes))}."
    to_buy = homes_to_buy(catalog, spec.environment.spec.region or "us-east-1", request)
    buy = f" The cheapest nodes that do: {'; '.join(map(str, to_buy[:3]))}." if to_buy else ""
    return f"{said}.{buy} Add a pool with `gpuplane new pool`, shorten --max-model-len, or take another model."


def service_spec(wanted: Wanted, home: Home, length: int) -> dict[str, Any]:
    """The fields of the smallest document."""
    arguments: dict[str, Any] = {"max_model_len": length}
    is_llm = wanted.kind == "LLMInferenceService"
    if home.devices > 1 and not is_llm:
        arguments = {"tensor_parallel_size": home.devices, **arguments}
    shared = ceil(home.host.shared_memory_gib) + 1 if home.devices > 1 else None
    return {
        "release": {"model": {"uri": wanted.uri, "revision": wanted.revision},
                    "vllm": {"image": wanted.image, "version": wanted.version, "arguments": arguments}},
        "placement": {"pool": home.place, "profile": home.profile},
        "resources": {"cpu": home.cpu, "memory_gib": ceil(home.host.memory_gib.high) + (shared or 2), "shared_memory_gib": shared},
        "scaling": {"min_replicas": wanted.min_replicas, "max_replicas": wanted.max_replicas},
        "parallelism": {"tensor": home.devices} if is_llm else None,
    }


def engines_in_use(environments: Path, load: Callable[[Path, str], EnvironmentSpec], runtime: str = "vllm") -> Mapping[str, str]:
    """Releases of a runtime that services of any environment run, the newest first, and the image of each."""
    from gpuplane.spec.errors import InvalidSpec
    from gpuplane.spec.loader import environment_names

    found: dict[str, str] = {}
    for name in environment_names(environments):
        try:
            services = load(environments, name).services.values()
        except InvalidSpec:
            continue
        for entry in services:
            release = entry.document.spec.release
            if release.engine[0] == runtime:
                found.setdefault(release.server.version, release.server.image)
    return {version: found[version] for version in sorted(found, key=_number, reverse=True)}


def revisions_in_use(environments: Path, uri: str, load: Callable[[Path, str], EnvironmentSpec]) -> str | None:
    """The revision of the same weights that a service of some environment runs; None where there is none, or several."""
    from gpuplane.spec.errors import InvalidSpec
    from gpuplane.spec.loader import environment_names

    found: set[str] = set()
    for name in environment_names(environments):
        try:
            found |= {entry.document.spec.release.model.revision or "" for entry in load(environments, name).services.values()
                      if entry.document.spec.release.model.uri == uri}
        except InvalidSpec:
            continue
    return next(iter(found)) or None if len(found) == 1 else None


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"[0-9]+", version)))
