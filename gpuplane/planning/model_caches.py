"""Weights that nodes keep on their own disks: one copy a node for each model of a tenant, and whether the disk holds them all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gpuplane.planning.memory.service_memory import ServiceMemory
from gpuplane.planning.proof import Proof
from gpuplane.planning.refusal import MODEL_OVER_MEMORY, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.errors import listed
from gpuplane.spec.vocabulary import DOWNLOADED_URIS

_FIELD = "spec.model_cache_gib"


@dataclass(frozen=True)
class CachedModel:
    """One copy on each node of a pool.

    Attributes:
        services: who uses it, ``tenant/service``, sorted.
        size_gib: the largest that any of them asks for.
    """

    tenant: str
    pool: str
    storage_uri: str
    size_gib: int
    services: tuple[str, ...]


def cached_models(spec: EnvironmentSpec, tenant: str | None = None) -> tuple[CachedModel, ...]:
    """Every copy, or those of one tenant, sorted by pool, tenant and URI: services of one tenant share that of one model."""
    found: dict[tuple[str, str, str], list[tuple[str, int]]] = defaultdict(list)
    for entry in spec.services.values() if tenant is None else spec.services_of(tenant):
        wish = entry.document.spec
        if wish.model_cache_gib is not None:
            found[wish.placement.pool, entry.tenant, wish.release.model.storage_uri].append((entry.name, wish.model_cache_gib))
    return tuple(CachedModel(owner, pool, uri, max(size for _, size in users), tuple(sorted(name for name, _ in users)))
                 for (pool, owner, uri), users in sorted(found.items()))


def model_cache_refusals(spec: EnvironmentSpec, memories: Mapping[str, ServiceMemory]) -> Iterator[Refusal]:
    """QF-10 for the nodes' disks: a pool that keeps nothing, weights that are not downloaded, too little room for them."""
    for name, entry in spec.services.items():
        wish = entry.document.spec
        if wish.model_cache_gib is None:
            continue
        if spec.pools[wish.placement.pool].spec.model_cache is None:
            yield refused(MODEL_OVER_MEMORY, entry.place, _FIELD, f'the nodes of pool "{wish.placement.pool}" keep no models.',
                          "Give the pool a model_cache, or remove this.", f"{wish.model_cache_gib} GiB", "0 GiB", entry.tenant)
        if not wish.release.model.uri.startswith(DOWNLOADED_URIS):
            yield refused(MODEL_OVER_MEMORY, entry.place, _FIELD,
                          f"{wish.release.model.uri.partition('://')[0]}:// weights are mounted where they are, not downloaded; there "
                          "is no copy to keep.", "Remove it.", "hf://, s3:// or gs://", wish.release.model.uri, entry.tenant)
        host = memories[name].host if name in memories else None
        low = max(0.0, host.weights_gib) if host is not None else 0.0
        if wish.model_cache_gib < low:
            yield refused(MODEL_OVER_MEMORY, entry.place, _FIELD,
                          f"the weights take about {low:.0f} GiB; {wish.model_cache_gib} are kept for them.",
                          f"Raise it to {round(low) + 1}.", f"{low:.0f} GiB", f"{wish.model_cache_gib} GiB", entry.tenant)
    for pool, models in _by_pool(spec).items():
        room = spec.pools[pool].spec.model_cache
        total = sum(model.size_gib for model in models)
        if room is not None and total > room.disk_gib:
            yield refused(MODEL_OVER_MEMORY, spec.places["NodePool", pool], "spec.model_cache.disk_gib",
                          f"each node keeps {len(models)} models of {total} GiB together; {room.disk_gib} GiB are set aside for them.",
                          f"Raise disk_gib to {total}, or let fewer services keep theirs.", f"{total} GiB", f"{room.disk_gib} GiB")


def model_cache_proofs(spec: EnvironmentSpec) -> Iterator[Proof]:
    """What each node of a pool keeps."""
    for pool, models in _by_pool(spec).items():
        yield Proof(f"pool {pool}: disk of a node that models are kept on", "sum of model_cache_gib, once for each model of a tenant",
                    tuple((listed(model.services, 1), f"{model.size_gib}") for model in models),
                    str(sum(model.size_gib for model in models)), "GiB", (spec.places["NodePool", pool].relative,))


def _by_pool(spec: EnvironmentSpec) -> Mapping[str, list[CachedModel]]:
    found: dict[str, list[CachedModel]] = defaultdict(list)
    for model in cached_models(spec):
        found[model.pool].append(model)
    return found
