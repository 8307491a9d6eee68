"""SC-01: a tag can be moved to other bytes, a digest cannot."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.images import image_name, image_uses
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.resource_view import ResourceView
from gpuplane.policies.container_rule import PodRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example


class UnpinnedImages(PodRule):
    """Whoever can push to a registry can move a tag: what was scanned and evaluated is then not what the next pod runs.

    Judged are containers of every role and kind, images in volumes, and images that a flag or variable tells an operator to run.
    """

    id = "SC-01"
    title = "Images are pinned by digest"
    severity = "high"
    remedy = "Name the image by its digest: REGISTRY/NAME@sha256:DIGEST."
    references = ("NIST SP 800-190 §4.1.5", "OCI image specification v1.1: Digests", "Checkov CKV_K8S_43")
    effective = False

    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        for use in image_uses(template):
            yield from self.doubt(graph, view, f"The image of {use.by}", use.path, use.text)
            image = image_name(use.text) if isinstance(use.text, str) else None
            if image is not None and not image.pinned:
                why = f"its digest {image.digest} is none" if image.digest else "it can become another one"
                yield self.fail(graph, view, f"{use.text} ({use.by} of {view}) is not pinned by a digest: {why}.", use.path)

    PASSES = (
        Example("a digest, with a tag beside it for people", """
apiVersion: v1
kind: Pod
metadata: {name: chat}
spec:
  containers:
    - {name: a, image: "vllm/vllm-openai:v0.30.0@sha256:8a69ffad015f138d7170c4ddc429e230a3bc1c1719f67e14324749df200a4b90"}
"""),
        Example("a model whose image the runtime names", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}, runtime: vllm}}}
"""),
    )
    FAILS = (
        Example("a tag of a ServingRuntime", """
apiVersion: serving.kserve.io/v1alpha1
kind: ClusterServingRuntime
metadata: {name: vllm}
spec: {containers: [{name: kserve-container, image: "registry.example.com:5000/vllm-openai:v0.30.0"}]}
""", "registry.example.com:5000/vllm-openai:v0.30.0 (container kserve-container of ClusterServingRuntime vllm) is not pinned"),
        Example("a digest that is too short", """
apiVersion: v1
kind: Pod
metadata: {name: chat}
spec: {containers: [{name: a, image: "vllm/vllm-openai@sha256:8a69ffad"}]}
""", "its digest sha256:8a69ffad is none"),
        Example("a container that was added for debugging", """
apiVersion: v1
kind: Pod
metadata: {name: chat}
spec: {containers: [], ephemeralContainers: [{name: debugger, image: "busybox:1.36"}]}
""", "busybox:1.36 (container debugger of Pod chat)"),
        Example("an image that an operator is told to run", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: operator}
spec:
  template:
    spec:
      containers:
        - name: operator
          image: example.com/operator@sha256:8a69ffad015f138d7170c4ddc429e230a3bc1c1719f67e14324749df200a4b90
          args: [--reloader-image=example.com/reloader:v1]
""", "example.com/reloader:v1 (flag --reloader-image of container operator of Deployment operator)"),
    )
