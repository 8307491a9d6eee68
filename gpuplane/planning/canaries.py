"""A canary as what it is for the plan: a second service, with its own release, replicas and GPUs, proven like any other.

Replicas, as KServe v0.20.0 has them (``controller/v1beta1/inferenceservice/components/predictor.go``, seen on its manager): where KServe
scales the service, a canary has a fixed number, at most ``min_replicas``; the service's own minimum shrinks by it only once the canary is
ready, its maximum never. With an external autoscaler KServe starts one and leaves it alone, so the canary has a ScaledObject of its own.
The Deployment's strategy is Kubernetes' default, whatever the service says: a quarter of the replicas more while it is changed.
KServe has no canary of an LLMInferenceService: it is an LLMInferenceService of its own beside it, and the route shares requests out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from gpuplane.catalog.metrics import metric_that_measures
from gpuplane.planning.refusal import UNMEASURED_TRIGGER, Refusal, refused
from gpuplane.planning.scaling import scaled_by_keda
from gpuplane.planning.service_levels.indicators import latency_metric
from gpuplane.spec.canary import Canary
from gpuplane.spec.environment_spec import EnvironmentSpec, Place, ServiceEntry
from gpuplane.spec.inference_service import InferenceService, ServedModelSpec
from gpuplane.spec.llm_inference_service import LLMInferenceServiceSpec, Prefill
from gpuplane.spec.scaling import Rollout, Scaling


@dataclass(frozen=True)
class CanaryPlace(Place):
    """Where a canary stands in its service's document."""

    def path(self, path: str) -> str:
        """The field that says of the canary what ``path`` says of a service."""
        if path == "spec.release" or path.startswith("spec.release."):
            return path.replace("spec.release", "spec.canary.release", 1)
        return "spec.canary.steps" if path.startswith("spec.scaling") else super().path(path)


def with_canaries(spec: EnvironmentSpec) -> EnvironmentSpec:
    """The environment with every canary as a service of its own, ``tenant/SERVICE-CANARY``; itself where there is none."""
    found = [canary for entry in spec.services.values() if (canary := canary_entry(entry)) is not None]
    if not found:
        return spec
    services = {**spec.services, **{each.name: each for entry in found for each in entry.entries()}}
    return replace(spec, services={name: services[name] for name in sorted(services)})


def canary_entry(entry: ServiceEntry) -> ServiceEntry | None:
    """A service's canary as a service; None where it has none. Its maximum is that of its largest step."""
    if entry.role:
        return None
    service = entry.document.spec
    canary, place = service.running_canary, entry.place
    if canary is None:
        return None
    now, most = (replicas_at(service, canary, percent) for percent in (canary.traffic_percent, canary.steps[-1]))
    scaling = service.scaling.model_copy(update={"min_replicas": now[0], "max_replicas": most[1], "expected_replicas": None})
    alone: dict[str, Any] = {"release": canary.release, "scaling": scaling, "canary": None, "objectives": None, "traffic": None,
                             "measured_startup": None}
    if isinstance(service, LLMInferenceServiceSpec) and service.prefill is not None:
        alone["prefill"] = _prefill(service.prefill, canary)
    if isinstance(entry.document, InferenceService):
        alone["rollout"] = Rollout(max_surge=ceil(scaling.max_replicas / 4), max_unavailable=scaling.max_replicas // 4)
    metadata = entry.document.metadata.model_copy(update={"name": canary_name(entry.document.name, canary)})
    document = entry.document.model_copy(update={"metadata": metadata, "spec": service.model_copy(update=alone)})
    return ServiceEntry(entry.tenant, document, CanaryPlace(place.file, place.relative, place.lines))


def _prefill(prefill: Prefill, canary: Canary) -> Prefill:
    """The canary's own pods that read prompts: the same share of those of its service."""
    if prefill.scaling is None:
        return prefill.model_copy(update={"replicas": max(1, _part(prefill.replicas or 1, canary.steps[-1]))})
    low = max(1, _part(prefill.scaling.min_replicas, max(canary.traffic_percent, canary.steps[0])))
    most = max(low, _part(prefill.scaling.max_replicas, canary.steps[-1]))
    return prefill.model_copy(update={"scaling": prefill.scaling.model_copy(
        update={"min_replicas": low, "max_replicas": most, "expected_replicas": None})})


def canary_name(service: str, canary: Canary) -> str:
    """What KServe's objects of a canary are called, less the ends of their names."""
    return f"{service}-{canary.name}"


def replicas_at(service: ServedModelSpec, canary: Canary, percent: int) -> tuple[int, int]:
    """Replicas of a canary with such a share of the requests, at least and at most; before its first step, those of that step."""
    share = max(percent, canary.steps[0])
    low = max(1, _part(service.scaling.min_replicas, share))
    return low, max(low, _part(service.scaling.max_replicas, share)) if scaled_by_keda(service.scaling) else low


def _part(replicas: int, percent: int) -> int:
    return -(-replicas * percent // 100)


def canary_refusals(spec: EnvironmentSpec) -> Iterator[Refusal]:
    """OB-04: objectives and errors that nothing measures of the canary, so that it could never be judged by them."""
    for entry in spec.services.values():
        canary = entry.document.spec.canary
        if canary is None:
            continue
        engine, version = canary.release.engine
        for index, objective in enumerate(canary.objectives):
            metric = latency_metric(entry.document.spec, engine, version, objective)
            if metric is None or metric.type != "histogram":
                yield _unmeasured(entry, f"spec.canary.objectives[{index}]", objective, engine, version, "no histogram of it")
        if canary.max_error_percent is not None and metric_that_measures(engine, version, "error_percent") is None:
            yield _unmeasured(entry, "spec.canary.max_error_percent", "errors", engine, version, "no count of them")


def _unmeasured(entry: ServiceEntry, path: str, what: str, engine: str, version: str, lacks: str) -> Refusal:
    return refused(UNMEASURED_TRIGGER, entry.place, path,
                   f"{engine} {version} has {lacks}: nobody could say whether the canary holds {what}.",
                   "Judge it by queries of your own.", what, "", entry.tenant)


def canary_notes(spec: EnvironmentSpec) -> Iterator[str]:
    """Canaries that cannot grow with the load while their service can."""
    for entry in spec.services.values():
        service, canary = entry.document.spec, entry.document.spec.running_canary
        if canary is None or scaled_by_keda(service.scaling):
            continue
        has, needs = replicas_at(service, canary, canary.steps[-1])[0], _part(service.scaling.max_replicas, canary.steps[-1])
        if has < needs:
            yield (f"The canary of service {entry.name} has {has} of the {needs} replicas that {canary.steps[-1]} % of its peak takes: "
                   "KServe does not scale a canary. Triggers would, or take smaller steps.")


def bounds_of_canary(service: ServedModelSpec, canary: Canary) -> Scaling:
    """Bounds that the autoscaler of a canary has at its present share."""
    low, high = replicas_at(service, canary, canary.traffic_percent)
    return service.scaling.model_copy(update={"min_replicas": low, "max_replicas": high})
