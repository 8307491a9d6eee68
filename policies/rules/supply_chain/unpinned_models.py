"""SC-05: a model that is named by a branch or a folder can be swapped behind everybody's back."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.model_sources import ModelSource, allowed, model_sources, pinned
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.vocabulary import MANAGED_BY


class UnpinnedModels(Rule):
    """Weights are code that nobody can read: what was evaluated must be, byte for byte, what is served.

    A model must come from a source that the namespace allows, and be named by a commit or digest: hf://ORG/MODEL:COMMIT,
    s3://BUCKET/PREFIX/DIGEST, oci://REPOSITORY@sha256:DIGEST.
    """

    id = "SC-05"
    title = "Models come from allowed sources and are pinned to a commit or digest"
    severity = "critical"
    remedy = "Pin the model to a commit or digest, below one of the namespace's allowed model sources."
    references = ("OWASP LLM03:2025", "NIST AI RMF: Map 4, Govern 6")
    scope = "platform"
    looks_at = "tenant"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.kubernetes:
            for source in model_sources(graph, view):
                yield from self._source(graph, view, source)
        for name, namespace in sorted(graph.namespaces.items()):
            ours = namespace.labels.get(MANAGED_BY) == "gpuplane" and graph.tenant_of(namespace) is not None
            if ours and graph.says(namespace, "allowed_model_sources") is None:
                yield self.fail(graph, namespace, f"Namespace {name} does not say which model sources are allowed.",
                                f"metadata.annotations.{graph.labels.allowed_model_sources}")

    def _source(self, graph: PlannedGraph, view: ResourceView, source: ModelSource) -> Iterator[Finding]:
        if not isinstance(source.uri, str):
            yield self.unknown(graph, view, f"Which model {view} loads is only known after apply.", source.path)
            return
        fixed = pinned(source.uri)
        if fixed is None:
            yield self.unknown(
                graph, view, f"{source.uri} of {view} is a volume: nothing says which weights are in it.", source.path)
        elif not fixed:
            yield self.fail(graph, view, f"{source.uri} of {view} is not pinned to a commit or digest.", source.path)
        # The namespace's word first: what a workload allows itself is no limit.
        said = graph.says(graph.namespaces.get(view.namespace, view), "allowed_model_sources")
        prefixes = [prefix.strip() for prefix in (said or "").split(",") if prefix.strip()]
        if said is not None and not allowed(source.uri, prefixes):
            yield self.fail(
                graph, view,
                f"{source.uri} of {view} is not below any allowed source ({', '.join(prefixes) or 'none'}).", source.path)

    PASSES = (
        Example("a commit of an allowed organisation", """
apiVersion: v1
kind: Namespace
metadata: {name: support, annotations: {gpuplane.dev/allowed-model-sources: "hf://Qwen/,s3://support-models/"}}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {storageUri: "hf://Qwen/Qwen2.5-7B-Instruct:a09a35458c702b33eeacc393d103063234e8bc28"}}}
"""),
        Example("a folder that is named by its digest", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {storageUri: "s3://support-models/chat/0123456789abcdef"}}}
"""),
    )
    FAILS = (
        Example("a branch", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {storageUri: "hf://Qwen/Qwen2.5-7B-Instruct:main"}}}
""", "hf://Qwen/Qwen2.5-7B-Instruct:main of InferenceService support/chat is not pinned"),
        Example("an organisation whose name only begins like an allowed one", """
apiVersion: v1
kind: Namespace
metadata: {name: support, annotations: {gpuplane.dev/allowed-model-sources: "hf://Qwen"}}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {storageUri: "hf://Qwen-mirror/Qwen2.5-7B:a09a35458c702b33eeacc393d103063234e8bc28"}}}
""", "is not below any allowed source (hf://Qwen)"),
        Example("an engine that fetches a model by itself", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support}
spec: {template: {spec: {containers: [{name: vllm, image: vllm/vllm-openai, args: [--model, Qwen/Qwen2.5-7B-Instruct]}]}}}
""", "hf://Qwen/Qwen2.5-7B-Instruct of Deployment support/chat is not pinned"),
        Example("a volume", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {storageUri: "pvc://models/chat"}}}
""", "is a volume"),
    )
