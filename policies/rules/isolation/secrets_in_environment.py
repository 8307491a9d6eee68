"""TI-17: an environment variable is copied to every child process, crash report and debug page."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, told
from gpuplane.policies.container_rule import ContainerRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example


class SecretsInEnvironment(ContainerRule):
    """A Secret in a variable does not change when it is rotated, and leaks wherever an environment is printed; a file does neither."""

    id = "TI-17"
    title = "Secrets are mounted as files, not put into the environment"
    severity = "medium"
    remedy = "Mount the Secret as a volume and give the program the path, e.g. HF_TOKEN_PATH instead of HF_TOKEN."
    references = ("CIS Kubernetes Benchmark 5.4.1", "Kubernetes documentation, Good practices for Secrets")

    def container(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        for field in ("env", "envFrom"):
            value = container.spec.get(field)
            yield from self.doubt(graph, view, f"The environment of container {container.name}", f"{container.path}.{field}",
                                  value, *(lookup(item, "valueFrom") for item in items(value)))
        for index, item in enumerate(items(container.spec.get("env"))):
            secret = lookup(item, "valueFrom", "secretKeyRef")
            if secret is not None and not isinstance(secret, Unknown):
                yield self._found(graph, view, container, f"variable {told(item, 'name')}", secret, f"env[{index}].valueFrom.secretKeyRef")
        for index, item in enumerate(items(container.spec.get("envFrom"))):
            if lookup(item, "secretRef") is not None:
                yield self._found(graph, view, container, "all variables", lookup(item, "secretRef"), f"envFrom[{index}].secretRef")

    def _found(self, graph: PlannedGraph, view: ResourceView, container: PodContainer, what: str, secret: object, path: str) -> Finding:
        return self.fail(graph, view, f"Container {container.name} of {view} gets {what} from Secret {told(secret, 'name')}.",
                         f"{container.path}.{path}")

    PASSES = (
        Example("a Secret as a file", """
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: support}
spec:
  containers:
    - name: server
      image: server
      env: [{name: HF_TOKEN_PATH, value: /run/secrets/model-hub/token}]
      volumeMounts: [{name: model-hub, mountPath: /run/secrets/model-hub, readOnly: true}]
  volumes: [{name: model-hub, secret: {secretName: model-hub}}]
"""),
    )
    FAILS = (
        Example("one variable", """
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: support}
spec:
  containers:
    - {name: server, image: server, env: [{name: HF_TOKEN, valueFrom: {secretKeyRef: {name: model-hub, key: token}}}]}
""", "Container server of Pod support/server gets variable HF_TOKEN from Secret model-hub"),
        Example("a whole Secret, in an init container", """
apiVersion: apps/v1
kind: Deployment
metadata: {name: server, namespace: support}
spec:
  template:
    spec:
      initContainers: [{name: migrate, image: server, envFrom: [{secretRef: {name: database}}]}]
      containers: [{name: server, image: server}]
""", "Container migrate of Deployment support/server gets all variables from Secret database"),
    )
