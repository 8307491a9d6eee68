"""PII-06: prompts are personal data, and a log of them is a copy that nobody classified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gpuplane.graph.command_lines import environment, flags, hidden, words
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import TEMPLATE_KINDS, PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup
from gpuplane.graph.serving_runtimes import effective_templates
from gpuplane.graph.tenancy import data_class, owed
from gpuplane.policies.admission import Admission
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.vocabulary import DATA_CLASS_SYNONYMS, DATA_CLASSES, DATA_CLASSIFICATION, is_personal

_FLAGS = ("enable-log-requests", "enable-log-outputs", "log-requests")
_NO = ("", "0", "false", "no", "off")
_VARIABLES = ("VLLM_DEBUG_LOG_API_SERVER_REQUEST_PROMPT", "VLLM_DEBUG_LOG_API_SERVER_RESPONSE")
"""Switches by which prompts or answers reach a log (vLLM ``envs.py``); those of traces are PII-07's."""
_LEVELS = ("VLLM_LOGGING_LEVEL", "LITELLM_LOG")
"""Log levels at which vLLM (0.16 and later) and LiteLLM write prompts: DEBUG."""


_WORDS = [*filter(is_personal, DATA_CLASSES), *(word for word, name in DATA_CLASS_SYNONYMS.items() if is_personal(name))]
_SAID = f"['{DATA_CLASSIFICATION}'].orValue('').lowerAscii() in {_WORDS}"
_PERSONAL = " || ".join(
    f"{whose}.metadata.?{where}{_SAID}" for whose in ("namespaceObject", "object") for where in ("labels", "annotations"))
_LOGS = (r"(^|\\s)--(" + "|".join(name.replace("-", "[-_]") for name in _FLAGS) + r")(\\s+-|\\s*$|(=|\\s+)(true|1|yes|on)(\\s|$))")
_SWITCHED_ON = f"(e.name in {list(_VARIABLES)} && !(e.?value.orValue('').lowerAscii() in {list(_NO)}))"
_SHOWN = f"(e.name in {list(_LEVELS)} && e.?value.orValue('').upperAscii() in ['DEBUG', 'TRACE'])"


