"""WI-05: an engine answers 404 to a model name that it does not serve, however healthy it is."""

from __future__ import annotations

from gpuplane.graph.wiring import Relation
from gpuplane.policies.link_rule import LinkRule
from gpuplane.policies.rule import Example


class UnservedModelNames(LinkRule):
    """The name in the request passes the route unchanged (or as its override says), and the engine compares it with
    --served-model-name and its adapters.
    """

    id = "WI-05"
    title = "Every model name that a route selects or sends is served behind it"
    remedy = "Use one of the engine's served names in the route, set modelNameOverride, or add the name to --served-model-name."
    references = ("vLLM --served-model-name", "Envoy AI Gateway v1, AIGatewayRoute.spec.rules.backendRefs.modelNameOverride",)
    looks_at = "outlines"
    relations = (Relation.MODEL,)

    PASSES = (
        Example("route and engine say the same name", """
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: chat, namespace: support}
spec:
  rules:
    - matches: [{headers: [{type: Exact, name: x-ai-eg-model, value: qwen3-8b}]}]
      backendRefs: [{name: chat}]
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {name: chat, namespace: support}
spec: {schema: {name: OpenAI}, backendRef: {group: gateway.envoyproxy.io, kind: Backend, name: chat}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: chat, namespace: support}
spec: {endpoints: [{fqdn: {hostname: chat-predictor.support.svc.cluster.local, port: 80}}]}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec:
  predictor:
    model:
      modelFormat: {name: vLLM}
      image: vllm/vllm-openai
      args: [--port=8080, --model=/mnt/models, --served-model-name=qwen3-8b]
"""),
    )
    FAILS = (
        Example("route and engine say different names", """
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIGatewayRoute
metadata: {name: chat, namespace: support}
spec:
  rules:
    - matches: [{headers: [{type: Exact, name: x-ai-eg-model, value: chat}]}]
      backendRefs: [{name: chat}]
---
apiVersion: aigateway.envoyproxy.io/v1beta1
kind: AIServiceBackend
metadata: {name: chat, namespace: support}
spec: {schema: {name: OpenAI}, backendRef: {group: gateway.envoyproxy.io, kind: Backend, name: chat}}
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: chat, namespace: support}
spec: {endpoints: [{fqdn: {hostname: chat-predictor.support.svc.cluster.local, port: 80}}]}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec:
  predictor:
    model:
      modelFormat: {name: vLLM}
      image: vllm/vllm-openai
      args: [--port=8080, --model=/mnt/models, --served-model-name=qwen3-8b]
""", "model name chat of AIGatewayRoute support/chat points at the engines behind AIServiceBackend support/chat: they serve qwen3-8b"),
    )
