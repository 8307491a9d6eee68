"""How many pods a template is multiplied into: replicas on the way to it, autoscalers above it, rollouts beside it.

Defaults are those of the API that would fill them in: Kubernetes 1.36 workloads, KServe v0.20, LeaderWorkerSet,
KubeRay. A count that is neither written nor defaulted is not guessed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpuplane.graph.autoscalers import bounds_of
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import KSERVE_GROUP, PodTemplate, Steps, dotted
from gpuplane.graph.resource_view import ResourceView, Unknown, lookup, mapping

DEFAULT_SURGE = "25%"
"""maxSurge of a Deployment that names none (apps/v1)."""


@dataclass(frozen=True)
class Scale:
    """Pods of one template.

    Attributes:
        minimum: pods that always run.
        maximum: pods at peak; None where nothing limits them.
        surge: pods on top while a new version rolls out.
        field: path of what sets the maximum.
        unknown: paths of counts that only apply can know.
    """

    minimum: int
    maximum: int | None
    surge: int = 0
    field: str = ""
    unknown: tuple[str, ...] = ()


class _Counts:
    """Reads counts and remembers which are unknown or no numbers at all."""

    def __init__(self) -> None:
        self.unknown: list[str] = []

    def read(self, value: Any, default: int, path: str) -> int:
        if value is None:
            return default
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, (int, str)) or not str(value).strip().isdecimal():
            self.unknown.append(path)
            return default
        return int(value)


def scale_of(graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Scale:
    """How many pods a template of this object may become."""
    counts = _Counts()
    if view.group == KSERVE_GROUP and view.kind == "InferenceService":
        low, high, surge, field = _component(graph, view, template.steps, counts)
    elif view.group == KSERVE_GROUP and view.kind == "LLMInferenceService":
        low, high, surge, field = _llm(view, template.steps, counts)
    elif view.group == "serving.knative.dev":
        low, high, surge, field = _knative(template, counts)
    else:
        low, high, surge, field = _generic(graph, view, template.steps, counts)
    return Scale(low, high, surge, field, tuple(dict.fromkeys(counts.unknown)))


_Bounds = tuple[int, int | None, int, str]


def _component(graph: PlannedGraph, view: ResourceView, steps: Steps, counts: _Counts) -> _Bounds:
    worker = steps[-1] == "workerSpec"
    path = steps[:-1] if worker else steps
    component, at = mapping(view.get(*path)), dotted(path)
    # KServe's own autoscaler takes less than 1 for 1 (createHPA); only an external one takes Standard mode to zero.
    low = max(counts.read(component.get("minReplicas"), 1, f"{at}.minReplicas"), 1)
    written = counts.read(component.get("maxReplicas"), 0, f"{at}.maxReplicas")
    high: int | None = max(written, low)
    external = bounds_of(graph, view.namespace, "Deployment", _deployment(view, component, str(path[-1])))
    if external is not None:
        low = counts.read(external.minimum, 1, "minReplicas")
        high = max(high or 0, counts.read(external.maximum, 1, "maxReplicas"))
    elif not written and _scales_freely(view) and "canary" not in path:
        high = None  # Knative takes 0 or nothing as no limit
    elif not high:
        high = 1  # an autoscaler of a Deployment starts at one
    if str(view.annotations.get("serving.kserve.io/stop", "")).lower() == "true":
        low = 0
    nodes = 1
    if "workerSpec" in component:
        size = lookup(component, "workerSpec", "pipelineParallelSize")
        nodes = max(counts.read(size, 2, f"{at}.workerSpec.pipelineParallelSize"), 2)
    strategy = component.get("deploymentStrategy")
    surge = _surge(strategy, high or 0, counts, f"{at}.deploymentStrategy", "100%" if nodes > 1 else DEFAULT_SURGE)
    times = nodes - 1 if worker else 1
    return low * times, None if high is None else high * times, surge * times, f"{at}.maxReplicas"


def _deployment(view: ResourceView, component: Mapping[str, Any], part: str) -> str:
    """Name of the Deployment that KServe makes for a component (constants.PredictorServiceName)."""
    return f"{view.name}-{component['name']}-{part}" if component.get("name") else f"{view.name}-{part}"


def _scales_freely(view: ResourceView) -> bool:
    mode = view.annotations.get("serving.kserve.io/deploymentMode")
    return mode not in ("Standard", "RawDeployment")


def _llm(view: ResourceView, steps: Steps, counts: _Counts) -> _Bounds:
    role, part = steps[:-1], steps[-1]
    if part == "template" and "scheduler" in role:
        count = counts.read(view.get(*role, "replicas"), 1, f"{dotted(role)}.replicas")
        return count, count, 0, f"{dotted(role)}.replicas"
    spec = mapping(view.get(*role))
    scaling, at = mapping(spec.get("scaling")), dotted(role)
    low = counts.read(scaling.get("minReplicas", spec.get("replicas")), 1, f"{at}.scaling.minReplicas")
    high = max(counts.read(scaling.get("maxReplicas", spec.get("replicas")), low, f"{at}.scaling.maxReplicas"), low)
    field = f"{at}.scaling.maxReplicas" if scaling else f"{at}.replicas"
    if part == "worker":
        times = _llm_nodes(spec, counts, at) - 1
        return low * times, high * times, 0, field
    return low, high, 0 if "worker" in spec else _surge(None, high, counts, at), field


def _llm_nodes(spec: Mapping[str, Any], counts: _Counts, at: str) -> int:
    parallel = mapping(spec.get("parallelism"))
    if "data" in parallel:
        data, local = (counts.read(parallel.get(key), 1, f"{at}.parallelism.{key}") for key in ("data", "dataLocal"))
        return max(-(-data // max(local, 1)), 1)
    return max(counts.read(parallel.get("pipeline"), 1, f"{at}.parallelism.pipeline"), 1)


def _knative(template: PodTemplate, counts: _Counts) -> _Bounds:
    low, high = (template.annotations.get(f"autoscaling.knative.dev/{key}") for key in ("min-scale", "max-scale"))
    most = counts.read(high, 0, "autoscaling.knative.dev/max-scale")
    least = counts.read(low, 0, "autoscaling.knative.dev/min-scale")
    return least, most or None, 0, f"{template.path}: autoscaling.knative.dev/max-scale"


def _generic(graph: PlannedGraph, view: ResourceView, steps: Steps, counts: _Counts) -> _Bounds:
    """Replicas multiplied along the way to the template; an autoscaler's bounds take the place of the object's own."""
    low, high, field = 1, 1, ""
    bounds = bounds_of(graph, view.namespace, view.kind, view.name)
    for depth in range(1, len(steps) + 1):
        above, at = view.get(*steps[:depth]), dotted(steps[:depth])
        if not isinstance(above, Mapping) or isinstance(above, Unknown):
            continue
        if bounds is not None and depth == 1:
            written: tuple[Any, Any] = (bounds.minimum, bounds.maximum)
        else:
            replicas = above.get("replicas")
            written = above.get("minReplicas", replicas), above.get("maxReplicas", replicas)
        if written != (None, None):
            below, most = (counts.read(value, 1, f"{at}.replicas") for value in written)
            low, high = low * below, high * max(below, most)
            field = field or (f"{at}.maxReplicas" if "maxReplicas" in above else f"{at}.replicas")
        for key in ("parallelism", "numOfHosts", "numNodes"):
            if isinstance(above.get(key), (int, float, str, Unknown)):
                times = counts.read(above[key], 1, f"{at}.{key}")
                low, high, field = low * times, high * times, field or f"{at}.{key}"
    group = _group_size(view, steps, counts)
    if view.kind == "DaemonSet":
        return low, None, 0, "spec"  # as many as there are nodes
    surge = _surge(view.get("spec", "strategy"), high, counts, "spec.strategy") if view.kind == "Deployment" else 0
    return low * group, high * group, surge, field


def _group_size(view: ResourceView, steps: Steps, counts: _Counts) -> int:
    """Pods of this template in one LeaderWorkerSet group."""
    if view.kind != "LeaderWorkerSet":
        return 1
    size = counts.read(view.get("spec", "leaderWorkerTemplate", "size"), 1, "spec.leaderWorkerTemplate.size")
    if "leaderTemplate" in steps:
        return 1
    return size - 1 if view.get("spec", "leaderWorkerTemplate", "leaderTemplate") is not None else size


def _surge(strategy: Any, replicas: int, counts: _Counts, at: str, default: str = DEFAULT_SURGE) -> int:
    if lookup(strategy, "type") == "Recreate":
        return 0
    written = lookup(strategy, "rollingUpdate", "maxSurge")
    text = str(default if written is None else written).strip()
    if text.endswith("%") and text[:-1].isdecimal():
        return math.ceil(replicas * int(text[:-1]) / 100)
    return counts.read(written, 0, f"{at}.rollingUpdate.maxSurge")


def unavailable(strategy: Any, replicas: int) -> int | None:
    """Pods that an update may take away of so many, as the Deployment controller counts; None where that cannot be known.

    Percentages are rounded down, and one pod may go where neither that nor a surge leaves any (``ResolveFenceposts``).
    """
    if lookup(strategy, "type") == "Recreate":
        return replicas
    written = lookup(strategy, "rollingUpdate", "maxUnavailable")
    text = str(DEFAULT_SURGE if written is None else written).strip()
    if isinstance(written, Unknown) or not text.removesuffix("%").isdecimal():
        return None
    count = replicas * int(text[:-1]) // 100 if text.endswith("%") else int(text)
    return count or (0 if _surge(strategy, replicas, _Counts(), "") else 1)
