"""RE-03: without the right probes traffic meets a model that is still loading, or the kubelet kills it before it has loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import KSERVE_GROUP, TEMPLATE_KINDS, PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView, Unknown, lookup, mapping
from gpuplane.graph.workloads import BATCH_KINDS, devices_of
from gpuplane.policies.container_rule import ContainerRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_NOT_JUDGED = BATCH_KINDS | TEMPLATE_KINDS | {"DaemonSet", "LLMInferenceService", "RayCluster", "RayService"}
"""Work that ends, templates, agents of nodes, and pods whose controllers add probes that the graph does not hold."""
_HANDLERS = ("httpGet", "tcpSocket", "exec", "grpc")
_PATIENCE_SECONDS = 600
"""A liveness probe that waits this long by itself needs no startup probe."""


class MissingProbes(ContainerRule):
    """Readiness keeps traffic from a server that cannot answer; a liveness probe that starts at once kills a model while it loads.

    Servers with GPUs that have a liveness probe need a startup probe before it, and liveness must be slower to give up than the same
    readiness probe: else a busy server is restarted where it should only be left alone. KServe gives a predictor readiness itself.
    """

    id = "RE-03"
    title = "Containers have readiness probes, and a loading model is not killed"
    severity = "high"
    remedy = "Add a readinessProbe; with GPUs a startupProbe as long as the weights may load; let liveness fail later than readiness."
    references = ("Kubernetes documentation: Liveness, Readiness, and Startup Probes", "Checkov CKV_K8S_8, CKV_K8S_9",
                  "Polaris: readinessProbeMissing")

    def container(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        if container.role != "container" or view.kind in _NOT_JUDGED or view.get("spec", "restartPolicy") in ("Never", "OnFailure"):
            return
        named, spec = f"Container {container.name} of {view}", container.spec
        ready, alive, start = (spec.get(f"{each}Probe") for each in ("readiness", "liveness", "startup"))
        yield from self.doubt(graph, view, f"A probe of container {container.name}", container.path, ready, alive, start)
        if not _is_probe(ready) and view.group != KSERVE_GROUP:
            yield self.fail(graph, view, f"{named} has no readiness probe, so it is sent requests before it can answer.",
                            f"{container.path}.readinessProbe")
        if _is_probe(alive) and not _is_probe(start) and devices_of(template) and _seconds(alive) < _PATIENCE_SECONDS:
            yield self.fail(graph, view, f"{named} is killed {_seconds(alive)} s after its start if its model has not loaded: there is no "
                                         "startup probe.", f"{container.path}.startupProbe")
        if _is_probe(alive) and _is_probe(ready) and _handler(alive) == _handler(ready) and _seconds(alive) <= _seconds(ready):
            yield self.fail(graph, view, f"{named} is restarted by the same probe, and as soon, as it is taken out of service.",
                            f"{container.path}.livenessProbe")

    PASSES = (
        Example("a model server", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support}
spec:
  template:
    spec:
      containers:
        - name: vllm
          image: vllm
          resources: {limits: {nvidia.com/gpu: 1}}
          startupProbe: {httpGet: {path: /health, port: 8000}, failureThreshold: 90}
          readinessProbe: {httpGet: {path: /health, port: 8000}}
          livenessProbe: {httpGet: {path: /health, port: 8000}, failureThreshold: 6, periodSeconds: 30}
"""),
        Example("work that ends", """
apiVersion: batch/v1
kind: Job
metadata: {name: evaluate}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}
"""),
    )
    FAILS = (
        Example("no probe at all", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: gateway, namespace: support}
spec: {template: {spec: {containers: [{name: proxy, image: proxy}]}}}
""", "Container proxy of Deployment support/gateway has no readiness probe"),
        Example("a model that is killed while it loads", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec:
  predictor:
    model:
      modelFormat: {name: vLLM}
      resources: {limits: {nvidia.com/gpu: 1}}
      livenessProbe: {httpGet: {path: /health, port: 8080}}
""", "is killed 30 s after its start if its model has not loaded"),
        Example("one probe for both", """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - {name: web, image: web, livenessProbe: {tcpSocket: {port: 80}}, readinessProbe: {tcpSocket: {port: 80}}}
""", "is restarted by the same probe, and as soon"),
    )


def _is_probe(probe: Any) -> bool:
    return isinstance(probe, (Mapping, Unknown)) and bool(isinstance(probe, Unknown) or len(probe))


def _handler(probe: Any) -> Mapping[str, Any]:
    return {key: value for key, value in mapping(probe).items() if key in _HANDLERS}


def _seconds(probe: Any) -> int:
    """Until a probe that always fails has its effect (defaults of the API: no delay, every 10 s, 3 times)."""
    delay, period, times = (lookup(probe, key) for key in ("initialDelaySeconds", "periodSeconds", "failureThreshold"))
    known = [value if isinstance(value, int) else default for value, default in ((delay, 0), (period, 10), (times, 3))]
    return known[0] + known[1] * known[2]