class LoggedPrompts(Rule):
    """Where the data is personal (or owed as much), prompts and answers must not reach logs or a payload sink.

    KServe's payload logger sends requests and responses by default, and vLLM writes prompts when told to log requests.
    """

    id = "PII-06"
    title = "Endpoints for personal data log no prompts and no answers"
    severity = "critical"
    remedy = "Remove the payload logger and the logging flag or variable, or serve from a namespace without personal data."
    references = ("GDPR Art. 5(1)(c), (f)", "OWASP LLM02:2025", "ISO/IEC 27001:2022 A.8.11, A.8.12")
    scope = "platform"
    looks_at = "tenant"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.kubernetes:
            if view.kind in TEMPLATE_KINDS or owed(graph, view).payload_logging != "forbidden":
                continue
            for template in effective_templates(graph, view):
                yield from self._logger(graph, view, template)
                for container in template.containers:
                    yield from self._container(graph, view, container)

    def _logger(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        logger = template.spec.get("logger")
        if logger is not None:
            mode = logger.get("mode", "all") if isinstance(logger, dict) else "all"
            what = {"request": "requests", "response": "responses"}.get(str(mode), "requests and responses")
            yield self.fail(
                graph, view, f"{view} handles {data_class(graph, view)} data and its payload logger sends {what} to a sink.",
                f"{template.path}.logger")

    def _container(self, graph: PlannedGraph, view: ResourceView, container: PodContainer) -> Iterator[Finding]:
        said = f"{view} handles {data_class(graph, view)} data and container {container.name}"
        for path in hidden(container):
            yield self.unknown(graph, view, f"{said} is started with what is only known after apply.", path)
        found, variables = flags(container), environment(graph, view, container)
        for name in _FLAGS:
            if found.get(name, "false").lower() not in _NO:
                yield self.fail(graph, view, f"{said} logs requests (--{name}).", f"{container.path}.args")
        for name in _VARIABLES:
            if variables.get(name, "").lower() not in _NO:
                yield self.fail(graph, view, f"{said} records prompts ({name}).", f"{container.path}.env")
        for name in _LEVELS:
            if variables.get(name, "").upper() in ("DEBUG", "TRACE"):
                yield self.fail(graph, view, f"{said} logs at a level that shows prompts ({name}).", f"{container.path}.env")
        if found.get("log-verbose", "0").lower() not in _NO:
            yield self.fail(graph, view, f"{said} logs payloads (--log-verbose).", f"{container.path}.args")
        yield from self._elsewhere(graph, view, container, said, found, variables)
        extra = variables.get("VLLM_ADDITIONAL_ARGS", "").replace("_", "-").split()
        if any(word.partition("=")[0] == f"--{name}" for name in _FLAGS for word in extra):
            yield self.fail(graph, view, f"{said} logs requests (VLLM_ADDITIONAL_ARGS).", f"{container.path}.env")

    def _elsewhere(self, graph: PlannedGraph, view: ResourceView, container: PodContainer, said: str,
                   found: Mapping[str, str], variables: Mapping[str, str]) -> Iterator[Finding]:
        """Switches whose position is not in the planned objects: a file in the image, a Secret, an output of another resource."""
        engine = any(word in " ".join([str(container.spec.get("image", "")), *words(container)]) for word in ("vllm", "litellm"))
        if engine and "config" in found:
            yield self.unknown(graph, view, f"{said} is configured by the file {found['config']}, which nobody can judge here.",
                               f"{container.path}.args")
        if variables.get("VLLM_LOGGING_CONFIG_PATH"):
            yield self.unknown(graph, view, f"{said} takes its log settings from a file (VLLM_LOGGING_CONFIG_PATH).",
                               f"{container.path}.env")
        for index, item in enumerate(items(container.spec.get("env"))):
            name = str(lookup(item, "name"))
            given = isinstance(lookup(item, "value"), Unknown) or lookup(item, "valueFrom") is not None
            if given and name not in variables and name in (*_VARIABLES, *_LEVELS):
                yield self.unknown(graph, view, f"{said} gets {name} from where it cannot be read before apply.",
                                   f"{container.path}.env[{index}]")

    admission = (
        Admission("pod", "!variables.personal || !has(pod.logger)", "Personal data: a payload logger sends requests to a sink.",
                  variables=(("personal", _PERSONAL),)),
        Admission("container", "!variables.personal || (!(c.?command.orValue([]) + c.?args.orValue([])).join(' ').matches("
                               f"'{_LOGS}') && !c.?env.orValue([]).exists(e, {_SWITCHED_ON} || {_SHOWN}))",
                  "Personal data: a flag or variable makes the engine log prompts.", variables=(("personal", _PERSONAL),),
                  beyond=("vLLM reads its settings from a file in the image", "a log level from a Secret", "the runtime turns it on")),
    )

    PASSES = (
        Example("personal data, and nothing is logged", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/data-classification: personal}}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {args: [--max-model-len=8192, --no-enable-log-requests]}}}
"""),
        Example("a logger where no personal data is", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: demo, namespace: playground, labels: {gpuplane.dev/data-classification: public}}
spec: {predictor: {logger: {mode: all, url: "http://sink"}, model: {modelFormat: {name: vLLM}}}}
"""),
    )
    FAILS = (
        Example("vLLM reads its settings from a file in the image", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/data-classification: personal}}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {image: vllm/vllm-openai, args: [--config=/etc/vllm.yaml]}}}
""", "is configured by the file /etc/vllm.yaml"),
        Example("a log level from a Secret", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/data-classification: personal}}
---
apiVersion: v1
kind: Pod
metadata: {name: chat, namespace: support}
spec:
  containers:
    - name: main
      image: vllm/vllm-openai
      env: [{name: VLLM_LOGGING_LEVEL, valueFrom: {secretKeyRef: {name: settings, key: level}}}]
""", "gets VLLM_LOGGING_LEVEL from where it cannot be read"),
        Example("KServe's payload logger", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/data-classification: personal}}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {logger: {url: "http://sink"}, model: {modelFormat: {name: vLLM}}}}
""", "its payload logger sends requests and responses"),
        Example("vLLM logs requests, started by a shell", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/data-classification: personal}}
spec: {template: {spec: {containers: [{name: vllm, image: vllm, command: [sh, -c, "vllm serve /m --enable_log_requests"]}]}}}
""", "logs requests (--enable-log-requests)"),
        Example("the runtime turns it on", """
apiVersion: serving.kserve.io/v1alpha1
kind: ClusterServingRuntime
metadata: {name: vllm}
spec: {containers: [{name: kserve-container, image: vllm, env: [{name: VLLM_LOGGING_LEVEL, value: debug}]}]}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/data-classification: personal}}
spec: {predictor: {model: {runtime: vllm}}}
""", "VLLM_LOGGING_LEVEL"),
    )
