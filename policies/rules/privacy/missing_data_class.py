"""PII-01: no rule about personal data can hold where nobody says which data is personal."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import KSERVE_GROUP
from gpuplane.graph.resource_view import ResourceView, Unknown, mapping
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.vocabulary import DATA_CLASSES, more_sensitive

_ENDPOINTS = ("InferenceService", "LLMInferenceService", "InferenceGraph", "LocalModelCache", "LocalModelNamespaceCache")
_BUCKETS = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")


class MissingDataClass(Rule):
    """Residency, logging and access follow the data class; where it is missing or wrong they silently do not apply.

    What stands in a namespace has at least the namespace's class: a label cannot make data harmless.
    """

    id = "PII-01"
    title = "Namespaces, models, endpoints and buckets say which class of data they handle"
    severity = "high"
    remedy = f"Label the namespace (or tag the bucket) with one of: {', '.join(DATA_CLASSES)}."
    references = ("ISO/IEC 27001:2022 A.5.12, A.5.13", "NIST SP 800-122 §2, §3", "GDPR Art. 30")
    scope = "platform"
    looks_at = "tenant"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.resources:
            if view.type in _BUCKETS and graph.labels.data_classification not in mapping(view.get("tags")):
                yield self.fail(graph, view, f"Bucket {view.name} has no tag {graph.labels.data_classification}.", "tags")
        for view in graph.kubernetes:
            if self._is_subject(graph, view):
                yield from self._said(graph, view)

    def _is_subject(self, graph: PlannedGraph, view: ResourceView) -> bool:
        if view.kind == "Namespace":
            return graph.tenant_of(view) is not None
        return view.group == KSERVE_GROUP and view.kind in _ENDPOINTS

    def _said(self, graph: PlannedGraph, view: ResourceView) -> Iterator[Finding]:
        key = graph.labels.data_classification
        field = f"metadata.labels.{key}"
        own = view.labels.get(key, view.annotations.get(key))
        if isinstance(own, Unknown):
            yield self.unknown(graph, view, f"The data class of {view} is only known after apply.", field)
            return
        word, meaning = graph.says(view, "data_classification"), graph.data_class_of(view)
        place = graph.namespaces.get(view.namespace)
        around = graph.data_class_of(place) if place is not None else None
        if word is None:
            yield self.fail(graph, view, f"{view} does not say which class of data it handles.", field)
        elif meaning is None:
            yield self.fail(graph, view, f"The data class {word!r} of {view} is none of {', '.join(DATA_CLASSES)}.", field)
        elif around is not None and more_sensitive(around, meaning):
            yield self.fail(graph, view, f"{view} says {meaning}, but its namespace holds {around} data.", field)

    PASSES = (
        Example("a tenant's namespace says it for all that is in it", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support, gpuplane.dev/data-classification: personal}}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}}}}
"""),
        Example("a namespace that is no tenant's", """
apiVersion: v1
kind: Namespace
metadata: {name: monitoring}
"""),
    )
    FAILS = (
        Example("a tenant without a data class", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}}
""", "does not say which class of data"),
        Example("a word that is no data class", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support, gpuplane.dev/data-classification: normal}}
""", "'normal'"),
        Example("a service that talks its namespace's data down", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support, gpuplane.dev/data-classification: personal}}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support, labels: {gpuplane.dev/data-classification: public}}
spec: {predictor: {model: {modelFormat: {name: vLLM}}}}
""", "says public, but its namespace holds personal data"),
    )
