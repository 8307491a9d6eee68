"""PII-17: a cache of prompts that two tenants share answers the one with what the other asked, or tells by its speed that it was asked."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.command_lines import environment
from gpuplane.graph.data_flow import flows
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import TEMPLATE_KINDS
from gpuplane.graph.serving_runtimes import effective_templates
from gpuplane.graph.tenancy import owed, owner
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_CACHES = ("LMCACHE_REMOTE_URL",)
_CLEAR = ("redis://", "lm://", "infinistore://", "mooncakestore://")
"""Schemes of remote stores of LMCache that carry no TLS."""


class SharedPromptCaches(Rule):
    """Keys and values of a cached prefix are the prompt in another form: the cache belongs to the tenant, and the way to it is
    encrypted."""

    id = "PII-17"
    title = "Caches of prompts are not shared between tenants, and are reached by TLS"
    severity = "high"
    remedy = "Give the tenant a cache of its own in its namespace, reached by rediss://, or cache in the memory of the engine alone."
    references = ("GDPR Art. 32", "NIST SP 800-190 §3.3.4")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for flow in flows(graph):
            if "cache" in flow.how and owed(graph, flow.source).cache_sharing == "forbidden":
                own, other = owner(graph, flow.source), owner(graph, flow.target)
                if flow.source.namespace != (flow.target.namespace or flow.target.name) and own != other:
                    whose = f"tenant {other}" if other else "no tenant"
                    yield self.fail(graph, flow.view, f"{flow.source} keeps prompts in {flow.target}, which is of {whose}.", flow.field)
        for view, _ in graph.pods:
            templates = effective_templates(graph, view) if view.kind not in TEMPLATE_KINDS else ()
            if templates and owed(graph, view).cache_sharing == "forbidden":
                for template in templates:
                    for container in template.containers:
                        given = environment(graph, view, container)
                        if any(given.get(name, "").startswith(_CLEAR) for name in _CACHES):
                            yield self.fail(graph, view, f"{view} sends its cache of prompts over the network in the clear.",
                                            f"{container.path}.env")

    PASSES = (
        Example("a cache of the tenant's own, by TLS", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support, gpuplane.dev/data-classification: personal}}
---
apiVersion: v1
kind: Service
metadata: {name: cache, namespace: support}
---
apiVersion: v1
kind: Pod
metadata: {name: chat, namespace: support}
spec: {containers: [{name: main, image: vllm, env: [{name: LMCACHE_REMOTE_URL, value: "rediss://cache.support.svc:6379"}]}]}
"""),
    )
    FAILS = (
        Example("a cache of the platform, in the clear", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support, gpuplane.dev/data-classification: personal}}
---
apiVersion: v1
kind: Service
metadata: {name: cache, namespace: platform, labels: {gpuplane.dev/data-classification: special}}
---
apiVersion: v1
kind: Pod
metadata: {name: chat, namespace: support}
spec: {containers: [{name: main, image: vllm, env: [{name: LMCACHE_REMOTE_URL, value: "redis://cache.platform.svc:6379"}]}]}
""", "Pod support/chat keeps prompts in Service platform/cache, which is of no tenant"),
    )
