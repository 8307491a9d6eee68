"""WS-10: without a seccomp profile every system call of the kernel is open to a container."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.security_context import of_container, of_pod, written
from gpuplane.policies.container_rule import RequiredSettingRule
from gpuplane.policies.finding import Finding, Verdict
from gpuplane.policies.rule import Example

_PROFILE, _TYPE = ("seccompProfile",), ("seccompProfile", "type")
_FILTERED = ("RuntimeDefault", "Localhost")


class MissingSeccomp(RequiredSettingRule):
    """Most escapes from containers go through system calls that no inference server makes; the runtime's own profile closes them.

    A profile that is left out is advice; one that is switched off (``Unconfined``) is critical.
    """

    id = "WS-10"
    title = "Every container runs under a seccomp profile"
    severity = "medium"
    remedy = "Set securityContext.seccompProfile.type: RuntimeDefault in the pod, and Unconfined nowhere."
    references = ("Kubernetes Pod Security Standards, Baseline and Restricted: Seccomp", "CIS Kubernetes Benchmark v1.12 5.7.2")

    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        for finding in self.forbid(graph, view, written(template, *_TYPE), _unfiltered):
            yield replace(finding, severity="critical") if finding.verdict is Verdict.FAIL else finding
        yield from super().pod(graph, view, template)

    def required(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        if of_container(container, *_PROFILE) is None and of_pod(template, *_PROFILE) is None:
            yield self.fail(graph, view, f"Container {container.name} of {view} has no seccomp profile, nor has its pod.",
                            f"{container.path}.securityContext.seccompProfile")

    PASSES = (
        Example("the pod has the runtime's profile", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {securityContext: {seccompProfile: {type: RuntimeDefault}}, containers: [{name: server, image: server}]}
"""),
    )
    FAILS = (
        Example("nobody says it", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {containers: [{name: server, image: server}]}
""", "has no seccomp profile"),
        Example("switched off in one container", """
apiVersion: jobset.x-k8s.io/v1alpha2
kind: JobSet
metadata: {name: train, namespace: support}
spec:
  replicatedJobs:
    - name: workers
      template:
        spec:
          template:
            spec:
              securityContext: {seccompProfile: {type: RuntimeDefault}}
              containers: [{name: worker, image: train, securityContext: {seccompProfile: {type: Unconfined}}}]
""", "sets seccompProfile.type to Unconfined"),
    )


def _unfiltered(profile: object) -> str:
    return "" if profile in _FILTERED else f"sets seccompProfile.type to {profile}"
