"""SC-03: an image from anywhere is code from anybody."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.images import full_name
from gpuplane.graph.model_sources import allowed
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.serving_runtimes import effective_templates
from gpuplane.policies.admission import Admission
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.vocabulary import ALLOWED_REGISTRIES

_CLOSED = ("k8s.gcr.io/", "gcr.io/google_containers/")
"""Registries that nobody fixes images in any more (kubernetes.io/blog/2023/02/06/k8s-gcr-io-freeze-announcement)."""


def _full_cel(image: str) -> str:
    """:func:`gpuplane.graph.images.full_name` in CEL."""
    return (f"!{image}.contains('/') ? 'docker.io/library/' + {image} : "
            f"{image}.matches('^([^/]*[.:][^/]*|localhost)/') ? {image} : 'docker.io/' + {image}")


_SAID = f"namespaceObject.metadata.?annotations['{ALLOWED_REGISTRIES}']"
_VARIABLES = (
    ("listed", f"{_SAID}.hasValue()"),
    ("allowed", f"{_SAID}.orValue('').split(',').map(p, p.trim()).filter(p, p != '').map(p, {_full_cel('p')})"))
"""Registries that the pod's namespace allows, in full; whether it says any."""


class ForeignRegistries(Rule):
    """A digest says which bytes run, not whose they are: images come from the registries that the namespace allows.

    One that was closed is never allowed: images there get no fixes. Names are compared in full (``vllm/vllm-openai`` is
    ``docker.io/vllm/vllm-openai``), and a prefix ends where a part of the path does.
    """

    id = "SC-03"
    title = "Images come from allowed registries"
    severity = "high"
    remedy = "Use an image below one of the allowed registries, or add its registry to allowed_registries of the environment."
    references = ("NIST SP 800-190 §3.1.5/4.1.5", "CIS Kubernetes Benchmark v1.12 5.5.1",
                  "Kubernetes blog: k8s.gcr.io Image Registry Will Be Frozen From the 3rd of April 2023")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view, _ in graph.pods:
            said = graph.says(view, "allowed_registries")
            yield from self._view(graph, view, None if said is None else [prefix.strip() for prefix in said.split(",") if prefix.strip()])

    def _view(self, graph: PlannedGraph, view: ResourceView, prefixes: list[str] | None) -> Iterator[Finding]:
        for template in effective_templates(graph, view):
            for container in template.containers:
                image, path = container.spec.get("image"), f"{container.path}.image"
                if isinstance(image, str) and full_name(image).startswith(_CLOSED):
                    yield self.fail(graph, view, f"{image} of {view} is in a registry that was closed in 2023 and gets no fixes.", path)
                elif prefixes is None:
                    continue
                elif image is not None and not isinstance(image, str):
                    yield self.unknown(graph, view, f"Which image {view} runs is only known after apply.", path)
                elif image and not allowed(full_name(image), [full_name(prefix) for prefix in prefixes]):
                    listed = ", ".join(prefixes) or "none"
                    yield self.fail(graph, view, f"{image} of {view} is not below any allowed registry ({listed}).", path)

    admission = (
        Admission("container", f"!variables.listed || c.?image.orValue('') == '' || [{_full_cel('c.image')}].all(i, "
                               "variables.allowed.exists(p, i == p || (i.startsWith(p) && (p.matches('[/:]$') || "
                               "i.substring(size(p)).matches('^[/:@]')))) && !i.split('/').exists(part, part == '..'))",
                  "An image is not below any registry that the namespace allows.", variables=_VARIABLES),
        Admission("container", "!c.?image.orValue('').matches('^(k8s[.]gcr[.]io|gcr[.]io/google_containers)/')",
                  "An image is in a registry that was closed in 2023."),
    )

    PASSES = (
        Example("an image of an allowed organisation, with and without the registry's name", """
apiVersion: v1
kind: Namespace
metadata: {name: support, annotations: {gpuplane.dev/allowed-registries: "docker.io/vllm/,nvcr.io/nvidia/"}}
---
apiVersion: v1
kind: Pod
metadata: {name: chat, namespace: support}
spec: {containers: [{name: a, image: vllm/vllm-openai}, {name: b, image: "nvcr.io/nvidia/tritonserver:26.07-py3"}]}
"""),
        Example("a namespace that allows no list is not judged", """
apiVersion: v1
kind: Pod
metadata: {name: chat, namespace: other}
spec: {containers: [{name: a, image: example.com/any}]}
"""),
    )
    FAILS = (
        Example("a registry that only begins like an allowed one", """
apiVersion: v1
kind: Namespace
metadata: {name: support, annotations: {gpuplane.dev/allowed-registries: "nvcr.io/nvidia"}}
---
apiVersion: v1
kind: Pod
metadata: {name: chat, namespace: support}
spec: {containers: [{name: a, image: nvcr.io/nvidia-mirror/tritonserver}]}
""", "nvcr.io/nvidia-mirror/tritonserver of Pod support/chat is not below any allowed registry (nvcr.io/nvidia)"),
        Example("a registry that was closed", """
apiVersion: v1
kind: Pod
metadata: {name: chat, namespace: support}
spec: {containers: [{name: a, image: "k8s.gcr.io/pause:3.5"}]}
""", "k8s.gcr.io/pause:3.5 of Pod support/chat is in a registry that was closed in 2023"),
        Example("an init container from elsewhere", """
apiVersion: v1
kind: Namespace
metadata: {name: support, annotations: {gpuplane.dev/allowed-registries: "docker.io/vllm/"}}
---
apiVersion: v1
kind: Pod
metadata: {name: chat, namespace: support}
spec: {containers: [{name: a, image: vllm/vllm-openai}], initContainers: [{name: b, image: evil.example.com/vllm/vllm-openai}]}
""", "evil.example.com/vllm/vllm-openai of Pod support/chat is not below"),
    )

