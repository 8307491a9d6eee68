"""RE-05: an answer takes minutes to stream; a pod that is killed after thirty seconds cuts it off."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from gpuplane.graph.lasting_pods import LastingPods, lasting_pods
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.quantities import quantity
from gpuplane.graph.resource_view import Unknown, items, lookup
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_DEFAULT_GRACE_SECONDS = 30
"""terminationGracePeriodSeconds of a pod that names none (core/v1)."""
_SERVED_SECONDS = 60
"""A model's answer may well take this long: less grace than this cuts some."""


class CutStreams(Rule):
    """Endpoints go on sending for seconds after a pod was told to stop, and streams that have begun want to end.

    What holds GPUs and serves in production needs a preStop hook that outwaits the endpoints, and a grace period beyond it of at
    least a minute. A hook that is longer than the grace period is wrong anywhere. Knative drains by itself.
    """

    id = "RE-05"
    title = "Model servers are given time to finish their answers"
    severity = "medium"
    remedy = "Add lifecycle.preStop.sleep of some seconds, and a terminationGracePeriodSeconds of that plus the longest request."
    references = ("Kubernetes documentation: Pod Lifecycle, Termination of Pods",
                  "Amazon EKS Best Practices Guide: Reliability, Configure preStop hooks")
    scope = "platform"
    looks_at = "tenant"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for lasting in lasting_pods(graph):
            view, field = lasting.view, f"{lasting.template.path}.terminationGracePeriodSeconds"
            written = lasting.template.spec.get("terminationGracePeriodSeconds")
            if isinstance(written, Unknown):
                yield self.unknown(graph, view, f"How long pods of {view} may take to stop is only known after apply.", field)
                continue
            grace = quantity(_DEFAULT_GRACE_SECONDS if written is None else written) or 0
            waits = [(container, lookup(container.spec, "lifecycle", "preStop")) for container in lasting.template.containers
                     if container.role == "container"]
            for container, hook in waits:
                slept = _slept(hook)
                if slept is not None and slept >= grace:
                    yield self.fail(
                        graph, view, f"Container {container.name} of {view} waits {slept} s before it stops, and is killed after "
                                                 f"{grace} s.", field)
            if lasting.pods.devices and graph.in_production(view) and not _drains_itself(lasting):
                if all(hook is None for _, hook in waits):
                    yield self.fail(
                        graph, view, f"{view} stops at once, while the gateway still sends it requests: no container has a preStop "
                                                 "hook.", f"{lasting.template.path}.containers")
                elif grace < _SERVED_SECONDS:
                    yield self.fail(graph, view, f"{view} is killed {grace} s after it is told to stop, whatever it is answering.", field)

    PASSES = (
        Example("a server that drains", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/environment: prod}}
spec:
  template:
    spec:
      terminationGracePeriodSeconds: 330
      containers:
        - {name: vllm, image: vllm, lifecycle: {preStop: {sleep: {seconds: 15}}}, resources: {limits: {nvidia.com/gpu: 1}}}
"""),
    )
    FAILS = (
        Example("no time to drain", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/environment: prod}}
spec: {template: {spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}}}
""", "stops at once, while the gateway still sends it requests"),
        Example("a hook that outlives its pod", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support}
spec: {template: {spec: {containers: [{name: vllm, image: vllm, lifecycle: {preStop: {exec: {command: [sleep, "60"]}}}}]}}}
""", "waits 60 s before it stops, and is killed after 30 s"),
    )


def _slept(hook: Any) -> int | None:
    """Seconds that a hook waits; None where that cannot be read."""
    seconds = lookup(hook, "sleep", "seconds")
    if isinstance(seconds, int):
        return seconds
    words = " ".join(str(word) for word in items(lookup(hook, "exec", "command"))).split()
    for word, after in pairwise(words):
        if word.rpartition("/")[2] == "sleep" and after.isdecimal():
            return int(after)
    return None


def _drains_itself(lasting: LastingPods) -> bool:
    """Knative's proxy waits for requests, and KServe's templates of an LLMInferenceService have hooks that the graph does not hold."""
    mode = lasting.view.annotations.get("serving.kserve.io/deploymentMode")
    return lasting.view.kind == "LLMInferenceService" or (
        lasting.view.kind == "InferenceService" and mode not in ("Standard", "RawDeployment"))
