"""What KServe v0.20 calls what it makes of a service, so that autoscalers, routes, budgets and alerts name what will be there.

``pkg/constants/constants.go`` (``PredictorServiceName``), and of an LLMInferenceService ``controller/v1alpha2/llmisvc/{workload,
workload_single_node,workload_multi_node,scheduler}.go``.
"""

from __future__ import annotations

from dataclasses import dataclass

from gpuplane.spec.environment_spec import ServiceEntry
from gpuplane.spec.inference_service import InferenceService
from gpuplane.spec.llm_inference_service import PickerProxy
from gpuplane.spec.vocabulary import INFERENCE_SERVICE_LABEL

LLM_PORT = 8000
"""Port of an LLMInferenceService's pods, its Service and its pool; not to be chosen (``reconcileWorkloadService``)."""
PICKER_PORT, PICKER_METRICS_PORT = 9002, 9090
"""Ports of its endpoint picker: where gateways ask it, and where its metrics are (``config-llm-scheduler.yaml``)."""
PROXY_PORT, PROXY_SUFFIX = 8081, "-picker-proxy"
"""Port and end of the name of the proxy that a service may have before its picker; KServe makes none (llm-d's standalone chart)."""
PICKER_COMPONENT = "llminferenceservice-router-scheduler"
"""Label ``app.kubernetes.io/component`` of an endpoint picker's pods."""
PREDICTOR_PORT = 80
"""Port of the Service that KServe makes for a predictor; it leads to the engine's first port."""
POOL_SUFFIX, LLM_SERVICE_SUFFIX = "-inference-pool", "-kserve-workload-svc"
PICKER_SUFFIX, PICKER_SERVICE_SUFFIX, PICKER_ACCOUNT_SUFFIX = "-kserve-router-scheduler", "-epp-service", "-epp-sa"
LONGEST_NAME = 63
"""Characters of a Service's name; KServe shortens longer ones by a hash (knative ``kmeta.ChildName``)."""
GROUP_LABEL = "leaderworkerset.sigs.k8s.io/name"
"""Label of all pods of a LeaderWorkerSet, leaders and workers, with its name (LeaderWorkerSet v0.10, ``api/leaderworkerset/v1``)."""
LLM_PART_OF = "llminferenceservice"
"""Label ``app.kubernetes.io/part-of`` of all that KServe makes of an LLMInferenceService."""


@dataclass(frozen=True)
class Workload:
    """What runs the pods of a service.

    Attributes:
        api_version, kind, name: of the Deployment, or of the LeaderWorkerSet where a replica is several pods.
    """

    api_version: str
    kind: str
    name: str

    @property
    def pods_pattern(self) -> str:
        """Pattern of the names of the pods that answer requests: the hash of a ReplicaSet and five characters, or a leader's number."""
        return f"{self.name}-[0-9]+" if self.kind == "LeaderWorkerSet" else f"{self.name}-[a-z0-9]+-[a-z0-9]+"


def llm_workload(name: str, several: bool, prefill: bool) -> Workload:
    """What runs the pods of an LLMInferenceService that write answers, or that read prompts."""
    suffix = ("-kserve-mn" if several else "-kserve") + ("-prefill" if prefill else "")
    if several:
        return Workload("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", name + suffix)
    return Workload("apps/v1", "Deployment", name + suffix)


def workload_of(entry: ServiceEntry, name: str | None = None) -> Workload:
    """What runs a service's pods; ``name`` where another object than the service's own makes them, as its canary's."""
    called = name or entry.object_name
    if isinstance(entry.document, InferenceService):
        return Workload("apps/v1", "Deployment", f"{called}-predictor")
    return llm_workload(called, entry.document.spec.pods_per_replica > 1, bool(entry.role))


def series_name(entry: ServiceEntry, name: str | None = None) -> str:
    """Label ``service`` of what is scraped of a service: KServe marks an InferenceService's canary as the service itself."""
    return entry.document.name if isinstance(entry.document, InferenceService) else name or entry.document.name


def backend_service(entry: ServiceEntry, name: str | None = None) -> tuple[str, int]:
    """The Service before a service's pods, or before its endpoint picker's proxy, and its port."""
    called = name or entry.object_name
    if picker_proxy(entry) is not None:
        return called + PROXY_SUFFIX, PROXY_PORT
    if isinstance(entry.document, InferenceService):
        return f"{called}-predictor", PREDICTOR_PORT
    return called + LLM_SERVICE_SUFFIX, LLM_PORT


def inference_pool(entry: ServiceEntry) -> str | None:
    """The InferencePool whose endpoint picker chooses a replica for each request; None where there is none."""
    if isinstance(entry.document, InferenceService) or entry.document.spec.router is None:
        return None
    return entry.object_name + POOL_SUFFIX


def picker_proxy(entry: ServiceEntry) -> PickerProxy | None:
    """The proxy before a service's endpoint picker; None where there is none."""
    if isinstance(entry.document, InferenceService) or entry.document.spec.router is None:
        return None
    return entry.document.spec.router.scheduler.proxy


def routed_pool(entry: ServiceEntry) -> str | None:
    """The InferencePool that a route leads to: where the gateway itself asks the picker."""
    return inference_pool(entry) if picker_proxy(entry) is None else None


def llm_role_labels(name: str, prefill: bool) -> dict[str, str]:
    """Labels of an LLMInferenceService's pods, where a replica is one: those that write answers, or that read prompts."""
    return {"app.kubernetes.io/part-of": LLM_PART_OF, "app.kubernetes.io/name": name,
            "app.kubernetes.io/component": f"{LLM_PART_OF}-workload{'-prefill' if prefill else ''}"}


def answers_by_service(entry: ServiceEntry) -> bool:
    """Whether a service's Service leads to what answers whole requests: but for a picker's proxy, pods that read prompts are there too."""
    return not entry.role and (isinstance(entry.document, InferenceService) or entry.document.spec.prefill is None
                               or picker_proxy(entry) is not None)


def pod_labels(entry: ServiceEntry) -> dict[str, str]:
    """Labels of a service's pods, those of one role alone, workers of a replica among them."""
    if isinstance(entry.document, InferenceService):
        return {INFERENCE_SERVICE_LABEL: entry.document.name}
    if entry.document.spec.pods_per_replica > 1:
        return {GROUP_LABEL: workload_of(entry).name}
    return llm_role_labels(entry.object_name, bool(entry.role))
