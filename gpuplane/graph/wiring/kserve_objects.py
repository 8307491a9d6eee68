"""What KServe makes of its own kinds: the Services, pools, Deployments and labels that other objects point at.

They are in no file, yet routes, monitors and autoscalers name them. Naming rules of KServe v0.20: ``pkg/constants/constants.go``
(``PredictorServiceName``, ``GetRawServiceLabel``), ``reconcilers/service/service_reconciler.go`` (``createDefaultSvc``),
``components/predictor.go`` (``buildObjectMeta``), and for LLMInferenceService ``controller/v1alpha2/llmisvc/{workload,
workload_single_node,workload_multi_node,scheduler,router}.go`` with ``config/llmisvcconfig/config-llm-scheduler.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gpuplane.graph.pod_templates import KSERVE_GROUP, PodTemplate
from gpuplane.graph.resource_view import ResourceView, items, lookup, mapping, told
from gpuplane.spec.kserve_names import GROUP_LABEL, LLM_PART_OF, PICKER_COMPONENT, POOL_SUFFIX, llm_workload

INFERENCE_SERVICE = "serving.kserve.io/inferenceservice"
"""Label of every pod of an InferenceService, with its name."""
HTTP_PORT = 8080
"""Port of a component whose container declares none (``InferenceServiceDefaultHttpPort``)."""
AGENT_PORT = 9081
"""Port of the agent that stands before a container with a logger or a batcher (``InferenceServiceDefaultAgentPort``)."""
_LONGEST_NAME = 63
COMPONENTS = ("predictor", "transformer", "explainer")


def is_inference_service(view: ResourceView) -> bool:
    """Whether an object is KServe's InferenceService (others have a kind of that name, too)."""
    return view.kind == "InferenceService" and view.group == KSERVE_GROUP


def is_llm_service(view: ResourceView) -> bool:
    """Whether an object is an LLMInferenceService."""
    return view.kind == "LLMInferenceService" and view.group == KSERVE_GROUP


def child(view: ResourceView, suffix: str) -> str:
    """Name of a generated object; empty where it would be shortened by a hash (knative ``kmeta.ChildName``)."""
    name = view.name + suffix
    return name if len(name) <= _LONGEST_NAME else ""


def component_name(view: ResourceView, template: PodTemplate) -> str:
    """Name of the Deployment and Service of an InferenceService's component or canary."""
    component = next((step for step in reversed(template.steps) if step in COMPONENTS), "predictor")
    named = lookup(view.props, *template.steps, "name") if component == "predictor" else None
    worker = "-worker" if template.steps[-1:] == ("workerSpec",) else ""
    return f"{view.name}-{named}-{component}{worker}" if isinstance(named, str) and named else f"{view.name}-{component}{worker}"


def component_labels(view: ResourceView, template: PodTemplate) -> dict[str, Any]:
    """Labels of an InferenceService's pods: the runtime's, its own, the component's, and those that KServe adds."""
    name = component_name(view, template)
    component = next((step for step in reversed(template.steps) if step in COMPONENTS), "predictor")
    return {**template.labels, INFERENCE_SERVICE: view.name, "component": component, "app": f"isvc.{name}"}


def llm_labels(view: ResourceView) -> dict[str, str]:
    """Labels by which an LLMInferenceService's Service and pool select its pods."""
    return {"app.kubernetes.io/part-of": LLM_PART_OF, "app.kubernetes.io/name": view.name, "kserve.io/component": "workload"}


def llm_picker_labels(view: ResourceView) -> dict[str, str]:
    """Labels of the pods of its endpoint picker (``SchedulerLabels``)."""
    return {"app.kubernetes.io/part-of": LLM_PART_OF, "app.kubernetes.io/name": view.name, "app.kubernetes.io/component": PICKER_COMPONENT}


def llm_pod_labels(view: ResourceView, prefill: bool) -> dict[str, Any]:
    """Labels of an LLMInferenceService's pods (of several, the leader's): generated, ``spec.labels``, the queue's from its metadata."""
    parted = view.get("spec", "prefill") is not None
    role = "prefill" if prefill else "decode" if parted else "both"
    queue = {key: value for key, value in view.labels.items() if str(key).startswith("kueue.x-k8s.io")}
    own = mapping(view.get("spec", "prefill", "labels") if prefill else view.get("spec", "labels"))
    several = "worker" in mapping(view.get("spec", "prefill") if prefill else view.get("spec"))
    component = f"llminferenceservice-workload{'-leader' if several else ''}{'-prefill' if prefill else ''}"
    group = {GROUP_LABEL: llm_workload(view.name, several, prefill).name} if several else {}
    return {**queue, **llm_labels(view), "app.kubernetes.io/component": component, "llm-d.ai/role": role, **group, **own}


def llm_workloads(view: ResourceView) -> Iterator[tuple[str, str, bool]]:
    """Kind and name of what runs an LLMInferenceService's pods, and whether they are the prefill ones."""
    for prefill in (False, True):
        spec = mapping(view.get("spec", "prefill") if prefill else view.get("spec"))
        if spec or not prefill:
            found = llm_workload(view.name, "worker" in spec, prefill)
            yield found.kind, child(view, found.name.removeprefix(view.name)), prefill


def llm_served(view: ResourceView) -> tuple[str, ...]:
    """Names that an LLMInferenceService answers to: its model's, the published one, and its adapters'."""
    name = str(told(view.props, "spec", "model", "name") or view.name)
    adapters = [str(lookup(item, "name")) for item in items(view.get("spec", "model", "lora", "adapters"))]
    return (name, f"publishers/{view.namespace}/models/{name}", *adapters)


def llm_pool(view: ResourceView) -> str:
    """Name of the InferencePool that an LLMInferenceService makes; empty where it makes none or uses another."""
    scheduler = view.get("spec", "router", "scheduler")
    return child(view, POOL_SUFFIX) if isinstance(scheduler, Mapping) and not lookup(scheduler, "pool", "ref") else ""


def llm_route(view: ResourceView) -> str:
    """Name of the HTTPRoute that an LLMInferenceService makes; empty for none."""
    route = view.get("spec", "router", "route")
    return child(view, "-kserve-route") if isinstance(route, Mapping) and not lookup(route, "http", "refs") else ""
