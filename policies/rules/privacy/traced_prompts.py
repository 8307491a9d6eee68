"""PII-07: a span that carries a prompt takes personal data to a store that nobody classified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gpuplane.graph.command_lines import environment
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import TEMPLATE_KINDS, PodContainer
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup
from gpuplane.graph.serving_runtimes import effective_templates
from gpuplane.graph.tenancy import data_class, owed
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_NO = ("", "0", "false", "no", "off", "no_content")
_ON = ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2")
"""Switches that put content into traces: OpenTelemetry's GenAI utilities (NO_CONTENT is their default), LangSmith."""
_OFF = ("OPENINFERENCE_HIDE_INPUTS", "OPENINFERENCE_HIDE_OUTPUTS")
"""Switches that keep it out where it is in by default: the OpenInference conventions, which Envoy AI Gateway writes."""
_EXPORTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class TracedPrompts(Rule):
    """Engines put no content into spans unless they are told to; gateways and frameworks of the OpenInference conventions do unless they
    are told not to."""

    id = "PII-07"
    title = "Traces of personal data carry no prompts and no answers"
    severity = "critical"
    remedy = "Remove the variable that captures content, and set OPENINFERENCE_HIDE_INPUTS and OPENINFERENCE_HIDE_OUTPUTS to true."
    references = ("GDPR Art. 5(1)(c)", "OpenTelemetry semantic conventions for generative AI", "OpenInference configuration")
    scope = "platform"
    looks_at = "tenant"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.kubernetes:
            if view.kind in TEMPLATE_KINDS or owed(graph, view).trace_capture != "forbidden":
                continue
            for template in effective_templates(graph, view):
                for container in template.containers:
                    yield from self._container(graph, view, container)

    def _container(self, graph: PlannedGraph, view: ResourceView, container: PodContainer) -> Iterator[Finding]:
        said, path = f"{view} handles {data_class(graph, view)} data and container {container.name}", f"{container.path}.env"
        given = environment(graph, view, container)
        for name in _ON:
            if given.get(name, "").lower() not in _NO:
                yield self.fail(graph, view, f"{said} puts prompts into traces ({name}).", path)
        missing = [name for name in _OFF if given.get(name, "").lower() != "true"]
        if missing and _traces_content(container, given):
            yield self.fail(graph, view, f"{said} puts prompts into traces: {', '.join(missing)} must be true.", path)
        for index, item in enumerate(items(container.spec.get("env"))):
            name = str(lookup(item, "name"))
            hidden = isinstance(lookup(item, "value"), Unknown) or lookup(item, "valueFrom") is not None
            if hidden and name not in given and name in _ON:
                yield self.unknown(graph, view, f"{said} gets {name} from where it cannot be read before apply.", f"{path}[{index}]")

    PASSES = (
        Example("spans without content", """
apiVersion: v1
kind: Pod
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/data-classification: personal}}
spec:
  containers:
    - name: main
      image: vllm/vllm-openai
      env:
        - {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "http://collector:4317"}
        - {name: OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT, value: NO_CONTENT}
"""),
    )
    FAILS = (
        Example("content is captured", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/data-classification: pii}}
---
apiVersion: v1
kind: Pod
metadata: {name: chat, namespace: support}
spec: {containers: [{name: main, env: [{name: OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT, value: span_only}]}]}
""", "container main puts prompts into traces (OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT)"),
        Example("an AI gateway that traces and hides one half", """
apiVersion: v1
kind: Pod
metadata: {name: gateway, namespace: support, labels: {gpuplane.dev/data-classification: personal}}
spec:
  containers:
    - name: extproc
      image: docker.io/envoyproxy/ai-gateway-extproc
      env:
        - {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "http://collector:4317"}
        - {name: OPENINFERENCE_HIDE_INPUTS, value: "true"}
""", "OPENINFERENCE_HIDE_OUTPUTS must be true"),
    )


def _traces_content(container: PodContainer, given: Mapping[str, str]) -> bool:
    """Whether a container writes OpenInference spans: it sends traces, and is an AI gateway or is configured for these conventions."""
    writes = "ai-gateway" in str(container.spec.get("image", "")) or any(name.startswith("OPENINFERENCE_") for name in given)
    return writes and any(given.get(name) for name in _EXPORTS)
