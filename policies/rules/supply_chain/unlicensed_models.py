"""SC-08: a model without a licence that allows the use must not be served."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.model_sources import hub_model, model_sources
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.vocabulary import MODEL_LICENSE


class UnlicensedModels(Rule):
    """Licences of open weights differ in what they allow: commercial use, users a month, regions, uses. Unrecorded, nobody has looked.

    The licence is what the object says in gpuplane.dev/model-license, else what the catalogue knows of the repository.
    policies.allowed_licenses of the environment says which may be served; left out, any that is recorded.
    """

    id = "SC-08"
    title = "The licence of every model is recorded and allowed"
    severity = "medium"
    remedy = "Set release.model.license to what the model card says, and add it to policies.allowed_licenses if its terms fit the use."
    references = ("OWASP LLM03:2025", "Regulation (EU) 2024/1689 (AI Act) Art. 53", "Hugging Face documentation: Model cards, license")
    scope = "object"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.kubernetes:
            seen: set[str] = set()
            for source in model_sources(graph, view):
                if isinstance(source.uri, str) and source.uri not in seen:
                    seen.add(source.uri)
                    yield from self._model(graph, view, source.uri, source.path)

    def _model(self, graph: PlannedGraph, view: ResourceView, uri: str, path: str) -> Iterator[Finding]:
        said = view.annotations.get(MODEL_LICENSE, view.labels.get(MODEL_LICENSE))
        if isinstance(said, Unknown):
            yield self.unknown(graph, view, f"The licence of {uri} is only known after apply.", "metadata.annotations")
            return
        license_ = str(said or graph.catalog.license_of(hub_model(uri)[0].removeprefix("hf://")) or "")
        allowed = graph.parameters.allowed_licenses
        if not license_:
            yield self.fail(graph, view, f"Nothing says under which licence {uri} of {view} may be used.", path)
        elif allowed and license_.lower() not in {each.lower() for each in allowed}:
            yield self.fail(graph, view, f"{uri} of {view} has the licence {license_}, which is none of {', '.join(allowed)}.", path)

    PASSES = (
        Example("a licence that the catalogue knows", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {storageUri: "hf://Qwen/Qwen2.5-7B-Instruct:a09a35458c702b33eeacc393d103063234e8bc28"}}}
"""),
        Example("a licence that the object states", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: photos, namespace: support, annotations: {gpuplane.dev/model-license: apache-2.0}}
spec: {predictor: {model: {storageUri: "s3://models/resnet/0123456789abcdef"}}}
"""),
    )
    FAILS = (
        Example("a model of which nobody knows", """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {model: {storageUri: "s3://models/chat/0123456789abcdef"}}}
""", "Nothing says under which licence s3://models/chat/0123456789abcdef of InferenceService support/chat may be used"),
    )
