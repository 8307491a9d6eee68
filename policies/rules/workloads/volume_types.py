"""WS-15: some types of volumes are mounted by the node itself, with what a tenant writes into them."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.volumes import hidden_volumes, volumes
from gpuplane.policies.container_rule import PodRule
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example

_ALLOWED = frozenset({"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"})


class VolumeTypes(PodRule):
    """NFS, iSCSI, gitRepo and their kin are mounted by the kubelet as root with addresses and paths of a tenant, past every StorageClass."""

    id = "WS-15"
    title = "Pods mount only volumes of the Restricted list"
    severity = "medium"
    remedy = "Use a PersistentVolumeClaim or a CSI volume; allowed are " + ", ".join(sorted(_ALLOWED)) + "."
    references = ("Kubernetes Pod Security Standards, Restricted: Volume Types",)
    effective = False

    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        yield from self.doubt(graph, view, "The volumes", f"{template.path}.volumes", *hidden_volumes(template))
        for volume in volumes(template):
            if other := [source for source in volume.sources if source not in _ALLOWED]:
                yield self.fail(graph, view, f"Volume {volume.name} of {view} is of type {', '.join(other)}.", volume.field)

    PASSES = (
        Example("a claim, a secret and scratch space", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec:
  containers: [{name: server, image: server}]
  volumes:
    - {name: models, persistentVolumeClaim: {claimName: models}}
    - {name: token, secret: {secretName: token}}
    - {name: scratch, emptyDir: {sizeLimit: 1Gi}}
"""),
    )
    FAILS = (
        Example("a share of the network", """
apiVersion: v1
kind: Pod
metadata: {name: server}
spec:
  containers: [{name: server, image: server}]
  volumes: [{name: models, nfs: {server: 10.0.0.1, path: /models}}]
""", "Volume models of Pod server is of type nfs"),
    )
