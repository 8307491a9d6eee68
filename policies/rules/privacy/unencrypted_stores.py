"""PII-03: whoever holds the key holds the data, so the key of sensitive data is the customer's own."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.data_stores import encryption_key, key_of, stores
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup
from gpuplane.graph.tenancy import data_class, owed
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_EBS = ("ebs.csi.aws.com", "kubernetes.io/aws-ebs")


class UnencryptedStores(Rule):
    """A key of the cloud's own cannot be revoked, audited or destroyed by those who answer for the data.

    Judged where the data class owes it: stores of AWS by their tag, and storage classes by the claims that use them.
    """

    id = "PII-03"
    title = "Stores of sensitive data are encrypted with keys of the customer's own"
    severity = "critical"
    remedy = "Name a KMS key of your own (kmsKeyId, kmsMasterKeyId), with rotation; alias/aws/… is the cloud's."
    references = ("GDPR Art. 32(1)(a)", "ISO/IEC 27001:2022 A.8.24")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for store in stores(graph):
            if owed(graph, store).customer_keys:
                key = encryption_key(graph, store)
                said = f"{store} holds {data_class(graph, store)} data and is encrypted"
                yield from self._key(graph, key.view, key.value, key.field, said)
        yield from self._cluster(graph)
        for claim, name, path in _claims(graph):
            if owed(graph, claim).customer_keys:
                for storage in _storage_class(graph, name):
                    if storage.get("provisioner") in _EBS:
                        yield from self._key(graph, storage, storage.get("parameters", "kmsKeyId"), "parameters.kmsKeyId",
                                             f"{storage}, which {path} of {claim} ({data_class(graph, claim)} data) uses, encrypts")

    def _cluster(self, graph: PlannedGraph) -> Iterator[Finding]:
        """Secrets of all namespaces lie in the cluster's etcd."""
        sensitive = [view for view in graph.namespaces.values() if owed(graph, view).customer_keys]
        for view in graph.of_kind("Cluster"):
            if view.type == "aws:eks/cluster:Cluster" and sensitive:
                key = view.get("encryptionConfig", "provider", "keyArn")
                said = f"{view} holds the Secrets of {sensitive[0]}, and encrypts them"
                yield from self._key(graph, view, key, "encryptionConfig.provider.keyArn", said)

    def _key(self, graph: PlannedGraph, view: ResourceView, key: object, field: str, said: str) -> Iterator[Finding]:
        if isinstance(key, Unknown):
            own = key_of(graph, key)
            if own is None and "aws:kms/" not in key.urn:
                yield self.unknown(graph, view, f"{said} with a key that is only known after apply.", field)
            elif own is not None and own.get("enableKeyRotation") is not True:
                yield self.fail(graph, own, f"{said} with the key {own.name}, which is never rotated.", "enableKeyRotation")
        elif not key:
            yield self.fail(graph, view, f"{said} with no key of the customer's own.", field)
        elif str(key).rpartition("alias/")[2].startswith("aws/"):
            yield self.fail(graph, view, f"{said} with a key of AWS's own.", field)

    PASSES = (
        Example("a volume class with a key, for personal data", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/data-classification: personal}}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: gp3}
provisioner: ebs.csi.aws.com
parameters: {encrypted: "true", kmsKeyId: "arn:aws:kms:eu-central-1:111122223333:key/1b0d2c3e-0000-4000-8000-000000000000"}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: history, namespace: support}
spec: {storageClassName: gp3}
"""),
    )
    FAILS = (
        Example("a volume class with the cloud's key", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/data-classification: personal}}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: gp3, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: ebs.csi.aws.com
parameters: {encrypted: "true"}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: history, namespace: support}
spec: {}
""", "StorageClass gp3, which spec.storageClassName of PersistentVolumeClaim support/history (personal data) uses, encrypts with no key"),
    )


def _claims(graph: PlannedGraph) -> Iterator[tuple[ResourceView, object, str]]:
    for view in graph.objects("PersistentVolumeClaim"):
        yield view, view.get("spec", "storageClassName"), "spec.storageClassName"
    for view in graph.objects("StatefulSet"):
        for index, claim in enumerate(items(view.get("spec", "volumeClaimTemplates"))):
            yield view, lookup(claim, "spec", "storageClassName"), f"spec.volumeClaimTemplates[{index}].spec.storageClassName"


def _storage_class(graph: PlannedGraph, name: object) -> list[ResourceView]:
    classes = graph.objects("StorageClass")
    if name is not None:
        return [view for view in classes if view.name == name]
    return [view for view in classes if view.annotations.get("storageclass.kubernetes.io/is-default-class") == "true"]
