"""What a KServe model really runs: its own fields merged over those of the ServingRuntime it names.

KServe merges by Kubernetes' strategic merge patch, and appends the service's arguments to the runtime's
(``MergeRuntimeContainers`` and ``MergePodSpec`` in KServe v0.20, ``inferenceservice/utils``). A rule that read
the service alone would miss a flag or a limit that only the runtime sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import KSERVE_CONTAINER, KSERVE_GROUP, PodContainer, PodTemplate, dotted, pod_templates
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, mapping

_MERGE_KEYS = {"env": "name", "volumeMounts": "mountPath", "ports": "containerPort", "volumes": "name",
               "imagePullSecrets": "name", "volumeDevices": "devicePath"}
"""Lists that Kubernetes merges by a key; any other list is replaced."""


def runtime_of(graph: PlannedGraph, view: ResourceView, component: Any) -> ResourceView | None:
    """The ServingRuntime (or else ClusterServingRuntime) that a component's model names, if the graph holds it."""
    name = lookup(component, "model", "runtime")
    for runtime in graph.objects("ServingRuntime", "ClusterServingRuntime"):
        if runtime.name == name and (runtime.kind == "ClusterServingRuntime" or runtime.namespace == view.namespace):
            return runtime
    return None


def effective_templates(graph: PlannedGraph, view: ResourceView) -> tuple[PodTemplate, ...]:
    """:func:`pod_templates` with the containers as they run, where the graph holds the runtime; paths stay the object's own."""
    known = _all(graph).get(view.urn)
    return tuple(_effective(graph, view, template) for template in pod_templates(view)) if known is None else known


@lru_cache(maxsize=4)
def _all(graph: PlannedGraph) -> Mapping[str, tuple[PodTemplate, ...]]:
    """By URN: every rule asks for these, and they are the same for each."""
    written = {view.urn: templates for view, templates in graph.pods}
    return {view.urn: tuple(_effective(graph, view, template) for template in written.get(view.urn, ())) for view in graph.kubernetes}


def _effective(graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> PodTemplate:
    if view.kind != "InferenceService" or view.group != KSERVE_GROUP:
        return template
    worker = template.steps[-1:] == ("workerSpec",)
    component = lookup(view.props, *template.steps[:-1]) if worker else template.spec
    runtime = runtime_of(graph, view, component)
    if runtime is None:
        return template
    source = mapping(runtime.get("spec", "workerSpec") if worker else runtime.get("spec"))
    pod = {key: value for key, value in source.items() if key not in ("containers", "workerSpec", "labels", "annotations")}
    return replace(template, spec=merged(pod, template.spec), containers=_merged_containers(source, template),
                   labels={**mapping(source.get("labels")), **template.labels},
                   annotations={**mapping(source.get("annotations")), **template.annotations})


def _merged_containers(source: Mapping[str, Any], template: PodTemplate) -> tuple[PodContainer, ...]:
    """The runtime's containers below those of the same name, and those that only the runtime has."""
    base = {str(item.get("name")): item for item in items(source.get("containers")) if isinstance(item, Mapping)}
    own = tuple(replace(container, spec=_merged_container(base.pop(container.name, {}), container.spec))
                if container.role == "container" else container for container in template.containers)
    implied = dotted((*template.steps, "model"))
    added = tuple(PodContainer(implied if name == KSERVE_CONTAINER else template.path, name, "container", spec)
                  for name, spec in sorted(base.items()))
    return own + added


def _merged_container(base: Mapping[str, Any], own: Mapping[str, Any]) -> Mapping[str, Any]:
    whole: dict[str, Any] = merged(base, own)
    if not any(isinstance(part.get("args"), Unknown) for part in (base, own)):
        whole["args"] = items(base.get("args")) + items(own.get("args"))
    return whole


def merged(base: Any, own: Any, key: str = "") -> Any:
    """``own`` over ``base`` as a strategic merge patch does it: mappings key by key, known lists by their merge key."""
    if isinstance(base, Mapping) and isinstance(own, Mapping):
        return {**base, **{name: merged(base.get(name), value, name) for name, value in own.items()}}
    if key in _MERGE_KEYS and isinstance(base, list) and isinstance(own, list):
        by = _MERGE_KEYS[key]
        return [*own, *(item for item in base if lookup(item, by) not in [lookup(mine, by) for mine in own])]
    return base if own is None else own
