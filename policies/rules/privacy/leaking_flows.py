"""PII-02: data does not become harmless on its way; what receives it is at least as sensitive."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.data_flow import leaks
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule


class LeakingFlows(Rule):
    """An endpoint that reads personal data, a log of its requests, a cache of its prompts and a copy of its bucket all hold personal data.

    Where one of them says a lesser class, everything that follows from the class is switched off there: keys, retention, access.
    """

    id = "PII-02"
    title = "Whatever receives data is of at least its class: endpoints, logs, caches, queues and copies"
    severity = "critical"
    remedy = "Give the last place of the path the class of the first, or take the reference out."
    references = ("GDPR Art. 25", "NIST SP 800-122 §3")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for leak in leaks(graph):
            last = leak.path[-1]
            yield self.fail(graph, last.view, f"{leak.owed} data flows into a place that says {leak.said or 'nothing'}: {leak.sentence}.",
                            last.field)

    PASSES = (
        Example("a service and its cache, both for personal data", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/data-classification: personal}}
---
apiVersion: v1
kind: Service
metadata: {name: cache, namespace: support}
---
apiVersion: v1
kind: Pod
metadata: {name: chat, namespace: support}
spec: {containers: [{name: main, image: vllm, env: [{name: LMCACHE_REMOTE_URL, value: "redis://cache.support.svc:6379"}]}]}
"""),
    )
    FAILS = (
        Example("a payload logger in a namespace of less sensitive data", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/data-classification: personal}}
---
apiVersion: v1
kind: Namespace
metadata: {name: observability, labels: {gpuplane.dev/data-classification: internal}}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {logger: {mode: all, url: "http://sink.observability.svc"}, model: {modelFormat: {name: vLLM}}}}
""", "InferenceService support/chat (personal) → Namespace observability (internal)"),
        Example("a volume of personal data, read by an endpoint that says internal and caches elsewhere", """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: history, namespace: lab, labels: {gpuplane.dev/data-classification: special}}
spec: {storageClassName: gp3}
---
apiVersion: v1
kind: Service
metadata: {name: cache, namespace: shared, labels: {gpuplane.dev/data-classification: public}}
---
apiVersion: v1
kind: Pod
metadata: {name: job, namespace: lab, labels: {gpuplane.dev/data-classification: special}}
spec:
  volumes: [{name: data, persistentVolumeClaim: {claimName: history, readOnly: true}}]
  containers: [{name: main, image: job, env: [{name: REDIS_URL, value: "redis://cache.shared:6379/0"}]}]
""", "PersistentVolumeClaim lab/history (special) → Pod lab/job → Service shared/cache (public)"),
    )
