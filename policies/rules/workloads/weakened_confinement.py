"""WS-14: AppArmor and SELinux hold a process that got out; a pod can switch them off for itself."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.graph.security_context import Setting, written
from gpuplane.policies.container_rule import PodRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_TYPES = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
"""SELinux types that stay confined (``policy/check_seLinuxOptions.go``, Kubernetes 1.31 and later)."""
_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


class WeakenedConfinement(PodRule):
    """Mandatory access control is the last fence when a process has left its container; ``Unconfined`` or another SELinux type takes it down."""

    id = "WS-14"
    title = "No pod weakens AppArmor or SELinux"
    severity = "medium"
    remedy = ("Set appArmorProfile.type to RuntimeDefault or Localhost or leave it out, and set neither user nor role nor another type in "
              "seLinuxOptions.")
    references = ("Kubernetes Pod Security Standards, Baseline: AppArmor, SELinux",)
    effective = False

    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        yield from self.forbid(graph, view, written(template, "appArmorProfile", "type"),
                               lambda value: "" if value in ("RuntimeDefault", "Localhost") else f"sets appArmorProfile.type to {value}")
        yield from self.forbid(graph, view, written(template, "seLinuxOptions", "type"),
                               lambda value: "" if value in _TYPES else f"sets seLinuxOptions.type to {value}")
        for field in ("user", "role"):
            yield from self.forbid(graph, view, written(template, "seLinuxOptions", field),
                                   lambda value, field=field: f"sets seLinuxOptions.{field}" if value else "")  # type: ignore[misc]
        yield from self.forbid(graph, view, _annotations(template), _unconfined)

    PASSES = (
        Example("a level of its own", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec:
  securityContext: {seLinuxOptions: {level: "s0:c123,c456"}, appArmorProfile: {type: RuntimeDefault}}
  containers: [{name: server, image: server}]
"""),
    )
    FAILS = (
        Example("AppArmor switched off by the older annotation", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: gateway, namespace: support}
spec:
  template:
    metadata: {annotations: {container.apparmor.security.beta.kubernetes.io/proxy: unconfined}}
    spec: {containers: [{name: proxy, image: proxy}]}
""", "has the annotation container.apparmor.security.beta.kubernetes.io/proxy: unconfined"),
        Example("a type of SELinux that is not confined", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec: {containers: [{name: server, image: server, securityContext: {seLinuxOptions: {type: spc_t}}}]}
""", "sets seLinuxOptions.type to spc_t"),
    )


def _annotations(template: PodTemplate) -> Iterator[Setting]:
    for name, value in template.annotations.items():
        if str(name).startswith(_ANNOTATION):
            shown = value if isinstance(value, Unknown) else f"{name}: {value}"
            yield Setting(shown, "metadata.annotations", "The pod spec")


def _unconfined(shown: str) -> str:
    profile = shown.partition(": ")[2]
    return "" if profile in ("", "runtime/default") or profile.startswith("localhost/") else f"has the annotation {shown}"
