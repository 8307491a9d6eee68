"""PII-21: whoever can debug a model server can read its memory, and prompts are in it."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.command_lines import environment, flags
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import TEMPLATE_KINDS, PodContainer
from gpuplane.graph.resource_view import ResourceView, items, lookup
from gpuplane.graph.serving_runtimes import effective_templates
from gpuplane.graph.tenancy import data_class, owed
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_NO = ("", "0", "false", "no", "off")
_VARIABLES = ("VLLM_SERVER_DEV_MODE", "VLLM_TORCH_PROFILER_DIR")
_FLAGS = ("profiler-config", "enable-profiling", "torch-profiler-dir")
_DEBUGGING = frozenset({"pods/exec", "pods/attach", "pods/ephemeralcontainers", "pods/portforward", "pods/proxy", "*", "pods/*"})


class OpenDebugging(Rule):
    """In production nobody steps into a server of sensitive data: not by a shell, not by a profiler, not by an endpoint for developers."""

    id = "PII-21"
    title = "Servers of sensitive data in production cannot be debugged"
    severity = "high"
    remedy = "Remove the rights, the ephemeral container, the flag or the variable; debug where the data is made up."
    references = ("ISO/IEC 27001:2022 A.8.2", "vLLM documentation: security")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.kubernetes:
            if view.kind in TEMPLATE_KINDS or not (owed(graph, view).access_log and graph.in_production(view)):
                continue
            if view.kind == "Role":
                yield from self._role(graph, view)
            for template in effective_templates(graph, view):
                for container in template.containers:
                    for field, why in _open(graph, view, container):
                        yield self.fail(graph, view, f"{view} serves {data_class(graph, view)} data in production, and {why}.", field)

    def _role(self, graph: PlannedGraph, view: ResourceView) -> Iterator[Finding]:
        for index, rule in enumerate(items(view.get("rules"))):
            rights = sorted(_DEBUGGING & {str(name) for name in items(lookup(rule, "resources"))})
            if rights and {"", "*"} & {str(group) for group in items(lookup(rule, "apiGroups"))}:
                yield self.fail(graph, view, f"{view} allows {', '.join(rights)} where {data_class(graph, view)} data is served in "
                                             "production.", f"rules[{index}].resources")

    PASSES = (
        Example("production without a way in", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/environment: prod, gpuplane.dev/data-classification: personal}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: viewer, namespace: support}
rules: [{apiGroups: [""], resources: [pods, pods/log], verbs: [get, list]}]
"""),
    )
    FAILS = (
        Example("a shell for viewers", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/environment: prod, gpuplane.dev/data-classification: personal}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: viewer, namespace: support}
rules: [{apiGroups: [""], resources: [pods, pods/exec], verbs: [create]}]
""", "Role support/viewer allows pods/exec where personal data is served in production"),
        Example("vLLM's endpoints for developers", """
apiVersion: v1
kind: Pod
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/environment: production, gpuplane.dev/data-classification: personal}}
spec: {containers: [{name: main, image: vllm, env: [{name: VLLM_SERVER_DEV_MODE, value: "1"}]}]}
""", "VLLM_SERVER_DEV_MODE is set"),
    )


def _open(graph: PlannedGraph, view: ResourceView, container: PodContainer) -> Iterator[tuple[str, str]]:
    """Ways into a container: where they stand, and the rest of a sentence."""
    if container.role == "ephemeral":
        yield container.path, f"container {container.name} is an ephemeral one"
    given, found = environment(graph, view, container), flags(container)
    for name in _VARIABLES:
        if given.get(name, "").lower() not in _NO:
            yield f"{container.path}.env", f"{name} is set"
    for name in _FLAGS:
        if found.get(name, "false").lower() not in _NO:
            yield f"{container.path}.args", f"--{name} is on"
