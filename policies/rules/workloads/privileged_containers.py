"""WS-01: a privileged container owns its node, and on a GPU node the memory of every tenant's model with it."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, unknowns
from gpuplane.policies.admission import Admission
from gpuplane.policies.container_rule import ContainerRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_AS_GOOD_AS_PRIVILEGED = frozenset({"SYS_ADMIN", "ALL"})
"""Capabilities with which a process mounts and escapes what it likes (capabilities(7))."""


class PrivilegedContainers(ContainerRule):
    """A privileged container has every device and capability of its node: whoever breaks into it has the node."""

    id = "WS-01"
    title = "No container is privileged"
    severity = "critical"
    remedy = "Remove securityContext.privileged and SYS_ADMIN; ask for the one capability or device that is needed."
    references = ("Kubernetes Pod Security Standards, Baseline: Privileged Containers", "CIS Kubernetes Benchmark 5.2.2",
                  "NIST SP 800-190 §3.4.3, §4.4.3")
    effective = False

    def container(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        named, context = f"Container {container.name} of {view}", container.spec.get("securityContext")
        privileged = lookup(context, "privileged")
        added = lookup(context, "capabilities", "add")
        for path, _ in unknowns({"privileged": privileged, "capabilities.add": added}):
            yield self.unknown(graph, view, f"{named} may be privileged: that is only known after apply.",
                               f"{container.path}.securityContext.{path}")
        if not isinstance(privileged, Unknown) and privileged not in (None, False):
            yield self.fail(
                graph, view, f"{named} is privileged.", f"{container.path}.securityContext.privileged")
        for name in sorted({str(item).upper().removeprefix("CAP_") for item in items(added)} & _AS_GOOD_AS_PRIVILEGED):
            yield self.fail(
                graph, view, f"{named} adds the capability {name}, which is as good as privileged.",
                f"{container.path}.securityContext.capabilities.add")

    admission = (Admission(
        "container", "!c.?securityContext.?privileged.orValue(false) && c.?securityContext.?capabilities.?add.orValue([]).all(a, "
                     f"!(a.upperAscii() in {[f'{p}{name}' for p in ('', 'CAP_') for name in sorted(_AS_GOOD_AS_PRIVILEGED)]}))",
        "A container is privileged, or as good as that."),)

    PASSES = (
        Example("a container that says it is not privileged", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec:
  containers:
    - {name: server, image: server, securityContext: {privileged: false}}
"""),
        Example("a schema that speaks of privileged containers is no workload", """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec: {containers: [{name: x, securityContext: {privileged: true}}]}
"""),
    )
    FAILS = (
        Example("the model of an InferenceService", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec:
  predictor:
    model: {modelFormat: {name: vLLM}, securityContext: {privileged: true}}
""", "Container kserve-container of InferenceService support/chat is privileged"),
        Example("an init container of a CronJob", """
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: support}
spec:
  jobTemplate:
    spec:
      template:
        spec:
          initContainers: [{name: sysctl, image: busybox, securityContext: {privileged: true}}]
          containers: [{name: job, image: job}]
""", "Container sysctl"),
        Example("a capability that is privileged in all but name", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {containers: [{name: server, image: server, securityContext: {capabilities: {add: [SYS_ADMIN]}}}]}
""", "adds the capability SYS_ADMIN"),
        Example("a worker of a RayCluster", """
apiVersion: ray.io/v1
kind: RayCluster
metadata: {name: tuning, namespace: support}
spec:
  workerGroupSpecs:
    - groupName: gpu
      template: {spec: {containers: [{name: worker, image: ray, securityContext: {privileged: true}}]}}
""", "Container worker"),
    )
