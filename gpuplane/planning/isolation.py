"""Where a tenant's work may not be: on GPUs that others take turns on (TI-12), in a region it does not allow (PII-10)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from gpuplane.planning.demand import Demands
from gpuplane.planning.environment_plan import Pools, Quotas
from gpuplane.planning.pool_isolation import SHARED_WITHOUT_ISOLATION
from gpuplane.planning.refusal import RESIDENCY, SAMPLED_PERSONAL_DATA, SHARED_GPU, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.vocabulary import is_personal


def sharing_refusals(spec: EnvironmentSpec, pools: Pools, quotas: Mapping[str, Quotas],
                     all_demands: Demands) -> Iterator[Refusal]:
    """TI-12: time-slicing and MPS isolate no faults, time-slicing not even memory: such a GPU is one tenant's, without personal data."""
    for name, tenants in sorted(_users(pools, quotas, all_demands).items()):
        place, mps = spec.places[("NodePool", name)], pools[name].strategy == "mps"
        path, lacks = ("spec.sharing.mps", "faults") if mps else ("spec.sharing.time_slicing", "memory")
        if len(tenants) > 1:
            yield refused(
                SHARED_GPU, place, path,
                f"tenants {', '.join(tenants)} would {'share GPUs by MPS' if mps else 'take turns on the same GPUs'}, "
                f"which isolates {'no faults' if mps else 'neither memory nor faults'}.",
                "Give each tenant a pool of its own, or cut the GPUs by MIG.", len(tenants), 1)
        for tenant in tenants:
            if is_personal(data := spec.tenants[tenant].spec.data_classification):
                yield refused(
                    SHARED_GPU, place, path,
                    f"tenant {tenant} handles {data} data, and {'MPS' if mps else 'time-slicing'} does not isolate {lacks}.",
                    "Use whole GPUs or MIG for it.", "dedicated or mig", pools[name].strategy, tenant)


def _users(pools: Pools, quotas: Mapping[str, Quotas], all_demands: Demands) -> Mapping[str, list[str]]:
    """Tenants that may run on each pool whose GPUs are shared without isolation, sorted."""
    found: dict[str, set[str]] = defaultdict(set)
    for tenant, held in quotas.items():
        for quota in held.values():
            if quota.ceiling and pools[quota.pool].strategy in SHARED_WITHOUT_ISOLATION:
                found[quota.pool].add(tenant)
    for tenant, of_tenant in all_demands.items():
        for demand in of_tenant:
            if pools[demand.pool].strategy in SHARED_WITHOUT_ISOLATION:
                found[demand.pool].add(tenant)
    return {name: sorted(tenants) for name, tenants in found.items()}


def sample_refusals(spec: EnvironmentSpec) -> Iterator[Refusal]:
    """PII-08: a drift job, which reads samples of requests, of a tenant with personal data."""
    for entry in spec.services.values():
        if entry.document.spec.drift is not None and is_personal(spec.tenants[entry.tenant].spec.data_classification):
            yield refused(SAMPLED_PERSONAL_DATA, entry.place, "spec.drift", "the tenant's data is personal, and samples of features and "
                          "predictions are personal data too.", "Remove drift; compare aggregates that hold no person's data elsewhere.",
                          tenant=entry.tenant)


def residency_refusals(spec: EnvironmentSpec) -> Iterator[Refusal]:
    """PII-10: where a tenant says which regions it allows, the environment and its secret stores are in one of them.

    Where an existing cluster does not say its region, that is refused for personal data: unknown is not allowed.
    """
    region = spec.environment.spec.region
    for name in sorted(spec.tenants):
        tenant, place = spec.tenants[name].spec, spec.places[("Tenant", name)]
        listed = ", ".join(tenant.allowed_regions)
        if not listed:
            continue
        if region is None and is_personal(tenant.data_classification):
            claim = f"where this cluster stands is not said, but personal data may be only in: {listed}."
            yield refused(RESIDENCY, place, "spec.allowed_regions", claim, "Add cluster.region to environment.yaml.",
                          listed, "unknown", name)
        elif region is not None and region not in tenant.allowed_regions:
            claim = f"the environment is in {region}, but the tenant's data may be only in: {listed}."
            yield refused(RESIDENCY, place, "spec.allowed_regions", claim,
                          "Move the tenant to an environment in one of these regions, or allow this one.", listed, region, name)
        for store in sorted({secret.store for secret in tenant.secrets}):
            at = spec.environment.spec.secret_stores[store].aws_secrets_manager.region
            if at not in tenant.allowed_regions:
                claim = f'the secret store "{store}" is in {at}, but the tenant\'s data may be only in: {listed}.'
                yield refused(RESIDENCY, place, "spec.secrets", claim, "Use a store in one of these regions, or allow this one.",
                              listed, at, name)
