"""Every object of a graph by what others call it, built once: links are looked up, never searched for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gpuplane.graph.label_selectors import selects
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.queues import namespace_labels
from gpuplane.graph.resource_view import ResourceView, items, lookup, mapping, told
from gpuplane.graph.tenancy import home
from gpuplane.graph.wiring import kserve_objects as kserve
from gpuplane.graph.wiring.pods import Pods, pods_of
from gpuplane.spec.kserve_names import (
    GROUP_LABEL,
    LLM_PORT,
    LLM_SERVICE_SUFFIX,
    PICKER_METRICS_PORT,
    PICKER_PORT,
    PICKER_SERVICE_SUFFIX,
)

NAMESPACE_NAME = "kubernetes.io/metadata.name"
_CONTROLLER_LABELS = ("statefulset.kubernetes.io/", "apps.kubernetes.io/", "ray.io/", "leaderworkerset.sigs.k8s.io/", "jobset.sigs.k8s.io/",
                      "batch.kubernetes.io/", "pod-template-hash", "controller-revision-hash", "job-name", "serving.knative.dev/",
                      "isvc.generation")
"""Beginnings of labels that controllers add to pods: the objects cannot show them, so they are not compared (but for the name of a
LeaderWorkerSet, which its pods alone bear)."""
_PLAIN_GROUPS = frozenset({
    "", "apps", "batch", "autoscaling", "policy", "networking.k8s.io", "rbac.authorization.k8s.io", "scheduling.k8s.io", "storage.k8s.io",
    "resource.k8s.io", "apiextensions.k8s.io", "admissionregistration.k8s.io", "discovery.k8s.io", "coordination.k8s.io", "extensions",
    "gateway.networking.k8s.io", "inference.networking.k8s.io", "inference.networking.x-k8s.io", "llm-d.ai", "gateway.envoyproxy.io",
    "aigateway.envoyproxy.io", "kueue.x-k8s.io", "keda.sh", "external-secrets.io", "cilium.io", "cert-manager.io", "serving.kserve.io",
    "leaderworkerset.x-k8s.io", "jobset.x-k8s.io", "ray.io", "trainer.kubeflow.org", "kubeflow.org", "karpenter.sh", "karpenter.k8s.aws",
    "kustomize.config.k8s.io", "bitnami.com", "security.istio.io", "networking.istio.io", "constraints.gatekeeper.sh", "kyverno.io",
    "templates.gatekeeper.sh", "topology.kueue.x-k8s.io", "nvidia.com", "node.k8s.io"})
"""API groups whose objects make no pods, or only such as :mod:`gpuplane.graph.pod_templates` reads."""
_PLAIN_MONITORING = ("PodMonitor", "ServiceMonitor", "PrometheusRule", "Probe", "ScrapeConfig", "AlertmanagerConfig")


@dataclass(frozen=True)
class ServicePort:
    """One port of a Service: what clients use, and what it leads to on the pods."""

    number: Any
    name: str
    target: Any


@dataclass(frozen=True)
class Service:
    """A Service, written or made by KServe.

    Attributes:
        view: the Service, or what it is made from.
        selector: labels of its pods; None where it has none and its endpoints are somebody else's.
        ports: its ports; empty where they cannot be known.
        labels: what it bears.
    """

    view: ResourceView
    namespace: str
    name: str
    selector: Mapping[str, Any] | None
    ports: tuple[ServicePort, ...]
    labels: Mapping[str, Any]
    generated: bool = False

    def port(self, wanted: Any) -> ServicePort | None:
        """The port that a client names, by number or name."""
        return next((port for port in self.ports if str(wanted) in (str(port.number), port.name)), None)


class Index:
    """Look-ups over a graph.

    Args:
        graph: the planned objects.
    """

    def __init__(self, graph: PlannedGraph) -> None:
        self.graph = graph
        self.objects: dict[tuple[str, str, str], ResourceView] = {}
        self.kinds: dict[tuple[str, str], list[ResourceView]] = defaultdict(list)
        self.pods: list[Pods] = []
        self.by_namespace: dict[str, list[Pods]] = defaultdict(list)
        self.services: dict[tuple[str, str], Service] = {}
        self.generated: dict[tuple[str, str, str], ResourceView] = {}
        self.workloads: dict[tuple[str, str, str], Pods] = {}
        self._by_urn: dict[str, list[Pods]] = defaultdict(list)
        self._labelled: dict[tuple[str, str, str], list[Pods]] = defaultdict(list)
        self._opaque: set[str] = set()
        for view in graph.kubernetes:
            self._add(view)
        for view in graph.resources:
            if not view.is_kubernetes and view.type.startswith("kubernetes:helm.sh/"):
                self._opaque.add(str(told(view.props, "namespace") or "default"))
        self.serving_namespaces = frozenset(pods.namespace for pods in self.pods if pods.serving)

    def find(self, kind: str, namespace: str, name: Any) -> ResourceView | None:
        """An object, written or generated; cluster-scoped ones have an empty namespace."""
        key = (kind, namespace, str(name))
        return self.objects.get(key) or self.generated.get(key)

    def speaks(self, namespace: str, *kinds: str) -> bool:
        """Whether the objects tell what there is of these kinds in a namespace: they hold some, and nothing unseen makes more."""
        return namespace not in self._opaque and any(self.kinds.get((kind, namespace)) for kind in kinds)

    def opaque(self, namespace: str) -> bool:
        """Whether something in a namespace makes objects that cannot be seen here."""
        return namespace in self._opaque

    def select(self, namespace: str | None, selector: Any) -> list[Pods]:
        """Pods that a LabelSelector finds in a namespace (None for all), leaving aside labels that controllers add."""
        wanted = {key: value for key, value in mapping(mapping(selector).get("matchLabels")).items() if not _controllers(key)}
        expressions = [each for each in items(mapping(selector).get("matchExpressions")) if not _controllers(lookup(each, "key"))]
        candidates = self.pods if namespace is None else self.by_namespace.get(namespace, [])
        if wanted:
            candidates = min((self._labelled.get((namespace or "", str(key), str(value)), []) for key, value in wanted.items()), key=len)
        return [pods for pods in candidates if selects({"matchLabels": wanted, "matchExpressions": expressions}, pods.labels)]

    def pods_of_urns(self, urns: Iterable[str]) -> list[Pods]:
        """Pods that objects make, by the URNs of these."""
        return [pods for urn in urns for pods in self._by_urn.get(urn, ())]

    def namespace_labels(self, namespace: str) -> Mapping[str, Any] | None:
        """Labels of a namespace; None where it is not among the objects."""
        view = self.graph.namespaces.get(namespace)
        return None if view is None else namespace_labels(view)

    def _add(self, view: ResourceView) -> None:
        namespace = "" if view.kind in CLUSTER_KINDS else home(view)
        self.objects.setdefault((view.kind, namespace, view.name), view)
        self.kinds[view.kind, namespace].append(view)
        for pods in pods_of(self.graph, view):
            self._add_pods(pods)
        if view.kind == "Service" and view.api_version == "v1":
            self.services[home(view), view.name] = _written(view)
        elif kserve.is_inference_service(view):
            self._inference_service(view)
        elif kserve.is_llm_service(view):
            self._llm_service(view)
        elif view.kind in ("RayService", "RayCluster"):
            for suffix in ("-head-svc", "-serve-svc"):
                self._service(view, view.name + suffix, None, ())
        elif view.kind == "AIGatewayRoute":
            self.generated["HTTPRoute", home(view), view.name] = view
        self._opaque |= set(_unseen(view))

    def _add_pods(self, pods: Pods) -> None:
        self.pods.append(pods)
        self.by_namespace[pods.namespace].append(pods)
        self._by_urn[pods.view.urn].append(pods)
        self.workloads[pods.kind, pods.namespace, pods.name] = pods
        for key, value in pods.labels.items():
            self._labelled[pods.namespace, key, str(value)].append(pods)
            self._labelled["", key, str(value)].append(pods)

    def _service(self, view: ResourceView, name: str, selector: Mapping[str, Any] | None, ports: Iterable[ServicePort],
                 labels: Mapping[str, Any] | None = None) -> None:
        if name:
            self.services.setdefault((home(view), name), Service(view, home(view), name, selector, tuple(ports), labels or {}, True))

    def _inference_service(self, view: ResourceView) -> None:
        self._service(view, view.name, None, ())
        for pods in self.by_namespace[home(view)]:
            if pods.view is view:
                first, *others = pods.ports or ((kserve.HTTP_PORT, ""),)
                declared = _first_declared(pods)
                main = next((port for port in (first, *others) if port[0] == declared), first)
                component = mapping(view.get(*pods.template.steps)) if pods.template else {}
                target = kserve.AGENT_PORT if "logger" in component or "batcher" in component else main[0]
                ports = [ServicePort(80, main[1] or pods.name, target)]
                ports += [ServicePort(number, name, number) for number, name in (first, *others) if number != main[0] and name]
                self._service(view, pods.name, {"app": f"isvc.{pods.name}"}, ports, pods.labels)
                self.generated["Deployment", home(view), pods.name] = view

    def _llm_service(self, view: ResourceView) -> None:
        ports = (ServicePort(LLM_PORT, "https", LLM_PORT), ServicePort(LLM_PORT, "http", LLM_PORT))
        self._service(view, kserve.child(view, LLM_SERVICE_SUFFIX), kserve.llm_labels(view), ports, kserve.llm_labels(view))
        if kserve.llm_pool(view):
            self.generated["InferencePool", home(view), kserve.llm_pool(view)] = view
            asked = (ServicePort(PICKER_PORT, "grpc", PICKER_PORT), ServicePort(PICKER_METRICS_PORT, "metrics", PICKER_METRICS_PORT))
            self._service(view, kserve.child(view, PICKER_SERVICE_SUFFIX), kserve.llm_picker_labels(view), asked)
        if kserve.llm_route(view):
            self.generated["HTTPRoute", home(view), kserve.llm_route(view)] = view
        for kind, name, _ in kserve.llm_workloads(view):
            self.generated[kind, home(view), name] = view


CLUSTER_KINDS = frozenset({
    "Namespace", "Node", "PersistentVolume", "ClusterQueue", "ResourceFlavor", "Cohort", "Topology", "WorkloadPriorityClass",
    "PriorityClass",
    "AdmissionCheck", "ClusterServingRuntime", "ClusterStorageContainer", "GatewayClass", "ClusterSecretStore", "NodePool", "StorageClass",
    "ClusterTriggerAuthentication", "LocalModelCache", "LocalModelNodeGroup", "ClusterRole", "DeviceClass"})
"""Kinds without a namespace."""


@lru_cache(maxsize=4)
def index_of(graph: PlannedGraph) -> Index:
    """The index of a graph, built once."""
    return Index(graph)


def _controllers(key: Any) -> bool:
    return key != GROUP_LABEL and str(key).startswith(_CONTROLLER_LABELS)


def _written(view: ResourceView) -> Service:
    selector = view.get("spec", "selector")
    external = view.get("spec", "type") == "ExternalName" or not isinstance(selector, Mapping) or not selector
    ports = tuple(ServicePort(lookup(item, "port"), str(told(item, "name") or ""), told(item, "targetPort") or told(item, "port"))
                  for item in items(view.get("spec", "ports")))
    return Service(view, home(view), view.name, None if external else mapping(selector), ports, view.labels)


def _first_declared(pods: Pods) -> int | None:
    for container in pods.template.containers if pods.template else ():
        for item in items(container.spec.get("ports")):
            if str(lookup(item, "containerPort")).isdecimal():
                return int(lookup(item, "containerPort"))
    return None


def _unseen(view: ResourceView) -> Iterator[str]:
    """Namespaces that an object fills with others that cannot be seen: charts, and custom kinds that make pods."""
    group = view.group
    if group == "argoproj.io" and view.kind in ("Application", "ApplicationSet"):
        yield str(told(view.props, "spec", "destination", "namespace") or home(view))
    elif group in ("helm.toolkit.fluxcd.io", "kustomize.toolkit.fluxcd.io"):
        yield str(told(view.props, "spec", "targetNamespace") or home(view))
    elif group == "monitoring.coreos.com":
        if view.kind not in _PLAIN_MONITORING:
            yield home(view)
    elif group not in _PLAIN_GROUPS and not (group == "argoproj.io" and view.kind in ("Workflow", "CronWorkflow")):
        yield home(view)
