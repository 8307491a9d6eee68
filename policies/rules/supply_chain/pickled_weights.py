"""SC-06: a pickle is a program: loading weights from one runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpuplane.graph.command_lines import environment, flags, is_true, words
from gpuplane.graph.model_sources import model_sources
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView, lookup, told
from gpuplane.policies.container_rule import ContainerRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_SUFFIX = re.compile(r"\.(?:bin|pt|pth|pkl|pickle|ckpt|joblib|mar)$", re.IGNORECASE)
_LOAD_FORMATS = ("pt", "npcache")
"""Values of ``--load-format`` that read pickles (vLLM and SGLang); ``auto`` takes safetensors where there are any."""
_UNGUARDED = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
"""Makes torch.load run what a checkpoint says (PyTorch 2.6 made ``weights_only=True`` the default)."""
_FORMATS = ("sklearn", "joblib", "pickle")
"""Model formats of KServe whose files are pickles."""


class PickledWeights(ContainerRule):
    """Weights in pickle formats execute code of whoever made them, inside the tenant's network, as soon as they are loaded.

    safetensors, GGUF, ONNX and TensorFlow's SavedModel hold numbers. A mention of a file ending in .bin, .pt, .pth, .pkl, .ckpt, .joblib or
    .mar, a load format that reads pickles, or a runtime of pickled formats is a violation; what a repository holds besides is not seen.
    """

    id = "SC-06"
    title = "Weights are loaded from formats that hold no code"
    severity = "critical"
    remedy = "Convert the weights to safetensors, GGUF or ONNX, and name those; drop load formats pt and npcache."
    references = ("OWASP LLM03:2025, LLM04:2025", "Python documentation: pickle, warning",
                  "PyTorch documentation: torch.load, weights_only")

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        yield from super().check(graph)
        for view in graph.kubernetes:
            for source in model_sources(graph, view):
                if isinstance(source.uri, str) and _SUFFIX.search(re.split("[?@]", source.uri)[0]):
                    yield self.fail(graph, view, f"{source.uri} of {view} is a pickle, which runs code when it is loaded.", source.path)

    def container(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        named, found = f"Container {container.name} of {view}", flags(container)
        chosen = found.get("load-format", "")
        if chosen in _LOAD_FORMATS:
            yield self.fail(graph, view, f"{named} loads weights in format {chosen}, which reads pickles.", f"{container.path}.args")
        for word in words(container):
            file = word.rpartition("=")[2]
            if _SUFFIX.search(file) and "://" not in file:
                yield self.fail(
                    graph, view, f"{named} reads {file}, a pickle, which runs code when it is loaded.", f"{container.path}.args")
        if is_true(environment(graph, view, container).get(_UNGUARDED)):
            yield self.fail(graph, view, f"{named} sets {_UNGUARDED}, so any checkpoint may run code.", f"{container.path}.env")
        kind = told(container.spec, "modelFormat", "name")
        kind = container.path.rpartition(".")[2] if kind is None and lookup(container.spec, "storageUri") is not None else kind
        if kind in _FORMATS:
            yield self.fail(graph, view, f"{view} serves the format {kind}, whose files are pickles.", f"{container.path}.modelFormat")

    PASSES = (
        Example("safetensors by name", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}, storageUri: "s3://models/chat/0123456789abcdef", args: [--load-format=safetensors]}}}
"""),
        Example("a model in ONNX", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: photos, namespace: support}
spec: {predictor: {model: {modelFormat: {name: onnx}, storageUri: "s3://models/resnet/model.onnx"}}}
"""),
    )
    FAILS = (
        Example("a scikit-learn model", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: scores, namespace: support}
spec: {predictor: {sklearn: {storageUri: "s3://models/scores/0123456789abcdef"}}}
""", "serves the format sklearn, whose files are pickles"),
        Example("a checkpoint by name", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: pytorch}, storageUri: "s3://models/chat/0123456789abcdef/model.pt"}}}
""", "s3://models/chat/0123456789abcdef/model.pt of InferenceService support/chat is a pickle"),
        Example("a load format that reads pickles", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support}
spec: {template: {spec: {containers: [{name: vllm, image: vllm/vllm-openai, args: ["--model=/models/chat", --load-format, pt]}]}}}
""", "loads weights in format pt, which reads pickles"),
        Example("PyTorch's guard switched off", """
apiVersion: v1
kind: Pod
metadata: {name: tuner}
spec: {containers: [{name: a, image: pytorch, env: [{name: TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD, value: "1"}]}]}
""", "sets TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"),
    )
