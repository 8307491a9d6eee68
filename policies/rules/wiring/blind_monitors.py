"""WI-07: a monitor that selects nothing, or scrapes a port without metrics, leaves every alert and autoscaler blind."""

from __future__ import annotations

from gpuplane.graph.wiring import Relation
from gpuplane.policies.link_rule import LinkRule
from gpuplane.policies.rule import Example


class BlindMonitors(LinkRule):
    """Prometheus drops a target that does not fit without a word: the query result is empty, the alert never fires, the autoscaler
    stays.
    """

    id = "WI-07"
    title = "Every monitor of model servers selects pods and scrapes the port their metrics are on"
    remedy = ("Select by labels that the pods bear, scrape the port that the engine exports metrics on, and bear the labels that "
              "Prometheus selects monitors by.")
    references = ("Prometheus Operator v1, PodMonitor and ServiceMonitor", "defilantech/LLMKube#480",)
    looks_at = "outlines"
    relations = (Relation.MONITOR,)

    PASSES = (
        Example("label and port fit", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec:
  predictor:
    model: {modelFormat: {name: vLLM}, image: vllm/vllm-openai, args: [--port=8080, --model=/mnt/models, --served-model-name=chat]}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: chat, namespace: support}
spec:
  selector: {matchLabels: {serving.kserve.io/inferenceservice: chat}}
  podMetricsEndpoints: [{portNumber: 8080}]
"""),
    )
    FAILS = (
        Example("an empty value is a value (LLMKube#480)", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec:
  predictor:
    model: {modelFormat: {name: vLLM}, image: vllm/vllm-openai, args: [--port=8080, --model=/mnt/models, --served-model-name=chat]}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: chat, namespace: support}
spec:
  selector: {matchLabels: {serving.kserve.io/inferenceservice: ""}}
  podMetricsEndpoints: [{portNumber: 8080}]
""", "no pods bear them"),
        Example("another port", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec:
  predictor:
    model: {modelFormat: {name: vLLM}, image: vllm/vllm-openai, args: [--port=8080, --model=/mnt/models, --served-model-name=chat]}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: chat, namespace: support}
spec:
  selector: {matchLabels: {serving.kserve.io/inferenceservice: chat}}
  podMetricsEndpoints: [{portNumber: 8000}]
""", "points at the metrics port 8080 of the pods of InferenceService support/chat: the endpoints scrape 8000"),
    )
