"""What is watched: the wish, its plan and the metrics of each engine as the components that alert and show."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pulumi

from gpuplane.catalog.metrics import Metric, metric_that_measures
from gpuplane.components.alerts import Watch
from gpuplane.components.dashboards import Dashboards, DashboardsArgs
from gpuplane.components.drift_job import DriftJob, DriftJobArgs
from gpuplane.components.gateway import proxy_labels
from gpuplane.components.monitoring import GatewayProxies, Monitoring, MonitoringArgs
from gpuplane.components.platform_rules import Recorded
from gpuplane.components.service_objectives import ServiceObjectives, ServiceObjectivesArgs
from gpuplane.components.tenant_budget_rules import TenantBudgetRules, TenantBudgetRulesArgs
from gpuplane.planning.environment_plan import EnvironmentPlan, device_share, quota_resource
from gpuplane.planning.service_levels.indicators import indicators
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry
from gpuplane.spec.inference_service import InferenceService
from gpuplane.spec.kserve_names import inference_pool, workload_of
from gpuplane.spec.llm_inference_service import LLMInferenceService
from gpuplane.spec.monitoring import Monitoring as MonitoringWish

_MILLIONTH = Decimal("0.000001")
_OPERATORS = (
    ("kueue-system", "kueue-controller-manager", "nothing that asks for GPUs is admitted"),
    ("kserve", "kserve-controller-manager", "changes to services have no effect; what runs goes on"))
_GPU_OPERATOR = ("gpu-operator", "gpu-operator", "new GPU nodes offer no GPUs")


def register_platform(spec: EnvironmentSpec, planned: EnvironmentPlan, options: pulumi.ResourceOptions) -> None:
    """Monitors, rules and dashboards of the platform, where the environment is watched."""
    wish = spec.environment.spec.monitoring
    if wish is None:
        return
    operator, kinds = spec.environment.spec.gpu_operator, {type(entry.document) for entry in spec.services.values()}
    Monitoring("monitoring", MonitoringArgs(
        wish.namespace, wish.labels, _watch(wish, wish.owner), (*_OPERATORS, *((_GPU_OPERATOR,) if operator is not None else ())),
        has_gpu_metrics=operator is not None and operator.dcgm_service_monitor, recorded=_recorded(spec, planned),
        has_inference_services=not kinds or InferenceService in kinds, has_llm_services=LLMInferenceService in kinds,
        has_endpoint_pickers=any(inference_pool(entry) is not None for entry in spec.services.values()),
        proxies=_proxies(spec)), options)
    if wish.grafana is not None:
        recorded = _recorded(spec, planned)
        Dashboards("dashboards", DashboardsArgs(wish.namespace, wish.grafana.labels, wish.grafana.folder, recorded), options)


def _proxies(spec: EnvironmentSpec) -> GatewayProxies | None:
    """The gateway's, once a tenant has callers: before that there is none."""
    gateway = spec.environment.spec.gateway
    if gateway is None or all(tenant.spec.access.models is None for tenant in spec.tenants.values()):
        return None
    return GatewayProxies(gateway.proxy_namespace, proxy_labels(gateway.namespace))


def _recorded(spec: EnvironmentSpec, planned: EnvironmentPlan) -> Recorded:
    """What the rules of all services record."""
    services = [entry.document.spec for entry in spec.services.values()]
    return Recorded(
        objectives=any(indicators(service)[0] for service in services),
        tokens=any(metric_that_measures(*service.release.engine, "output_tokens") for service in services),
        costs=any(_replica_usd_per_hour(planned, entry) is not None for entry in spec.services.values()))


def register_tenant(spec: EnvironmentSpec, planned: EnvironmentPlan, name: str, options: pulumi.ResourceOptions) -> None:
    """A tenant's budget, where the environment is watched."""
    wish, tenant = spec.environment.spec.monitoring, spec.tenants[name].spec
    priced = (entry for entry in spec.services_of(name) if _replica_usd_per_hour(planned, entry) is not None)
    if wish is not None and any(priced):
        TenantBudgetRules(f"{name}-budget", TenantBudgetRulesArgs(
            name, tenant.monthly_budget.usd_per_month, _watch(wish, tenant.owner), wish.labels), options)


def register_service(spec: EnvironmentSpec, planned: EnvironmentPlan, entry: ServiceEntry, options: pulumi.ResourceOptions) -> None:
    """A service's drift job; and its promises, usage and cost, where the environment is watched."""
    wish, service = spec.environment.spec.monitoring, entry.document.spec
    _register_drift(spec, entry, options)
    if wish is None:
        return

    def metric(what: str) -> Metric | None:
        return metric_that_measures(*service.release.engine, what)

    # Servers that write answers count the whole prompt too (vLLM): what others read for them would be counted twice.
    prompts, outputs = (metric("prompt_tokens"), metric("output_tokens")) if not entry.role else (None, None)

    ServiceObjectives(f"{entry.tenant}-{entry.document.name}", ServiceObjectivesArgs(
        service=entry.document.name, tenant=entry.tenant, model=service.release.model.model, indicators=indicators(service)[0],
        watch=_watch(wish, spec.tenants[entry.tenant].spec.owner), labels=wish.labels, startup_seconds=planned.startup_seconds[entry.name],
        pods=workload_of(entry).pods_pattern, resource=entry.document.kind.lower(),
        kv_cache=metric("kv_cache_percent"), waiting=metric("waiting_requests"),
        prompt_tokens=prompts, output_tokens=outputs,
        replica_usd_per_hour=_replica_usd_per_hour(planned, entry)), options)


def _register_drift(spec: EnvironmentSpec, entry: ServiceEntry, options: pulumi.ResourceOptions) -> None:
    wish, drift = spec.environment.spec.monitoring, entry.document.spec.drift
    if drift is None:
        return
    watch = _watch(wish, spec.tenants[entry.tenant].spec.owner) if wish is not None else None
    DriftJob(f"{entry.tenant}-{entry.document.name}", DriftJobArgs(
        service=entry.document.name, tenant=entry.tenant, image=drift.image, reference=drift.reference, current=drift.current,
        schedule=drift.schedule, drifted_columns_ratio=drift.drifted_columns_percent / 100, cpu=drift.cpu, memory_gib=drift.memory_gib,
        watch=watch, labels=wish.labels if wish is not None else None), options)


def _replica_usd_per_hour(planned: EnvironmentPlan, entry: ServiceEntry) -> Decimal | None:
    """A replica's share of a node, at the price that budgets reckon with, to a millionth of a dollar."""
    placement, pool = entry.document.spec.placement, planned.pools[entry.document.spec.placement.pool]
    if pool.usd_per_node_hour is None:
        return None
    share = device_share(pool, quota_resource(pool, placement.quota_key)) * entry.document.spec.devices_per_replica
    exact = Fraction(pool.usd_per_node_hour) * share
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(_MILLIONTH)


def _watch(wish: MonitoringWish, owner: str) -> Watch:
    return Watch(owner, wish.runbook_base_url)
