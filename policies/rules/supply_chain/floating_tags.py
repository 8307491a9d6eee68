"""SC-02: ``latest`` is whatever somebody pushed last."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.images import image_name, image_uses
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.resource_view import ResourceView
from gpuplane.policies.container_rule import PodRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example


class FloatingTags(PodRule):
    """Without a tag, or with ``latest``, two replicas of one Deployment may run two versions, and nobody can tell which.

    A digest beside the tag settles which bytes run, so it passes.
    """

    id = "SC-02"
    title = "No image without a tag, and none that is latest"
    severity = "medium"
    remedy = "Name the version's tag, better its digest."
    references = ("Kubernetes documentation: Images, Image names", "Checkov CKV_K8S_14")
    effective = False

    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        for use in image_uses(template):
            yield from self.doubt(graph, view, f"The image of {use.by}", use.path, use.text)
            image = image_name(use.text) if isinstance(use.text, str) else None
            if image is not None and not image.digest and image.tag.lower() in ("", "latest"):
                what = "is tagged latest" if image.tag else "has no tag, which means latest"
                yield self.fail(graph, view, f"{use.text} ({use.by} of {view}) {what}.", use.path)

    PASSES = (
        Example("a version", """
apiVersion: v1
kind: Pod
metadata: {name: chat}
spec: {containers: [{name: a, image: "registry.example.com:5000/vllm-openai:v0.30.0"}]}
"""),
        Example("a digest says more than any tag", """
apiVersion: v1
kind: Pod
metadata: {name: chat}
spec:
  containers:
    - {name: a, image: "vllm/vllm-openai:latest@sha256:8a69ffad015f138d7170c4ddc429e230a3bc1c1719f67e14324749df200a4b90"}
"""),
    )
    FAILS = (
        Example("latest, in an init container", """
apiVersion: v1
kind: Pod
metadata: {name: chat}
spec: {containers: [{name: a, image: "busybox:1.36"}], initContainers: [{name: b, image: "busybox:latest"}]}
""", "busybox:latest (container b of Pod chat) is tagged latest"),
        Example("a registry's port is no tag", """
apiVersion: v1
kind: Pod
metadata: {name: chat}
spec: {containers: [{name: a, image: "registry.example.com:5000/vllm-openai"}]}
""", "has no tag, which means latest"),
    )
