"""WI-08: an alert on a series that does not exist never fires, which looks like all is well."""

from __future__ import annotations

from gpuplane.graph.wiring import Relation
from gpuplane.policies.link_rule import LinkRule
from gpuplane.policies.rule import Example


class DeafAlerts(LinkRule):
    """Engines rename metrics between versions, recording rules are renamed without their readers, and labels are written from memory."""

    id = "WI-08"
    title = "Every expression of a rule reads series that are exported, scraped or recorded"
    remedy = "Read a metric that the engine exports, with a namespace and model_name that are served, or a series that a rule records."
    references = ("vLLM metrics and their deprecation policy", "Prometheus Operator v1, PrometheusRule",)
    across_layers = True
    looks_at = "tenant"
    relations = (Relation.ALERT,)

    PASSES = (
        Example("an exported and a recorded series", """
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
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: chat, namespace: support}
spec:
  groups:
    - name: chat
      rules:
        - record: "chat:ttft_seconds:p95"
          expr: "histogram_quantile(0.95, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[5m])))"
        - {alert: ChatSlow, expr: 'chat:ttft_seconds:p95 > 2 and on() vllm:num_requests_waiting{namespace="support"} > 0'}
"""),
    )
    FAILS = (
        Example("a series that nobody records", """
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
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: chat, namespace: support}
spec:
  groups:
    - name: chat
      rules:
        - record: "chat:ttft_seconds:p95"
          expr: "histogram_quantile(0.95, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[5m])))"
        - {alert: ChatSlow, expr: 'chat:ttft_seconds:p99 > 2'}
""", "expression of ChatSlow of PrometheusRule support/chat points at recorded series chat:ttft_seconds:p99: no rule records it"),
        Example("a slip of the pen", """
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
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: chat, namespace: support}
spec:
  groups:
    - name: chat
      rules:
        - record: "chat:ttft_seconds:p95"
          expr: "histogram_quantile(0.95, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[5m])))"
        - {alert: ChatSlow, expr: 'vllm:num_request_waiting > 10'}
""", "vllm:num_requests_waiting is near"),
        Example("a model that is not served", """
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
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: chat, namespace: support}
spec:
  groups:
    - name: chat
      rules:
        - record: "chat:ttft_seconds:p95"
          expr: "histogram_quantile(0.95, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[5m])))"
        - {alert: ChatSlow, expr: 'vllm:num_requests_waiting{model_name="chat-v2"} > 10'}
""", "no engine serves model_name chat-v2"),
    )
