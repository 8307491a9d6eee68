"""WI-02: a route to a backend that is not there answers every request with an error."""

from __future__ import annotations

from gpuplane.graph.wiring import Relation
from gpuplane.policies.link_rule import LinkRule
from gpuplane.policies.rule import Example


class MissingBackends(LinkRule):
    """Charts and files that must agree on a name do not notice when they do not: everything is ready, and requests reach no model."""

    id = "WI-02"
    title = "Every route, AI route and policy points at a backend that is there"
    remedy = ("Give the reference the name, namespace and port of a backend among the objects, or a ReferenceGrant where it is in "
              "another namespace.")
    references = ("Gateway API v1, BackendObjectReference and ReferenceGrant", "llm-d/llm-d#2107",)
    looks_at = "outlines"
    relations = (Relation.BACKEND,)

    PASSES = (
        Example("route, pool and model server agree (llm-d#2107, repaired)", """
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
        Example("the Service that KServe makes of an InferenceService", """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec: {rules: [{backendRefs: [{name: chat-predictor, port: 80}]}]}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}}}}
"""),
        Example("a namespace that the objects say nothing about", """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec: {rules: [{backendRefs: [{name: chat, port: 80}]}]}
"""),
    )
    FAILS = (
        Example("the pool has another name (llm-d#2107)", """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: llm-d}
spec:
  parentRefs: [{name: inference-gateway}]
  rules: [{backendRefs: [{group: inference.networking.k8s.io, kind: InferencePool, name: chat-pool}]}]
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
""", "backend of HTTPRoute llm-d/chat points at InferencePool llm-d/chat-pool: there is no InferencePool chat-pool"),
        Example("a port that the Service does not have", """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec: {rules: [{backendRefs: [{name: chat-predictor, port: 8080}]}]}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}}}}
""", "the Service has no port 8080, but 80"),
        Example("another namespace without its leave", """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: web}
spec: {rules: [{backendRefs: [{name: chat-predictor, namespace: support, port: 80}]}]}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}}}}
""", "no ReferenceGrant in namespace support"),
    )
