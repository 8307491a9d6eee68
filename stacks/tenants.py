"""Layer ``tenants``: each team's namespace, borders, secrets, queue and models."""

from __future__ import annotations

import json
from typing import Any

import pulumi

from gpuplane.components.inference_service import InferenceService, InferenceServiceArgs, LoggerArgs
from gpuplane.components.model_storage import STORAGE_CONTAINER, URI_PREFIXES
from gpuplane.components.serving_runtime import HEALTH_PATHS, HTTP_PORTS, RUNTIMES, Engine
from gpuplane.components.tenant import Tenant, TenantArgs
from gpuplane.components.tenant_network import EgressArgs, TenantNetworkArgs
from gpuplane.components.tenant_queue import TenantQueueArgs
from gpuplane.components.tenant_secrets import AwsStoreArgs, RemoteArgs, SecretArgs, TenantSecretsArgs
from gpuplane.planning.cohorts.quota_tree import ResourceQuota
from gpuplane.planning.environment_plan import EnvironmentPlan, TenantPlan, quota_resource
from gpuplane.spec import tenant as wish
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry
from gpuplane.spec.inference_service import Release, VllmArguments
from gpuplane.spec.vocabulary import LOCAL_QUEUE
from gpuplane.stacks.cluster import taints
from gpuplane.stacks.providers import kubernetes_provider, with_provider
from gpuplane.stacks.queue_quotas import queue_quotas, weight
from gpuplane.stacks.upstream import require_upstream


def compose(spec: EnvironmentSpec, planned: EnvironmentPlan) -> None:
    """Register every tenant, then its services once its queue is there."""
    require_upstream(spec, "tenants")
    provider = kubernetes_provider(spec)
    protected = with_provider(provider, protect=spec.environment.spec.protected or None)
    for name, document in spec.tenants.items():
        tenant = Tenant(name, _tenant(spec, planned, name, document.spec), protected)
        after = pulumi.ResourceOptions.merge(with_provider(provider), pulumi.ResourceOptions(depends_on=[tenant]))
        for entry in spec.services_of(name):
            InferenceService(f"{name}-{entry.document.name}", _service(spec, planned, entry), after)


def _tenant(spec: EnvironmentSpec, planned: EnvironmentPlan, name: str, tenant: wish.TenantSpec) -> TenantArgs:
    settings = spec.environment.spec
    source = spec.places[("Tenant", name)].relative
    return TenantArgs(
        name=name, environment=spec.name, data_classification=tenant.data_classification,
        budget_usd_per_month=tenant.monthly_budget.usd_per_month, budget_block_percent=tenant.monthly_budget.block_percent,
        cost_center=tenant.cost_center, allowed_regions=tenant.allowed_regions,
        allowed_registries=settings.allowed_registries, allowed_model_sources=settings.allowed_model_sources,
        pod_security=settings.pod_security, admins=tenant.access.admins, viewers=tenant.access.viewers,
        device_ceilings=_ceilings(planned, planned.tenants[name]), host_ceiling=_host_ceiling(planned, planned.tenants[name]),
        queue=_queue(planned, name, tenant, source),
        network=_network(spec, tenant), secrets=_secrets(spec, name, tenant), source=source)


RUNAWAY_FACTOR = 2
"""How far the ResourceQuota's ceiling stands over all the devices there are: it stops runaways, the queue does the sharing."""


def _ceilings(planned: EnvironmentPlan, tenant: TenantPlan) -> dict[str, int]:
    """Most devices of each type that pods may ask for; 0 for the types the tenant does not own."""
    ceilings = {resource: 0 for pool in planned.pools.values() for resource in pool.devices_per_node}
    for resource in {quota.resource for quota in tenant.quotas.values()}:
        there_are = sum(pool.capacity.get(resource, 0) for pool in planned.pools.values())
        own = [quota for quota in tenant.quotas.values() if quota.resource == resource]  # the same device may be of several pools
        may_have, at_peak = sum(quota.ceiling for quota in own), sum(quota.peak_with_surge for quota in own)
        ceilings[resource] = RUNAWAY_FACTOR * max(there_are, may_have, at_peak)
    return ceilings


def _host_ceiling(planned: EnvironmentPlan, tenant: TenantPlan) -> tuple[int, int] | None:
    """CPU cores and GiB of memory of all the pools that the tenant has a share of: more, its pods can never use."""
    pools = [planned.pools[name] for name in sorted({quota.pool for quota in tenant.quotas.values()})]
    if not pools:
        return None
    return sum(pool.max_nodes * pool.vcpus_per_node for pool in pools), sum(pool.max_nodes * pool.memory_gib_per_node for pool in pools)


