"""WS-03: a path of the node in a pod is a way to the node, and to what other tenants left there."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.graph.tenancy import owner
from gpuplane.graph.volumes import hidden_volumes, volumes
from gpuplane.policies.container_rule import PodRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example


class HostPaths(PodRule):
    """A pod that mounts a path of its node reads the kubelet's credentials and other pods' volumes, or writes what root runs next.

    Agents of the platform need some: ``spec.policies.platform_host_paths`` of the environment lists them, path by path, for DaemonSets
    that belong to no tenant.
    """

    id = "WS-03"
    title = "No pod or volume stands on a path of a node"
    severity = "critical"
    remedy = ("Use an emptyDir, a PersistentVolumeClaim or a CSI volume; a path that a DaemonSet of the platform needs goes into "
              "spec.policies.platform_host_paths of environment.yaml.")
    references = ("Kubernetes Pod Security Standards, Baseline: HostPath Volumes", "CIS Kubernetes Benchmark v1.12 5.2.12",
                  "NIST SP 800-190 §3.5.5, §4.5.5")
    effective = False

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        yield from super().check(graph)
        for view in graph.objects("PersistentVolume"):
            path = view.get("spec", "hostPath", "path")
            if isinstance(path, Unknown):
                yield self.unknown(graph, view, f"Whether {view} is a path of a node is only known after apply.", "spec.hostPath")
            elif view.get("spec", "hostPath") is not None:
                yield self.fail(graph, view, f"{view} is the path {path} of whatever node a pod runs on.", "spec.hostPath")

    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        yield from self.doubt(graph, view, "The volumes", f"{template.path}.volumes", *hidden_volumes(template))
        for volume in volumes(template):
            path = volume.host_path
            if isinstance(path, Unknown):
                yield self.unknown(graph, view, f"Which path of its node volume {volume.name} of {view} is, is only known after apply.",
                                   volume.field)
            elif path is not None and not self._declared(graph, view, path):
                yield self.fail(graph, view, f"Volume {volume.name} of {view} is the path {path or '(none)'} of its node.", volume.field)

    def _declared(self, graph: PlannedGraph, view: ResourceView, path: str) -> bool:
        return view.kind == "DaemonSet" and owner(graph, view) is None and path in graph.parameters.platform_host_paths

    PASSES = (
        Example("a claim and a scratch directory", """
apiVersion: v1
kind: Pod
metadata: {name: server, namespace: support}
spec:
  containers: [{name: server, image: server}]
  volumes: [{name: models, persistentVolumeClaim: {claimName: models}}, {name: scratch, emptyDir: {sizeLimit: 1Gi}}]
"""),
    )
    FAILS = (
        Example("a cache of models on the node", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec:
  predictor:
    model: {modelFormat: {name: vLLM}}
    volumes: [{name: models, hostPath: {path: /mnt/models}}]
""", "the path /mnt/models of its node"),
        Example("a volume that is a path of a node", """
apiVersion: v1
kind: PersistentVolume
metadata: {name: models}
spec: {capacity: {storage: 10Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /data}}
""", "the path /data"),
    )
