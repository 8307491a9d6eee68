"""WI-04: a port that nothing listens on refuses every connection, while probes on the right one pass."""

from __future__ import annotations

from gpuplane.graph.wiring import Relation
from gpuplane.policies.link_rule import LinkRule
from gpuplane.policies.rule import Example


class SilentPorts(LinkRule):
    """A Service, a pool and a container each write the port down for themselves, and the engine listens on the one that its flag says."""

    id = "WI-04"
    title = "Every port that traffic is sent to is one that a container listens on"
    remedy = "Use the port of the engine's --port flag in its container, in the Service and in the pool."
    references = ("Kubernetes Service.spec.ports.targetPort", "Gateway API inference extension v1, InferencePool.spec.targetPorts",
                  "llm-d/llm-d#2107")
    looks_at = "outlines"
    relations = (Relation.PORT,)

    PASSES = (
        Example("pool and engine agree (llm-d#2107, repaired)", """
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
        Example("the pool sends to another port (llm-d#2107)", """
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
  targetPorts: [{number: 8200}]
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
                "targetPort of InferencePool llm-d/chat points at port 8200 of the pods of Deployment llm-d/chat-vllm: no container "
                "listens on it, but on 8000"),
        Example("the engine listens elsewhere than its container says", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support}
spec:
  selector: {matchLabels: {app: chat}}
  template:
    metadata: {labels: {app: chat}}
    spec:
      containers:
        - name: vllm
          image: vllm/vllm-openai
          args: [--model=Qwen/Qwen3-8B, --port=8000]
          ports: [{containerPort: 8080}]
""", "engine vllm: it listens on 8000"),
    )