def _queue(planned: EnvironmentPlan, name: str, tenant: wish.TenantSpec, source: str) -> TenantQueueArgs | None:
    # Lent is what is not kept: written out, so that the objects say it.
    limits = {key: ResourceQuota(quota.nominal, quota.borrowing, quota.nominal if quota.lending is None else quota.lending)
              for key, quota in planned.tenants[name].quotas.items()}
    if not limits:
        return None
    return TenantQueueArgs(
        queue_quotas(limits, planned.pools), tenant.cohort, LOCAL_QUEUE, source,
        within_cluster_queue=tenant.preemption.within_cluster_queue, reclaim_within_cohort=tenant.preemption.reclaim_within_cohort,
        fair_sharing_weight=weight(tenant.fair_sharing_weight))


def _network(spec: EnvironmentSpec, tenant: wish.TenantSpec) -> TenantNetworkArgs:
    settings = spec.environment.spec
    return TenantNetworkArgs(
        gateway_namespace=settings.gateway_namespace, dns_cidr=settings.dns_cidr,
        monitoring_namespace=settings.monitoring.namespace if settings.monitoring else None,
        egress=tuple(EgressArgs(rule.name, rule.ports, rule.cidr, rule.namespace) for rule in tenant.egress))


def _secrets(spec: EnvironmentSpec, name: str, tenant: wish.TenantSpec) -> TenantSecretsArgs | None:
    if not tenant.secrets:
        return None
    stores = {}
    for store in sorted({secret.store for secret in tenant.secrets}):
        aws = spec.environment.spec.secret_stores[store].aws_secrets_manager
        stores[store] = AwsStoreArgs(aws.region, aws.role_arn_template.replace("{tenant}", name))
    return TenantSecretsArgs(stores, tuple(
        SecretArgs(secret.name, secret.store, {key: RemoteArgs(at.key, at.property) for key, at in secret.data.items()})
        for secret in tenant.secrets))


def _service(spec: EnvironmentSpec, planned: EnvironmentPlan, entry: ServiceEntry) -> InferenceServiceArgs:
    service = entry.document.spec
    pool, release = spec.pools[service.placement.pool], service.release
    engine: Engine = "vllm" if release.vllm is not None else "triton"
    server: Any = release.vllm or release.triton
    quota = planned.tenants[entry.tenant].quotas.get(service.placement.quota_key)
    facts = planned.pools[service.placement.pool]
    return InferenceServiceArgs(
        name=entry.document.name, namespace=entry.tenant, runtime=RUNTIMES[engine], model_format=release.model.format,
        storage_uri=release.model.storage_uri, image=server.image, engine_arguments=engine_arguments(release),
        device=quota.resource if quota else quota_resource(facts, service.placement.quota_key), devices=release.devices_per_replica,
        cpu=service.resources.cpu, memory_gib=service.resources.memory_gib, shared_memory_gib=service.resources.shared_memory_gib,
        min_replicas=service.scaling.min_replicas, max_replicas=service.scaling.max_replicas,
        cpu_utilization_percent=service.scaling.cpu_utilization_percent, max_surge=service.rollout.max_surge,
        max_unavailable=service.rollout.max_unavailable, queue_name=LOCAL_QUEUE, may_borrow=service.placement.may_borrow,
        priority=service.priority, node_selector=facts.node_labels, tolerations=taints(pool), port=HTTP_PORTS[engine],
        health_path=HEALTH_PATHS[engine], startup_seconds=service.startup_seconds, timeout_seconds=service.request_timeout_seconds,
        logger=LoggerArgs(service.logging.mode, service.logging.url) if service.logging else None,
        storage_container=STORAGE_CONTAINER if release.model.uri.startswith(URI_PREFIXES) else None, source=entry.place.relative)


def engine_arguments(release: Release) -> tuple[str, ...]:
    """Command-line arguments of the engine: what is written, in vLLM's spelling, sorted."""
    if release.vllm is None:
        return ()
    written = release.vllm.arguments.model_dump(exclude_unset=True)
    return tuple(argument for name in sorted(written) for argument in [_argument(name, written[name])] if argument)


def _argument(name: str, value: Any) -> str | None:
    flag = "--" + name.replace("_", "-")
    if isinstance(value, dict):  # vLLM takes these as JSON
        return f"{flag}={json.dumps(value, sort_keys=True, separators=(',', ':'))}"
    if value is True:
        return flag
    if value is False:  # vLLM's boolean flags come as pairs; a default of False needs neither
        return f"--no-{flag[2:]}" if VllmArguments.model_fields[name].default is None else None
    return None if value is None else f"{flag}={value}"
