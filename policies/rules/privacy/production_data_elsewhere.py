"""PII-18: personal data is given for a purpose, and trying things out is another."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpuplane.graph.data_flow import flows
from gpuplane.graph.model_sources import model_sources
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.tenancy import data_class
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.policies import PRODUCTION_WORDS
from gpuplane.spec.vocabulary import is_personal


class ProductionDataElsewhere(Rule):
    """Development, staging and previews have more readers and fewer controls than production: personal data of production is not for them.

    A store counts as production's by the environment that it bears, or by its name where the reader's own data is personal.
    """

    id = "PII-18"
    title = "Personal data of production is read in production alone"
    severity = "critical"
    remedy = "Read a store of this environment, with made-up or anonymised data."
    references = ("GDPR Art. 5(1)(b)", "ISO/IEC 27001:2022 A.8.31")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        told = set()
        for flow in flows(graph):
            environment = (graph.says(flow.source, "environment") or "").lower()
            if is_personal(data_class(graph, flow.source)) and environment in PRODUCTION_WORDS and _elsewhere(graph, flow.target):
                told.add((flow.target.urn, flow.field))
                yield self.fail(graph, flow.view, f"{flow.target} is of environment {graph.says(flow.target, 'environment')} and reads "
                                                  f"personal data of {environment}: {flow.source}.", flow.field)
        for view in graph.kubernetes:
            if not is_personal(data_class(graph, view)) or not _elsewhere(graph, view):
                continue
            for source in model_sources(graph, view):
                scheme, _, rest = str(source.uri).partition("://")
                words = set(re.split(r"[-_./]", rest.partition("/")[0].lower()))
                if scheme in ("s3", "gs", "az", "pvc") and words & set(PRODUCTION_WORDS) and (view.urn, source.path) not in told:
                    yield self.fail(graph, view, f"{view} is of environment {graph.says(view, 'environment')} and reads a store that is "
                                                 "called production's.", source.path)

    PASSES = (
        Example("production reads production", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/environment: prod, gpuplane.dev/data-classification: personal}}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}, storageUri: "s3://support-prod-models/chat"}}}
"""),
    )
    FAILS = (
        Example("staging reads production's bucket", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/environment: staging, gpuplane.dev/data-classification: personal}}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {modelFormat: {name: vLLM}, storageUri: "s3://support-prod-models/chat"}}}
""", "InferenceService support/chat is of environment staging and reads a store that is called production's"),
        Example("a volume that bears production's name", """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: history, namespace: lab, labels: {gpuplane.dev/environment: prod, gpuplane.dev/data-classification: pii}}
spec: {}
---
apiVersion: v1
kind: Pod
metadata: {name: job, namespace: lab, labels: {gpuplane.dev/environment: preview, gpuplane.dev/data-classification: personal}}
spec:
  volumes: [{name: data, persistentVolumeClaim: {claimName: history, readOnly: true}}]
  containers: [{name: main, image: job}]
""", "Pod lab/job is of environment preview and reads personal data of prod: PersistentVolumeClaim lab/history"),
    )


def _elsewhere(graph: PlannedGraph, view: ResourceView) -> bool:
    """Whether an object says an environment that is not production; where it says none, nothing is claimed."""
    return graph.says(view, "environment") is not None and not graph.in_production(view)
