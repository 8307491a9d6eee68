"""SC-10: a container that installs things when it starts runs what a website holds that day."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView, items, lookup
from gpuplane.policies.container_rule import ContainerRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_PIPED = re.compile(r"\b(curl|wget)\b[^;&\n]*?\|\s*(?:sudo\s+)?(?:/\S*/)?(?:ba|da|z|k)?sh\b"
                    r"|\b(?:ba|da|z)?sh\s+(?:-c\s+)?[\"']?[<$]\(\s*(?:curl|wget)\b"
                    r"|\beval\s+[\"']?\$\(\s*(?:curl|wget)\b|\b(?:curl|wget)\b[^;&\n]*\|\s*python[0-9.]*\b")
_INSTALLED = re.compile(
    r"\b(?:pip[0-9.]*|uv\s+pip|python[0-9.]*\s+-m\s+pip|conda|mamba|npm|yarn|gem|apt|apt-get|apk|yum|dnf|microdnf)\s+"
    r"(?:-\S+\s+)*(?:install|add)\b(?![^;&|\n]*--no-index)|\b(?:npx|uvx|pipx\s+run|go\s+install|go\s+run)\s+\S+|\bgit\s+clone\b")
_HANDLERS = ("postStart", "preStop")


class CodeAtStart(ContainerRule):
    """The image's digest says nothing of what a start script fetches: no review, no scan, another result tomorrow.

    Judged are command, arguments, source of a script step, and lifecycle hooks.
    """

    id = "SC-10"
    title = "Containers fetch and install no code when they start"
    severity = "medium"
    remedy = "Build what is needed into the image, and pin the image by its digest."
    references = ("NIST SP 800-190 §3.1", "OWASP LLM03:2025", "SLSA v1.1: Build")
    effective = False

    def container(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        for field, text in _scripts(container):
            for pattern, what in ((_PIPED, "runs a script from the network"), (_INSTALLED, "installs code")):
                found = pattern.search(text)
                if found is not None:
                    tool = re.split(r"[^\w.-]", found[0].lstrip("\"'"))[0]  # no more of it: what follows may hold a token
                    yield self.fail(graph, view, f"Container {container.name} of {view} {what} when it starts ({tool}).",
                                    f"{container.path}.{field}")

    PASSES = (
        Example("a command of the image", """
apiVersion: v1
kind: Pod
metadata: {name: chat}
spec: {containers: [{name: vllm, image: vllm, command: [sh, -c, "curl -sf http://localhost:8000/health | grep ok && exec vllm serve"]}]}
"""),
    )
    FAILS = (
        Example("a script from the network", """
apiVersion: v1
kind: Pod
metadata: {name: chat}
spec: {containers: [{name: a, image: a, command: [sh, -c, "curl -fsSL https://example.com/install.sh | bash"]}]}
""", "Container a of Pod chat runs a script from the network"),
        Example("packages in an init container", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support}
spec:
  template:
    spec:
      initContainers: [{name: setup, image: python, args: [pip, install, --upgrade, transformers]}]
      containers: [{name: a, image: a}]
""", "Container setup of Deployment support/chat installs code when it starts (pip)"),
    )


def _scripts(container: PodContainer) -> Iterator[tuple[str, str]]:
    """Texts that are run, each word list joined as a shell would read it."""
    line = [str(word) for key in ("command", "args") for word in items(container.spec.get(key)) if isinstance(word, (str, int))]
    if line:
        yield "args", " ".join(line)
    for name in _HANDLERS:
        words = items(lookup(container.spec, "lifecycle", name, "exec", "command"))
        if words:
            yield f"lifecycle.{name}", " ".join(str(word) for word in words)
    if isinstance(container.spec.get("source"), str):
        yield "source", container.spec["source"]
