"""SC-09: an adapter changes what a model says as much as its weights do."""

from __future__ import annotations

import json
from collections.abc import Iterator

from gpuplane.graph.command_lines import environment, is_true, words
from gpuplane.graph.model_sources import pinned
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView
from gpuplane.policies.container_rule import ContainerRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_RUNTIME_LOADING = "VLLM_ALLOW_RUNTIME_LORA_UPDATING"
_FLAGS = ("--lora-modules", "--lora-adapters", "--lora-paths")
"""Adapters by name of vLLM, Text Generation Inference and SGLang."""
_VARIABLES = ("LORA_ADAPTERS",)


class InjectedAdapters(ContainerRule):
    """Runtime loading lets every caller of the server add weights, from any path it can read, with no review and no trace in Git.

    Adapters that are fetched by name at start must be pinned like the model (``NAME@COMMIT``); those of an LLMInferenceService are
    judged by SC-05.
    """

    id = "SC-09"
    title = "Adapters are declared and pinned, and none can be loaded at run time"
    severity = "high"
    remedy = f"Remove {_RUNTIME_LOADING}, and declare adapters with a commit, or as folders that the model's volume holds."
    references = ("vLLM documentation: LoRA Adapters, dynamically serving", "OWASP LLM03:2025")
    effective = False

    def container(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        named, given = f"Container {container.name} of {view}", environment(graph, view, container)
        if is_true(given.get(_RUNTIME_LOADING)):
            yield self.fail(graph, view, f"{named} sets {_RUNTIME_LOADING}: whoever reaches it can load adapters.", f"{container.path}.env")
        listed = [("args", text) for text in _of_flags(words(container))]
        listed += [("env", text) for name in _VARIABLES for text in given.get(name, "").split(",") if text.strip()]
        for field, text in listed:
            source = _source(text.strip())
            if source and not source.startswith(("/", ".", "$", "{")) and not pinned(_uri(source)):
                yield self.fail(graph, view, f"{named} fetches the adapter {source}, which is not pinned to a commit.",
                                f"{container.path}.{field}")

    PASSES = (
        Example("an adapter from the model's volume, and one that is pinned", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support}
spec:
  template:
    spec:
      containers:
        - {name: vllm, image: vllm/vllm-openai, args: [--enable-lora, --lora-modules, sql=/mnt/models/sql, "law=example/law@0123456789ab"]}
"""),
    )
    FAILS = (
        Example("adapters at run time", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}, env: [{name: VLLM_ALLOW_RUNTIME_LORA_UPDATING, value: "True"}]}}}
""", "whoever reaches it can load adapters"),
        Example("an adapter by name alone", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support}
spec:
  template: {spec: {containers: [{name: vllm, image: vllm/vllm-openai, args: ["--lora-modules=sql=example/sql-lora"]}]}}
""", "fetches the adapter example/sql-lora, which is not pinned to a commit"),
    )


def _of_flags(line: list[str]) -> Iterator[str]:
    """Values of the adapter flags: all words up to the next flag."""
    inside = False
    for word in line:
        if word.startswith("--"):
            name, equals, value = word.replace("_", "-", 3).partition("=")
            inside = name in _FLAGS
            if inside and equals:
                yield from value.split(",")
        elif inside:
            yield from [word] if word.startswith("{") else word.split(",")


def _source(text: str) -> str:
    """Where an adapter comes from: ``NAME=SOURCE``, a JSON object with ``path``, or the source alone."""
    if text.startswith("{"):
        try:
            return str(json.loads(text).get("path", ""))
        except ValueError:
            return ""
    return text.partition("=")[2] or text


def _uri(source: str) -> str:
    return source if "://" in source else f"hf://{source}"
