"""Layer ``tenants``: each team's namespace, borders, secrets, queue and models."""

from __future__ import annotations

import pulumi

from gpuplane.components.tenant import Tenant, TenantArgs
from gpuplane.components.tenant_access import AccessArgs, BreakGlassArgs
from gpuplane.components.tenant_network import EgressArgs, TenantNetworkArgs
from gpuplane.planning.environment_plan import EnvironmentPlan, TenantPlan
from gpuplane.spec import tenant as wish
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.vocabulary import AI_ACT_RISK, IMPACT_ASSESSMENT, OVERSIGHT_CONTACT, is_personal
from gpuplane.stacks import observation, tenant_cloud
from gpuplane.stacks.autoscaling import register_scaling
from gpuplane.stacks.engine_observation import collector_egress
from gpuplane.stacks.graphs import register_graphs
from gpuplane.stacks.llm_services import api_server_egress, register_worker_templates
from gpuplane.stacks.model_caches import register_model_caches
from gpuplane.stacks.providers import kubernetes_provider, with_provider
from gpuplane.stacks.queues import kueue_queue, volcano_queue
from gpuplane.stacks.services import register_service
from gpuplane.stacks.tenant_secrets import secrets
from gpuplane.stacks.traffic import gateway_peer, register_traffic
from gpuplane.stacks.upstream import checked_context, require_upstream


def compose(spec: EnvironmentSpec, planned: EnvironmentPlan, only: str = "") -> None:
    """Register every tenant, or one alone, then its services once its queue is there.

    What is registered for a tenant follows from its own documents, its own plan, the pools and the environment alone: a preview
    renders no tenant again of which none of these has changed (``gpuplane.delivery.own_inputs`` holds it).
    """
    context = checked_context(spec, "tenants", require_upstream(spec, "tenants"))
    provider = kubernetes_provider(context)
    protected = with_provider(provider, protect=spec.environment.spec.protected or None)
    cloud = tenant_cloud.options(spec)
    for name in [only] if only else spec.tenants:
        _compose_tenant(spec, planned, name, provider, protected, cloud)


def _compose_tenant(spec: EnvironmentSpec, planned: EnvironmentPlan, name: str, provider: pulumi.ProviderResource,
                    protected: pulumi.ResourceOptions, cloud: pulumi.ResourceOptions | None) -> None:
    tenant = Tenant(name, _tenant(spec, planned, name, spec.tenants[name].spec), protected)
    if cloud is not None:
        tenant_cloud.compose(spec, name, tenant, cloud)
    after = pulumi.ResourceOptions.merge(with_provider(provider), pulumi.ResourceOptions(depends_on=[tenant]))
    caches = register_model_caches(spec, name, after)
    ready = pulumi.ResourceOptions.merge(after, pulumi.ResourceOptions(depends_on=caches)) if caches else after
    observation.register_tenant(spec, planned, name, after)
    register_worker_templates(spec, name, after)
    for entry in spec.services_of(name):
        register_service(spec, planned, entry, ready)
        register_scaling(spec, entry, after)
        register_traffic(spec, entry, after)
    register_graphs(spec, name, after)


def _tenant(spec: EnvironmentSpec, planned: EnvironmentPlan, name: str, tenant: wish.TenantSpec) -> TenantArgs:
    settings = spec.environment.spec
    source = spec.places[("Tenant", name)].relative
    return TenantArgs(
        name=name, environment=spec.name, data_classification=tenant.data_classification,
        budget_usd_per_month=tenant.monthly_budget.usd_per_month, budget_block_percent=tenant.monthly_budget.block_percent,
        cost_center=tenant.cost_center, allowed_regions=tenant.allowed_regions,
        allowed_registries=settings.allowed_registries, allowed_model_sources=settings.allowed_model_sources,
        pod_security=settings.pod_security, access=_access(spec, tenant),
        device_ceilings=_ceilings(planned, planned.tenants[name]), host_ceiling=_host_ceiling(planned, planned.tenants[name]),
        queue=kueue_queue(spec, planned, name), volcano=volcano_queue(spec, planned, name),
        declarations=_declarations(tenant), network=_network(spec, name, tenant), secrets=secrets(spec, name, tenant), source=source,
        reachable_from=tuple(each.model_dump(mode="json") for each in tenant.reachable_from))


def _access(spec: EnvironmentSpec, tenant: wish.TenantSpec) -> AccessArgs:
    access = tenant.access
    return AccessArgs(
        viewers=access.having("viewer"), developers=access.having("developer"), operators=access.having("operator"),
        shell=not spec.in_production and not is_personal(tenant.data_classification),
        break_glass=tuple(BreakGlassArgs(one.group, one.reason, one.approver, one.expires) for one in access.break_glass))


def _declarations(tenant: wish.TenantSpec) -> dict[str, str]:
    said = tenant.data_protection
    found = {IMPACT_ASSESSMENT: said.dpia, OVERSIGHT_CONTACT: said.oversight_contact, AI_ACT_RISK: said.ai_act_risk}
    return {key: value for key, value in found.items() if value is not None}


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


def _network(spec: EnvironmentSpec, name: str, tenant: wish.TenantSpec) -> TenantNetworkArgs:
    settings = spec.environment.spec
    return TenantNetworkArgs(
        **gateway_peer(spec, name), dns_cidr=settings.dns_cidr,
        monitoring_namespace=settings.monitoring.namespace if settings.monitoring else None,
        egress=(*(EgressArgs(rule.name, rule.ports, rule.cidr, rule.namespace) for rule in tenant.egress), *collector_egress(spec),
                *tenant_cloud.cloud_egress(spec), *api_server_egress(spec, name)))
