"""Which services' pods a change makes anew: of objects that serve models, of their runtimes, and of the nodes they run on.

A field that is not known to leave pods alone is taken to restart them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gpuplane.delivery.changes import Change
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning.environment_plan import TenantPlan

SERVING = ("InferenceService", "LLMInferenceService")
"""Kinds of objects that models are served by; an object has the name of its service and the namespace of its tenant."""
RUNTIMES = ("ServingRuntime", "ClusterServingRuntime")
KEEPS_PODS: Mapping[str, tuple[str, ...]] = {
    "InferenceService": ("spec.predictor.minReplicas", "spec.predictor.maxReplicas", "spec.predictor.scaleMetric",
                         "spec.predictor.scaleTarget", "spec.predictor.scaleMetricType", "spec.predictor.autoScaling",
                         "spec.predictor.deploymentStrategy", "spec.predictor.canaryTrafficPercent", "spec.predictor.timeout",
                         "metadata.annotations.gpuplane.dev/model-license", "metadata.annotations.serving.kserve.io/autoscalerClass"),
    "LLMInferenceService": ("spec.replicas", "spec.scaling", "spec.prefill.replicas", "spec.router",
                            "metadata.annotations.gpuplane.dev/model-license"),
}
"""Fields outside of the pod template: they scale, route or say how a rollout goes (KServe v0.20, ``ComponentExtensionSpec``)."""
_RUNTIME_MATCHING = ("spec.supportedModelFormats", "spec.protocolVersions", "spec.disabled", "metadata")
"""Fields of a runtime by which it is found; the rest is a template of pods, and KServe updates services when it changes (kserve#4342)."""


@dataclass(frozen=True)
class Restart:
    """Why a service's pods are made anew (or made, or gone).

    Attributes:
        service: ``tenant/service``.
        action: what happens to its object; ``update`` where it is something that it stands on.
        causes: fields of its object, or sentences on what else changes.
    """

    service: str
    action: str
    causes: tuple[str, ...]


def restarts(changes: Iterable[Change], views: Iterable[ResourceView], tenants: Mapping[str, TenantPlan]) -> tuple[Restart, ...]:
    """Every service whose pods change, sorted by name.

    Args:
        changes: what differs.
        views: all objects as they are to be.
        tenants: plans of all tenants, for the pools that services run on.
    """
    causes: dict[str, list[str]] = {}
    actions: dict[str, str] = {}
    listed, objects = list(changes), [view for view in views if view.kind in SERVING]
    for change in listed:
        if change.view.kind in SERVING and (found := _of_object(change)) is not None:
            name = f"{change.view.namespace}/{change.view.name}"
            actions[name], causes[name] = change.action, found
    for name, cause in _of_others(listed, objects, tenants):
        if cause not in causes.setdefault(name, []):
            causes[name].append(cause)
    return tuple(Restart(name, actions.get(name, "update"), tuple(causes[name])) for name in sorted(causes))


def _of_object(change: Change) -> list[str] | None:
    """Fields that restart the pods of a serving object; None where they stay."""
    if change.action != "update":
        return [change.reason] if change.reason else []
    found = [field.path for field in change.fields if not _begins(field.path, KEEPS_PODS[change.view.kind])]
    return found or None


def _of_others(changes: list[Change], objects: list[ResourceView], tenants: Mapping[str, TenantPlan]) -> Iterator[tuple[str, str]]:
    for change in changes:
        view = change.view
        if view.kind in RUNTIMES and change.action != "create":
            moved = change.action != "update" or any(not _begins(field.path, _RUNTIME_MATCHING) for field in change.fields)
            yield from ((f"{each.namespace}/{each.name}", f"runtime {view.name} changes") for each in objects
                        if moved and _runtime(each) == view.name and view.namespace in ("", each.namespace))
        elif pool := _pool_of_new_nodes(change):
            yield from ((f"{tenant.name}/{service.name}", f"nodes of pool {pool} are replaced") for tenant in tenants.values()
                        for service in tenant.services if service.quota_key.partition("/")[0] == pool)


def _runtime(view: ResourceView) -> str:
    return str(view.get("spec", "predictor", "model", "runtime") or "")


def _pool_of_new_nodes(change: Change) -> str:
    """The pool whose nodes a change takes away or makes anew; empty for none."""
    kind, action = change.view.kind, change.action
    replaced = kind == "NodeGroup" and action in ("replace", "delete")
    return change.view.name if replaced or (kind == "LaunchTemplate" and action in ("update", "replace")) else ""


def _begins(path: str, prefixes: tuple[str, ...]) -> bool:
    return any(path == prefix or path.startswith((f"{prefix}.", f"{prefix}[")) for prefix in prefixes)
