"""How many GPUs each workload takes at least, at most and while it rolls out, read from the object itself.

Quota and cost rules compare these numbers with queues and prices. A count that cannot be known is kept as
such: a default in its place would let a workload pass that may want any number of GPUs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import TEMPLATE_KINDS, PodTemplate
from gpuplane.graph.quantities import quantity
from gpuplane.graph.replicas import Scale, scale_of
from gpuplane.graph.resource_view import ResourceView, lookup, mapping, unknowns
from gpuplane.graph.serving_runtimes import effective_templates
from gpuplane.spec.vocabulary import MAY_BORROW, is_device_resource

BATCH_KINDS = frozenset({"Job", "CronJob", "JobSet", "RayJob", "TrainJob", "PyTorchJob", "MPIJob", "TFJob", "XGBoostJob",
                         "ScaledJob", "Workflow", "CronWorkflow", "TaskRun", "PipelineRun"})
"""Kinds that end: a queue lets them wait their turn, so they commit nothing and need not fit all at once."""


@dataclass(frozen=True)
class Workload:
    """GPU pods of one template of an object.

    Attributes:
        view, template: the object, and the pods.
        devices: device resource to devices of one pod.
        scale: how many such pods.
        unknown: paths that decide this and that only apply can know.
    """

    view: ResourceView
    template: PodTemplate
    devices: Mapping[str, int]
    scale: Scale
    unknown: tuple[str, ...] = ()

    @property
    def batch(self) -> bool:
        """Whether it ends by itself."""
        return self.view.kind in BATCH_KINDS

    @property
    def may_borrow(self) -> bool:
        """Whether it accepts to run on borrowed GPUs."""
        return str(self.view.annotations.get(MAY_BORROW, "")).lower() == "true"

    def peak(self, resource: str) -> int | None:
        """Devices it may take at its maximum and while rolling out; None where there is no maximum."""
        return None if self.scale.maximum is None else (self.scale.maximum + self.scale.surge) * self.devices.get(resource, 0)


@lru_cache(maxsize=4)
def gpu_workloads(graph: PlannedGraph) -> tuple[Workload, ...]:
    """Every workload that asks for GPUs, or of which that cannot be known, in the graph's order."""
    found = [_workload(graph, view, template) for view, _ in graph.pods if view.kind not in TEMPLATE_KINDS
             for template in effective_templates(graph, view)]
    return tuple(workload for workload in found if workload.devices or workload.unknown)


def devices_of(template: PodTemplate) -> Mapping[str, int]:
    """Devices of one pod: what its containers ask for together, or one init container alone if that is more."""
    running: Counter[str] = Counter()
    starting: Counter[str] = Counter()
    for container in template.containers:
        asked = _devices(container.spec)
        if container.role == "init" and container.spec.get("restartPolicy") != "Always":
            starting |= Counter(asked)
        else:
            running += Counter(asked)
    return dict(sorted((running | starting).items()))


def _devices(container: Mapping[str, Any]) -> dict[str, int]:
    requests, limits = (mapping(lookup(container, "resources", part)) for part in ("requests", "limits"))
    if not limits and not requests:
        return {}
    amounts = {name: quantity(value) for name, value in {**limits, **requests}.items() if is_device_resource(str(name))}
    return {name: int(amount) for name, amount in amounts.items() if amount}


def _workload(graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Workload:
    devices = devices_of(template)
    hidden = list(template.unknown)
    for container in template.containers:
        hidden += [f"{container.path}.{path}" for path, _ in unknowns({"resources": container.spec.get("resources")})
                   if path.count(".") < 2 or is_device_resource(path.split(".", 2)[2])]
    scale = scale_of(graph, view, template)
    if devices:
        hidden += scale.unknown
    return Workload(view, template, devices, scale, tuple(hidden))
