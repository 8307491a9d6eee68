"""What moves a service's replicas, and what keeps drains from taking too many of them away."""

from __future__ import annotations

from dataclasses import replace

import pulumi

from gpuplane.catalog.metrics import metric_that_measures
from gpuplane.components.autoscaler import WAKING, Autoscaler, AutoscalerArgs, CronTrigger, PrometheusTrigger
from gpuplane.components.disruption_budget import DisruptionBudget, DisruptionBudgetArgs
from gpuplane.planning.canaries import bounds_of_canary, canary_entry, pods_pattern
from gpuplane.planning.scaling import MEASURES, scaled_by_keda
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry
from gpuplane.spec.inference_service import InferenceService
from gpuplane.spec.scaling import Scaling
from gpuplane.spec.vocabulary import INFERENCE_SERVICE_LABEL

RATE_WINDOW = "2m"
ANY_LOAD = "1000000"
"""Load of one replica of a query that only says whether anybody asks: it never asks for a second one."""


def register_scaling(spec: EnvironmentSpec, entry: ServiceEntry, options: pulumi.ResourceOptions) -> None:
    """Register a service's autoscaler, where KEDA is what scales it, and its disruption budget."""
    name, service = entry.document.name, entry.document.spec
    if scaled_by_keda(service.scaling):
        Autoscaler(f"{entry.tenant}-{name}", _autoscaler(spec, entry, name), options)
        alone, canary = canary_entry(entry), service.running_canary
        if alone is not None and canary is not None:
            args = replace(_autoscaler(spec, alone, name), max_replicas=bounds_of_canary(service, canary).max_replicas)
            Autoscaler(f"{entry.tenant}-{alone.document.name}", args, options)
    DisruptionBudget(f"{entry.tenant}-{name}", DisruptionBudgetArgs(
        name, entry.tenant, _pod_labels(entry), service.disruption.max_unavailable), options)


def _pod_labels(entry: ServiceEntry) -> dict[str, str]:
    """Labels that KServe v0.20.0 gives the pods (of an LLMInferenceService: ``llmisvc/workload.go``), those of one role alone."""
    if isinstance(entry.document, InferenceService):
        return {INFERENCE_SERVICE_LABEL: entry.document.name}
    component = f"llminferenceservice-workload{'-prefill' if entry.role else ''}"
    return {"app.kubernetes.io/part-of": "llminferenceservice", "app.kubernetes.io/name": entry.object_name,
            "app.kubernetes.io/component": component}


def _autoscaler(spec: EnvironmentSpec, entry: ServiceEntry, service: str) -> AutoscalerArgs:
    """Of a service, or of its canary as one: both bear the label of the service, and where there are two, pod names tell them apart."""
    monitoring, scaling, name = spec.environment.spec.monitoring, entry.document.spec.scaling, entry.document.name
    sleeps = scaling.scale_to_zero
    matching = f'tenant="{entry.tenant}",service="{service}"'
    if name != service or entry.document.spec.running_canary is not None:
        matching += f',pod=~"{pods_pattern(name)}"'
    hours = sleeps.working_hours if sleeps is not None else None
    return AutoscalerArgs(
        name=name, namespace=entry.tenant, deployment=f"{name}-predictor", min_replicas=scaling.min_replicas,
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
