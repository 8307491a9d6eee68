"""Services that answer together, as a KServe InferenceGraph in Standard mode; its router needs no GPU.

KServe v0.20 gives the router's pods no seccomp profile, and an InferenceGraph has no field for one, so the restricted Pod Security
Standard would refuse them: an admission policy of the namespace adds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata
from gpuplane.spec.vocabulary import KSERVE_RUNTIME, SOURCE, TENANT

_ADMISSION = "admissionregistration.k8s.io/v1"
_LABEL = "serving.kserve.io/inferencegraph"
_PROFILE = ('Object{spec: Object.spec{securityContext: Object.spec.securityContext{'
            'seccompProfile: Object.spec.securityContext.seccompProfile{type: "RuntimeDefault"}}}}')


@dataclass(frozen=True)
class GraphStepArgs:
    """A step: the service or the node that it leads to, and what KServe asks of its kind of node.

    ``url``: where the service is called; empty for an InferenceService, whose address KServe looks up.
    """

    service: str | None = None
    node: str | None = None
    weight: int | None = None
    condition: str | None = None
    data: str | None = None
    dependency: str | None = None
    url: str = ""


@dataclass(frozen=True)
class GraphNodeArgs:
    """A node: ``Sequence``, ``Splitter``, ``Ensemble`` or ``Switch``, and its steps."""

    router_type: str
    steps: tuple[GraphStepArgs, ...]


@dataclass(frozen=True)
class InferenceGraphArgs:
    """A graph of services.

    Attributes:
        name, namespace: of the InferenceGraph; the namespace is the tenant's.
        nodes: by name; requests come to ``root``.
        replicas: pods of the router.
        cpu_millicores, memory_mib: of one such pod.
        timeout_seconds: longest that a request may take.
        source: document that asked for it, for reports.
    """

    name: str
    namespace: str
    nodes: Mapping[str, GraphNodeArgs]
    replicas: int = 1
    cpu_millicores: int = 500
    memory_mib: int = 512
    timeout_seconds: int = 300
    source: str = ""


class InferenceGraph(pulumi.ComponentResource):
    """One InferenceGraph."""

    def __init__(self, name: str, args: InferenceGraphArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:InferenceGraph", name, {"name": args.name, "namespace": args.namespace}, opts)
        KubernetesObject(f"{args.namespace}-{args.name}", manifest(args), child_options(self, opts))
        self.register_outputs({"name": args.name})


class GraphRouterConfinement(pulumi.ComponentResource):
    """What makes the routers of one namespace satisfy its Pod Security Standard."""

    def __init__(self, name: str, namespace: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:GraphRouterConfinement", name, {"namespace": namespace}, opts)
        for one in confinement(namespace):
            KubernetesObject(f"{namespace}-graph-routers", one, child_options(self, opts))
        self.register_outputs({"namespace": namespace})


def confinement(namespace: str) -> tuple[Manifest, Manifest]:
    """The MutatingAdmissionPolicy and its binding."""
    name = f"gpuplane-{namespace}-graph-routers"
    selector = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "objectSelector": {"matchExpressions": [{"key": _LABEL, "operator": "Exists"}]}}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    return ({"apiVersion": _ADMISSION, "kind": "MutatingAdmissionPolicy", "metadata": metadata(name, labels={TENANT: namespace}),
             "spec": {"failurePolicy": "Fail", "reinvocationPolicy": "Never", "matchConstraints": {**selector, "resourceRules": [rule]},
                      "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": _PROFILE}}]}},
            {"apiVersion": _ADMISSION, "kind": "MutatingAdmissionPolicyBinding", "metadata": metadata(name, labels={TENANT: namespace}),
             "spec": {"policyName": name}})


def manifest(args: InferenceGraphArgs) -> Manifest:
    """The InferenceGraph as its API takes it."""
    amounts = {"cpu": f"{args.cpu_millicores}m", "memory": f"{args.memory_mib}Mi"}
    annotations = {"serving.kserve.io/deploymentMode": "Standard", "serving.kserve.io/autoscalerClass": "none",
                   **({SOURCE: args.source} if args.source else {})}
    nodes = {name: {"routerType": node.router_type, "steps": [_step(step) for step in node.steps]} for name, node in args.nodes.items()}
    return {"apiVersion": KSERVE_RUNTIME, "kind": "InferenceGraph",
            "metadata": metadata(args.name, args.namespace, {TENANT: args.namespace}, annotations),
            "spec": {"nodes": nodes, "minReplicas": args.replicas, "maxReplicas": args.replicas, "timeout": args.timeout_seconds,
                     "resources": {"requests": amounts, "limits": dict(amounts)}}}


def _step(step: GraphStepArgs) -> dict[str, Any]:
    found = {"serviceName": None if step.url else step.service, "serviceUrl": step.url or None,
             "nodeName": step.node, "weight": step.weight, "condition": step.condition, "data": step.data,
             "dependency": step.dependency, "name": step.service or step.node}
    return {name: value for name, value in sorted(found.items()) if value is not None}
