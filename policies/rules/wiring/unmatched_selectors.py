"""WI-03: a selector that no pod matches leaves a Service or pool ready and empty."""

from __future__ import annotations

from gpuplane.graph.wiring import Relation
from gpuplane.policies.link_rule import LinkRule
from gpuplane.policies.rule import Example


class UnmatchedSelectors(LinkRule):
    """Labels of a chart for the router and labels of a chart for the model server have to be the same word; nothing in the cluster
    compares them.
    """

    id = "WI-03"
    title = "Every Service and InferencePool of a serving namespace selects pods"
    remedy = "Give the pods the labels that the selector asks for, or the selector the labels that the pods bear."
    references = ("Gateway API inference extension v1, InferencePool.spec.selector", "llm-d/llm-d#2107",)
    looks_at = "outlines"
    relations = (Relation.SELECTOR,)

    PASSES = (
        Example("pool and pods agree (llm-d#2107, repaired)", """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: llm-d}
spec:
  parentRefs: [{name: inference-gateway}]
  rules: [{backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: chat}]}]
---
apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata: {name: chat, namespace: llm-d}
spec:
  selector: {matchLabels: {llm-d.ai/guide: optimized-baseline}}
  targetPorts: [{number: 8000}]
  endpointPickerRef: {name: chat-epp, port: {number: 9002}}
---
apiVersion: v1
kind: Service
metadata: {name: chat-epp, namespace: llm-d}
spec: {selector: {app: chat-epp}, ports: [{port: 9002}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat-epp, namespace: llm-d}
spec:
  selector: {matchLabels: {app: chat-epp}}
  template:
    metadata: {labels: {app: chat-epp}}
    spec: {containers: [{name: epp, image: epp, ports: [{containerPort: 9002}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat-vllm, namespace: llm-d}
spec:
  selector: {matchLabels: {llm-d.ai/guide: optimized-baseline}}
  template:
    metadata: {labels: {llm-d.ai/guide: optimized-baseline}}
    spec:
      containers:
        - name: vllm
          image: vllm/vllm-openai
          args: [--model=Qwen/Qwen3-8B, --port=8000]
          ports: [{containerPort: 8000}]
          resources: {limits: {nvidia.com/gpu: "1"}}
"""),
    )
    FAILS = (
        Example("the pool selects by a label that the pods do not bear (llm-d#2107)", """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: llm-d}
spec:
  parentRefs: [{name: inference-gateway}]
  rules: [{backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: chat}]}]
---
apiVersion: inference.networking.k8s.io/v1
kind: InferencePool
metadata: {name: chat, namespace: llm-d}
spec:
  selector: {matchLabels: {llm-d.ai/guide: inference-scheduling}}
  targetPorts: [{number: 8000}]
  endpointPickerRef: {name: chat-epp, port: {number: 9002}}
---
apiVersion: v1
kind: Service
metadata: {name: chat-epp, namespace: llm-d}
spec: {selector: {app: chat-epp}, ports: [{port: 9002}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat-epp, namespace: llm-d}
spec:
  selector: {matchLabels: {app: chat-epp}}
  template:
    metadata: {labels: {app: chat-epp}}
    spec: {containers: [{name: epp, image: epp, ports: [{containerPort: 9002}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat-vllm, namespace: llm-d}
spec:
  selector: {matchLabels: {llm-d.ai/guide: optimized-baseline}}
  template:
    metadata: {labels: {llm-d.ai/guide: optimized-baseline}}
    spec:
      containers:
        - name: vllm
          image: vllm/vllm-openai
          args: [--model=Qwen/Qwen3-8B, --port=8000]
          ports: [{containerPort: 8000}]
          resources: {limits: {nvidia.com/gpu: "1"}}
""",
                "selector of InferencePool llm-d/chat points at pods with llm-d.ai/guide=inference-scheduling in namespace llm-d: no pods"
                " bear them; the pods of Deployment llm-d/chat-vllm have llm-d.ai/guide=optimized-baseline"),
    )
