"""TI-11: a reference into another tenant makes the platform itself hand over what the network would not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from gpuplane.graph.model_sources import model_sources
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.queues import cluster_queues
from gpuplane.graph.references import READ, ROLE_ARN, other_owner, references
from gpuplane.graph.resource_view import ResourceView, Unknown, lookup
from gpuplane.graph.secret_stores import open_to_others
from gpuplane.graph.tenancy import owner, tenants_of_namespaces
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule


class CrossTenantReferences(Rule):
    """A controller follows references with its own rights, so a tenant that may name another's objects may use them."""

    id = "TI-11"
    title = "References stay inside the tenant"
    severity = "critical"
    remedy = "Point at an object, bucket, role or key of the tenant's own, or have the platform offer a shared one."
    references = ("ISO/IEC 27001:2022 A.5.15, A.8.3", "NIST SP 800-190 §3.3.4")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.kubernetes:
            own = owner(graph, view)
            if own is not None:
                yield from self.hidden(graph, view, "A reference", *READ.get(view.kind, ()))
                yield from self._named(graph, view, own)
                if view.kind == "LocalQueue":
                    yield from self._queue(graph, view, own)
                elif view.kind == "ExternalSecret":
                    yield from self._store(graph, view, own)
        yield from self._shared(graph)

    def _named(self, graph: PlannedGraph, view: ResourceView, own: str) -> Iterator[Finding]:
        for source in model_sources(graph, view):
            if isinstance(source.uri, Unknown):
                yield self.unknown(graph, view, f"The model of {view} is only known after apply.", source.path)
        for reference in references(graph, view):
            other = other_owner(graph, reference, own)
            if other is not None:
                yield self.fail(
                    graph, view, f"{view} of tenant {own} refers to {reference.what}, which is tenant {other}'s.", reference.path)

    def _queue(self, graph: PlannedGraph, view: ResourceView, own: str) -> Iterator[Finding]:
        queue = cluster_queues(graph).get(str(view.get("spec", "clusterQueue")))
        if queue is not None and queue.tenants and own not in queue.tenants:
            yield self.fail(graph, view, f"{view} of tenant {own} submits to ClusterQueue {queue.view.name} of tenant "
                                         f"{', '.join(queue.tenants)}.", "spec.clusterQueue")

    def _store(self, graph: PlannedGraph, view: ResourceView, own: str) -> Iterator[Finding]:
        reference = view.get("spec", "secretStoreRef")
        if lookup(reference, "kind") != "ClusterSecretStore":
            return
        name = lookup(reference, "name")
        store = next((each for each in graph.objects("ClusterSecretStore") if each.name == name), None)
        if store is None:
            yield self.unknown(
                graph, view, f"{view} reads ClusterSecretStore {name}, which is not among the objects that are judged.",
                "spec.secretStoreRef")
        elif open_to_others(graph, store, own):
            yield self.fail(
                graph, view, f"{view} of tenant {own} reads ClusterSecretStore {name}, which other tenants may read too.",
                "spec.secretStoreRef")

    def _shared(self, graph: PlannedGraph) -> Iterator[Finding]:
        """Identities and volumes that two tenants hold under different names."""
        holders: dict[tuple[str, str], dict[str, ResourceView]] = defaultdict(dict)
        tenants = tenants_of_namespaces(graph)
        for view in graph.objects("ServiceAccount"):
            role, own = view.annotations.get(ROLE_ARN), owner(graph, view)
            if isinstance(role, str) and own is not None:
                holders["IAM role", role].setdefault(own, view)
        for view in graph.objects("PersistentVolume"):
            own = tenants.get(str(view.get("spec", "claimRef", "namespace")))
            handle = view.get("spec", "csi", "volumeHandle") or view.get("spec", "nfs", "path")
            if isinstance(handle, str) and own is not None:
                holders["volume", handle].setdefault(own, view)
        for (what, _), by_tenant in sorted(holders.items()):
            if len(by_tenant) > 1:
                first, *others = sorted(by_tenant)
                for tenant in others:
                    yield self.fail(graph, by_tenant[tenant], f"{by_tenant[tenant]} of tenant {tenant} uses the same {what} as "
                                                              f"{by_tenant[first]} of tenant {first}.")

    PASSES = (
        Example("a queue, a bucket and a gateway that are the tenant's or the platform's", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: gpu, namespace: support}
spec: {clusterQueue: support}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: chat, namespace: support}
spec: {parentRefs: [{name: public, namespace: gateway-system}]}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {storageUri: "s3://support-models/chat/0123456789ab"}}}
"""),
    )
    FAILS = (
        Example("a queue of another tenant", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: search, labels: {gpuplane.dev/tenant: search}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: gpu, namespace: support}
spec: {clusterQueue: search}
""", "submits to ClusterQueue search of tenant search"),
        Example("a model in another tenant's bucket", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: v1
kind: Namespace
metadata: {name: search, labels: {gpuplane.dev/tenant: search}}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {storageUri: "s3://search-models/chat/0123456789ab"}}}
""", "refers to a bucket, which is tenant search's"),
        Example("rights for another tenant's service account", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
---
apiVersion: v1
kind: Namespace
metadata: {name: search, labels: {gpuplane.dev/tenant: search}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: readers, namespace: support}
subjects: [{kind: ServiceAccount, name: indexer, namespace: search}]
""", "refers to ServiceAccount indexer, which is tenant search's"),
    )

