"""Pods as other objects find them: by the labels they will bear, the ports they listen on and the model they serve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import TEMPLATE_KINDS, PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, mapping, told
from gpuplane.graph.serving_runtimes import effective_templates
from gpuplane.graph.tenancy import home
from gpuplane.graph.wiring import kserve_objects as kserve
from gpuplane.graph.wiring.engines import PICKER, Engine, engine_of
from gpuplane.graph.workloads import devices_of
from gpuplane.spec.kserve_names import GROUP_LABEL, LLM_PORT, PICKER_METRICS_PORT, PICKER_PORT, PICKER_SUFFIX

_NO_PODS = TEMPLATE_KINDS - {"PodTemplate"}
_BY_MODEL_FORMAT = {"vLLM": "vllm", "huggingface": "huggingfaceserver", "triton": "triton", "onnx": "triton", "tensorrt": "triton"}


@dataclass(frozen=True)
class Pods:
    """Pods of one template.

    Attributes:
        view, template: the object they are made from.
        namespace: where they run.
        kind, name: of the workload that runs them, also of one that KServe makes.
        labels: what they bear; a label whose value only apply can know is missing here.
        ports: what they listen on, by number, with the name; None where nothing tells.
        engine: the model server in them.
        served: names of the models that they answer to; None where that cannot be read.
        devices: device resource to devices of one pod.
    """

    view: ResourceView
    template: PodTemplate | None
    namespace: str
    kind: str
    name: str
    labels: Mapping[str, Any]
    ports: tuple[tuple[int, str], ...] | None
    engine: Engine | None
    served: tuple[str, ...] | None
    devices: Mapping[str, int]

    def listens(self, port: Any) -> bool | None:
        """Whether they listen on a port, by number or name; None where nothing tells."""
        if self.ports is None or isinstance(port, Unknown):
            return None
        return any(port in (number, name) or str(port) == str(number) for number, name in self.ports)

    def number(self, port: Any) -> int | None:
        """Number of a port that is given by number or name; None where it has none."""
        for number, name in self.ports or ():
            if port == name and name:
                return number
        return int(port) if str(port).isdecimal() else None

    @property
    def is_picker(self) -> bool:
        """Whether they only choose the pods that answer."""
        return self.engine is not None and self.engine.name == PICKER

    @property
    def serving(self) -> bool:
        """Whether they serve or train models: they hold GPUs, an engine that is known, or are KServe's."""
        return bool(self.devices) or self.engine is not None or kserve.is_inference_service(self.view) or kserve.is_llm_service(self.view)

    def __str__(self) -> str:
        return f"the pods of {self.view}"


def pods_of(graph: PlannedGraph, view: ResourceView) -> Iterator[Pods]:
    """Every set of pods that an object makes."""
    if view.kind in _NO_PODS:
        return
    templates = effective_templates(graph, view)
    if kserve.is_llm_service(view):
        yield from _llm(view, templates)
        return
    for template in templates:
        if kserve.is_inference_service(view):
            yield _pods(view, template, "Deployment", kserve.component_name(view, template), kserve.component_labels(view, template))
        else:
            labels = {**template.labels, **_added(view)}
            yield _pods(view, template, view.kind, view.name, labels)


def _llm(view: ResourceView, templates: tuple[PodTemplate, ...]) -> Iterator[Pods]:
    for kind, name, prefill in kserve.llm_workloads(view):
        own = [each for each in templates if each.steps[-1:] == ("template",) and ("prefill" in each.steps) == prefill
               and "scheduler" not in each.steps]
        template = own[0] if own else None
        engines = [found for container in template.containers if container.spec.get("name") == "main"
                   and (found := engine_of(container, view.name)) is not None] if template else []
        # KServe's templates start it: on this port, and under the names that the object says.
        engine = replace(engines[0], port=LLM_PORT, metrics_port=LLM_PORT, served=kserve.llm_served(view)) if engines else None
        labels = {**kserve.llm_pod_labels(view, prefill), **({GROUP_LABEL: name} if kind == "LeaderWorkerSet" else {})}
        yield Pods(view, template, home(view), kind, name, labels, ((LLM_PORT, ""),),
                   engine, kserve.llm_served(view), devices_of(template) if template else {})
    if kserve.llm_pool(view):
        yield _picker(view, next((each for each in templates if "scheduler" in each.steps), None))


def _picker(view: ResourceView, template: PodTemplate | None) -> Pods:
    """The endpoint picker, as KServe's template starts it."""
    container = next((each for each in template.containers if each.spec.get("name") == "main"), None) if template else None
    found = Engine(PICKER, container or PodContainer("spec.router.scheduler.template", "main", "container", {}), PICKER_PORT,
                   PICKER_METRICS_PORT, None, {})
    ports = ((PICKER_PORT, "grpc"), (PICKER_METRICS_PORT, "metrics"))
    name, labels = kserve.child(view, PICKER_SUFFIX), kserve.llm_picker_labels(view)
    return Pods(view, template, home(view), "Deployment", name, labels, ports, found, None, {})


def _pods(view: ResourceView, template: PodTemplate, kind: str, name: str, labels: Mapping[str, Any]) -> Pods:
    running = [each for each in template.containers if each.role == "container" or each.spec.get("restartPolicy") == "Always"]
    engines = [engine for container in running if (engine := engine_of(container, view.name)) is not None]
    engine = engines[0] if engines else None
    known = {str(key): value for key, value in labels.items() if not isinstance(value, Unknown)}
    return Pods(view, template, home(view), kind, name, known, _ports(view, running, engines), engine,
                engine.served if engine else None, devices_of(template))


def _ports(view: ResourceView, containers: list[PodContainer], engines: list[Engine]) -> tuple[tuple[int, str], ...] | None:
    by_container = {engine.container.path: engine for engine in engines}
    found: dict[int, str] = {}
    for container in containers:
        declared = {int(number): str(told(item, "name") or "") for item in items(container.spec.get("ports"))
                    if str(number := lookup(item, "containerPort")).isdecimal()}
        engine = by_container.get(container.path)
        if engine is not None and engine.port is not None and engine.port not in declared and len(declared) == 1:
            declared = {}  # it declares a port that it does not listen on
        found |= declared
        for port in (engine.port, engine.metrics_port) if engine is not None else ():
            if port is not None:
                found.setdefault(port, "")
    if kserve.is_inference_service(view):
        component = mapping(view.get("spec", "predictor"))
        if "logger" in component or "batcher" in component:
            found.setdefault(kserve.AGENT_PORT, "")
        # A runtime that is not among the objects decides the ports; KServe's own all answer on this one.
        return tuple(sorted({kserve.HTTP_PORT: "", **found}.items())) if not found else tuple(sorted(found.items()))
    return tuple(sorted(found.items())) or None


def _added(view: ResourceView) -> dict[str, str]:
    """Labels that Kubernetes' and other controllers put on the pods they make."""
    if view.kind in ("Job", "CronJob"):
        return {"job-name": view.name, "batch.kubernetes.io/job-name": view.name}
    if view.kind == "LeaderWorkerSet":
        return {GROUP_LABEL: view.name}
    if view.kind in ("RayCluster", "RayService", "RayJob"):
        return {"ray.io/is-ray-node": "yes"}
    return {}
