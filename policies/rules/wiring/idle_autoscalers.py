"""WI-06: an autoscaler whose target, metric or threshold leads nowhere shows no error and never adds a replica."""

from __future__ import annotations

from gpuplane.graph.wiring import Relation
from gpuplane.policies.link_rule import LinkRule
from gpuplane.policies.rule import Example


class IdleAutoscalers(LinkRule):
    """An empty query result counts as nothing to do. The target must be there, the engine must export the metric under these
    labels, and one pod must be able to exceed the threshold.
    """

    id = "WI-06"
    title = "Every autoscaler scales something, by a metric that it exports and that can exceed the threshold"
    remedy = ("Name the workload, a metric of its engine with its namespace and served name, and a threshold below what one pod "
              "can reach; or scale by the requests that wait.")
    references = ("defilantech/LLMKube#482", "KEDA 2.20 prometheus scaler", "autoscaling/v2 HorizontalPodAutoscaler",)
    across_layers = True
    looks_at = "outlines"
    relations = (Relation.TARGET, Relation.QUERY,)

    PASSES = (
        Example("requests that wait have no upper end (LLMKube#482, repaired)", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: phi, namespace: models}
spec:
  selector: {matchLabels: {app: phi}}
  template:
    metadata: {labels: {app: phi}}
    spec:
      containers:
        - name: llama-server
          image: ghcr.io/ggml-org/llama.cpp:server-cuda
          args: [--model, /models/phi.gguf, --port, "8080", --metrics]
          resources: {limits: {nvidia.com/gpu: "1"}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: phi, namespace: models}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: phi}
  maxReplicas: 4
  metrics:
    - type: Pods
      pods: {metric: {name: "llamacpp:requests_deferred"}, target: {type: AverageValue, averageValue: "2"}}
"""),
        Example("a query on what the engine exports", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, annotations: {serving.kserve.io/autoscalerClass: external}}
spec:
  predictor:
    model:
      modelFormat: {name: vLLM}
      image: vllm/vllm-openai
      args: [--port=8080, --model=/mnt/models, --served-model-name=chat]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: chat, namespace: support}
spec:
  scaleTargetRef: {name: chat-predictor}
  triggers:
    - type: prometheus
      metadata:
        serverAddress: http://prometheus.monitoring.svc:9090
        query: sum(vllm:num_requests_waiting{namespace="support", model_name="chat"})
        threshold: "5"
"""),
    )
    FAILS = (
        Example("one slot never processes two requests (LLMKube#482)", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: phi, namespace: models}
spec:
  selector: {matchLabels: {app: phi}}
  template:
    metadata: {labels: {app: phi}}
    spec:
      containers:
        - name: llama-server
          image: ghcr.io/ggml-org/llama.cpp:server-cuda
          args: [--model, /models/phi.gguf, --port, "8080", --metrics]
          resources: {limits: {nvidia.com/gpu: "1"}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: phi, namespace: models}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: phi}
  maxReplicas: 4
  metrics:
    - type: Pods
      pods: {metric: {name: "llamacpp:requests_processing"}, target: {type: AverageValue, averageValue: "2"}}
""", "one pod can reach 1, so the autoscaler never adds a replica"),
        Example("a target that is not there", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: phi, namespace: models}
spec:
  selector: {matchLabels: {app: phi}}
  template:
    metadata: {labels: {app: phi}}
    spec:
      containers:
        - name: llama-server
          image: ghcr.io/ggml-org/llama.cpp:server-cuda
          args: [--model, /models/phi.gguf, --port, "8080", --metrics]
          resources: {limits: {nvidia.com/gpu: "1"}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: phi, namespace: models}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: phi-4}
  maxReplicas: 4
  metrics:
    - type: Pods
      pods: {metric: {name: "llamacpp:requests_deferred"}, target: {type: AverageValue, averageValue: "2"}}
""", "scaleTargetRef of HorizontalPodAutoscaler models/phi points at Deployment models/phi-4: there is none of that name"),
        Example("another namespace in the query", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, annotations: {serving.kserve.io/autoscalerClass: external}}
spec:
  predictor:
    model:
      modelFormat: {name: vLLM}
      image: vllm/vllm-openai
      args: [--port=8080, --model=/mnt/models, --served-model-name=chat]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: chat, namespace: support}
spec:
  scaleTargetRef: {name: chat-predictor}
  triggers:
    - type: prometheus
      metadata:
        serverAddress: http://prometheus.monitoring.svc:9090
        query: sum(vllm:num_requests_waiting{namespace="search"})
        threshold: "5"
""", "it reads namespace search, they run in support"),
        Example("a name that the engine does not serve", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, annotations: {serving.kserve.io/autoscalerClass: external}}
spec:
  predictor:
    model:
      modelFormat: {name: vLLM}
      image: vllm/vllm-openai
      args: [--port=8080, --model=/mnt/models, --served-model-name=chat]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: chat, namespace: support}
spec:
  scaleTargetRef: {name: chat-predictor}
  triggers:
    - type: prometheus
      metadata:
        serverAddress: http://prometheus.monitoring.svc:9090
        query: sum(vllm:num_requests_waiting{model_name="qwen"})
        threshold: "5"
""", "no engine serves model_name qwen, but chat"),
        Example("a metric that was withdrawn", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, annotations: {serving.kserve.io/autoscalerClass: external}}
spec:
  predictor:
    model:
      modelFormat: {name: vLLM}
      image: vllm/vllm-openai
      args: [--port=8080, --model=/mnt/models, --served-model-name=chat]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: chat, namespace: support}
spec:
  scaleTargetRef: {name: chat-predictor}
  triggers:
    - type: prometheus
      metadata:
        serverAddress: http://prometheus.monitoring.svc:9090
        query: avg(vllm:gpu_cache_usage_perc)
        threshold: "5"
""", "vllm:kv_cache_usage_perc took its place"),
        Example("a metric of another engine", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, annotations: {serving.kserve.io/autoscalerClass: external}}
spec:
  predictor:
    model:
      modelFormat: {name: vLLM}
      image: vllm/vllm-openai
      args: [--port=8080, --model=/mnt/models, --served-model-name=chat]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: chat, namespace: support}
spec:
  scaleTargetRef: {name: chat-predictor}
  triggers:
    - type: prometheus
      metadata:
        serverAddress: http://prometheus.monitoring.svc:9090
        query: sum(nv_inference_queue_duration_us)
        threshold: "5"
""", "they run vllm, which does not export it"),
    )
