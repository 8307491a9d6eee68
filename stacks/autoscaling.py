"""What moves a service's replicas, and what keeps drains from taking too many of them away."""

from __future__ import annotations

from dataclasses import replace

import pulumi

from gpuplane.catalog.metrics import metric_that_measures
from gpuplane.components.autoscaler import WAKING, Autoscaler, AutoscalerArgs, CronTrigger, PrometheusTrigger
from gpuplane.components.disruption_budget import DisruptionBudget, DisruptionBudgetArgs
from gpuplane.planning.canaries import bounds_of_canary, canary_entry
from gpuplane.planning.scaling import MEASURES, scaled_by_keda
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry
from gpuplane.spec.kserve_names import pod_labels, series_name, workload_of
from gpuplane.spec.scaling import Scaling

RATE_WINDOW = "2m"
ANY_LOAD = "1000000"
"""Load of one replica of a query that only says whether anybody asks: it never asks for a second one."""


def register_scaling(spec: EnvironmentSpec, entry: ServiceEntry, options: pulumi.ResourceOptions) -> None:
    """Register a service's autoscaler, where KEDA is what scales it, and its disruption budget."""
    service, alone = entry.document.spec, canary_entry(entry)
    canary = service.running_canary
    if scaled_by_keda(service.scaling):
        Autoscaler(f"{entry.tenant}-{entry.document.name}", _autoscaler(spec, entry, entry), options)
        if alone is not None and canary is not None:
            args = replace(_autoscaler(spec, alone, entry), max_replicas=bounds_of_canary(service, canary).max_replicas)
            Autoscaler(f"{entry.tenant}-{alone.document.name}", args, options)
    # An InferenceService's label is on the pods of its canary as well.
    for each in (entry, *([alone] if alone is not None and pod_labels(alone) != pod_labels(entry) else [])):
        _budget(each, options)
    for each in alone.entries() if alone is not None else ():
        if each.role:  # the canary's own pods that read prompts
            if scaled_by_keda(each.document.spec.scaling):
                Autoscaler(f"{each.tenant}-{each.document.name}", _autoscaler(spec, each, each), options)
            _budget(each, options)


def _budget(entry: ServiceEntry, options: pulumi.ResourceOptions) -> None:
    DisruptionBudget(f"{entry.tenant}-{entry.document.name}", DisruptionBudgetArgs(
        entry.document.name, entry.tenant, pod_labels(entry), _pods_at_once(entry), entry.place.relative), options)


def _pods_at_once(entry: ServiceEntry) -> int:
    """Pods that a drain may take: a replica of several starts anew when one of them goes, and is gone until all are back."""
    replicas, pods = entry.document.spec.disruption.max_unavailable, entry.document.spec.pods_per_replica
    return (replicas - 1) * pods + 1 if replicas else 0


def _autoscaler(spec: EnvironmentSpec, entry: ServiceEntry, of: ServiceEntry) -> AutoscalerArgs:
    """Of a service, or of its canary as one: where both bear the label of the service, pod names tell them apart."""
    monitoring, scaling, name = spec.environment.spec.monitoring, entry.document.spec.scaling, entry.document.name
    sleeps = scaling.scale_to_zero
    workload, series = workload_of(entry), series_name(of, name)
    matching = f'tenant="{entry.tenant}",service="{series}"'
    if of.document.spec.running_canary is not None:
        matching += f',pod=~"{workload.pods_pattern}"'
    hours = sleeps.working_hours if sleeps is not None else None
    return AutoscalerArgs(
        name=name, namespace=entry.tenant, workload=workload.name, kind=workload.kind, api_version=workload.api_version,
        source=entry.place.relative, min_replicas=scaling.min_replicas,
        max_replicas=scaling.max_replicas, prometheus_url=(monitoring.prometheus_url if monitoring is not None else None) or "",
        triggers=(*_loads(entry, matching), *_waking(scaling)),
        cron=CronTrigger(hours.start, hours.end, hours.timezone) if hours is not None else None,
        idle_seconds=sleeps.idle_seconds if sleeps is not None else 0, scale_down_seconds=scaling.scale_down_seconds)


def _loads(entry: ServiceEntry, matching: str) -> tuple[PrometheusTrigger, ...]:
    """Queries for the load of all replicas together: KEDA divides it by what one replica is to bear."""
    triggers, found = entry.document.spec.scaling.triggers, []
    for trigger, measured in MEASURES.items():
        wanted = getattr(triggers, trigger, None)
        metric = metric_that_measures(*entry.document.spec.release.engine, measured)
        if wanted is None or metric is None:  # what the engine does not measure is refused in the plan
            continue
        series = f"{metric.name}{{{','.join(filter(None, (matching, metric.matching)))}}}"
        series = f"rate({series}[{RATE_WINDOW}])" if metric.type == "counter" else series
        found.append(PrometheusTrigger(trigger, f"100 * sum({series})" if metric.unit == "ratio" else f"sum({series})", str(wanted)))
    return tuple(found)


def _waking(scaling: Scaling) -> tuple[PrometheusTrigger, ...]:
    query = scaling.scale_to_zero.wake_query if scaling.scale_to_zero is not None else None
    return () if query is None else (PrometheusTrigger(WAKING, query, ANY_LOAD),)
