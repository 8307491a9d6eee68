"""SC-07: trusting remote code runs whatever the model's repository holds."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpuplane.graph.command_lines import environment, flags, is_true, words
from gpuplane.graph.model_sources import hub_model, model_sources
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView
from gpuplane.policies.container_rule import ContainerRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_FLAG = "trust-remote-code"
_VARIABLES = ("TRUST_REMOTE_CODE", "HF_TRUST_REMOTE_CODE", "VLLM_TRUST_REMOTE_CODE", "HF_DATASETS_TRUST_REMOTE_CODE")
_IN_PYTHON = re.compile(r"trust_remote_code['\"]?\s*[=:]\s*(True|true)\b")


class UnreviewedCode(ContainerRule):
    """A model repository can bring Python files; trust-remote-code runs them with the server's rights, at whatever revision they are.

    Allowed for models whose code was read: policies.reviewed_remote_code of the environment names them with the revision that was read. A
    runtime that sets it does so for every model that will ever use it, which no review covers.
    """

    id = "SC-07"
    title = "A model's own code runs only if it was reviewed, at the revision that was reviewed"
    severity = "critical"
    remedy = "Remove trust-remote-code, or have the model's code read and add hf://ORGANISATION/MODEL@REVISION to reviewed_remote_code."
    references = ("OWASP LLM03:2025", "Hugging Face documentation: Custom models, trust_remote_code", "vLLM documentation: Security")
    effective = False

    def container(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        where = self._asked(graph, view, container)
        if where:
            models = sorted({source.uri for source in model_sources(graph, view) if isinstance(source.uri, str)})
            unread = [uri for uri in models if not reviewed(uri, graph.parameters.reviewed_remote_code)]
            if unread or not models:
                whose = f"of {', '.join(unread)}" if unread else "of any model that it is given"
                yield self.fail(
                    graph, view, f"Container {container.name} of {view} runs the code {whose}, and nobody has reviewed it.",
                    f"{container.path}.{where}")

    def _asked(self, graph: PlannedGraph, view: ResourceView, container: PodContainer) -> str:
        """The field that asks for it; empty for none."""
        if is_true(flags(container).get(_FLAG)) or any(_IN_PYTHON.search(word) for word in words(container)):
            return "args"
        given = environment(graph, view, container)
        return "env" if any(is_true(given.get(name)) for name in _VARIABLES) else ""

    PASSES = (
        Example("a server that trusts no code", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}, storageUri: "hf://Qwen/Qwen2.5-7B-Instruct", args: [--trust-remote-code=false]}}}
"""),
    )
    FAILS = (
        Example("a flag", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec:
  predictor: {model: {modelFormat: {name: vLLM}, storageUri: "hf://example/chat:0123456789ab", args: [--trust-remote-code]}}
""", "runs the code of hf://example/chat:0123456789ab, and nobody has reviewed it"),
        Example("a runtime, for whichever model", """
apiVersion: serving.kserve.io/v1alpha1
kind: ClusterServingRuntime
metadata: {name: huggingface}
spec: {containers: [{name: kserve-container, image: huggingfaceserver, args: [--trust_remote_code]}]}
""", "runs the code of any model that it is given"),
        Example("a variable", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support}
spec:
  template:
    spec: {containers: [{name: tgi, image: text-generation-inference, env: [{name: TRUST_REMOTE_CODE, value: "true"}]}]}
""", "Container tgi of Deployment support/chat runs the code"),
        Example("a line of Python", """
apiVersion: batch/v1
kind: Job
metadata: {name: evaluate, namespace: support}
spec:
  template:
    spec:
      containers:
        - {name: a, image: pytorch, command: [python, -c, "AutoModel.from_pretrained('x/y', trust_remote_code=True)"]}
""", "Container a of Job support/evaluate runs the code"),
    )


def reviewed(uri: str, list_: tuple[str, ...]) -> bool:
    """Whether a model is on the list of reviewed ones, at the revision that it is served at."""
    model, revision = hub_model(uri)
    for entry in list_:
        name, read = hub_model(entry)
        if name == model and revision and revision.startswith(read):
            return True
    return False
