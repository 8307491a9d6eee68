"""Models that nodes keep on their disks: which of a tenant's services share one copy."""

from __future__ import annotations

import pulumi

from gpuplane.components.model_cache import ModelCache, ModelCacheArgs, cache_name
from gpuplane.planning.model_caches import cached_models
from gpuplane.spec.environment_spec import EnvironmentSpec


def register_model_caches(spec: EnvironmentSpec, tenant: str, options: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """Register each copy of a tenant once, however many services use it."""
    found: list[pulumi.Resource] = []
    for model in cached_models(spec, tenant):
        args = ModelCacheArgs(tenant, model.pool, model.storage_uri, model.size_gib)
        found.append(ModelCache(f"{tenant}-{cache_name(args)}", args, options))
    return found
