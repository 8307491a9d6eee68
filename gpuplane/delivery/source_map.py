"""From a finding on a rendered object back to the line of the document that asked for it.

Rules judge objects and know no documents; objects say which document they come from, and this table says
which field of the document a field of the object was made from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gpuplane.graph.resource_view import ResourceView, placed
from gpuplane.policies.finding import Finding
from gpuplane.spec.environment_spec import EnvironmentSpec, Place
from gpuplane.spec.vocabulary import SOURCE, TENANT

_FIELDS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "InferenceService": (
        ("spec.predictor.maxReplicas", "spec.scaling.max_replicas"),
        ("spec.predictor.minReplicas", "spec.scaling.min_replicas"),
        ("spec.predictor.deploymentStrategy", "spec.rollout"),
        ("spec.predictor.logger", "spec.logging"),
        ("spec.predictor.model.args", "spec.release.vllm.arguments"),
        ("spec.predictor.model.image", "spec.release"),
        ("spec.predictor.model.storageUri", "spec.release.model"),
        ("spec.predictor.model.resources", "spec.resources"),
        ("spec.predictor.nodeSelector", "spec.placement"),
        ("spec", "spec"),
    ),
    "LLMInferenceService": (
        ("spec.replicas", "spec.scaling.max_replicas"),
        ("spec.model.uri", "spec.release.model"),
        ("spec.model.lora", "spec.lora"),
        ("spec.parallelism", "spec.parallelism"),
        ("spec.prefill", "spec.prefill"),
        ("spec.router", "spec.router"),
        ("spec.kvCacheOffloading", "spec.kv_cache_offloading"),
        ("spec.template.containers", "spec.release"),
        ("spec.worker.containers", "spec.release"),
        ("spec.template.nodeSelector", "spec.placement"),
        ("spec.worker.nodeSelector", "spec.placement"),
        ("spec", "spec"),
    ),
    "InferenceGraph": (("spec", "spec"),),
    "Namespace": (
        ("metadata.annotations.gpuplane.dev/monthly-budget-usd", "spec.budget_usd_per_month"),
        ("metadata.labels.gpuplane.dev/data-classification", "spec.data_classification"),
        ("metadata.annotations.gpuplane.dev/allowed-regions", "spec.allowed_regions"),
    ),
    "ClusterQueue": (("spec", "spec.quota"),),
    "ResourceQuota": (("spec", "spec.quota"),),
    "LocalQueue": (("spec", "spec.quota"),),
    "NetworkPolicy": (("spec.egress", "spec.egress"),),
    "ExternalSecret": (("spec", "spec.secrets"),),
    "SecretStore": (("spec", "spec.secrets"),),
    "RoleBinding": (("subjects", "spec.access"),),
    "ResourceFlavor": (("metadata", "spec"), ("spec", "spec")),
    "NodeGroup": (("", "spec.eks_managed_node_group"),),
    "NodePool": (("", "spec.karpenter"),),
    "EC2NodeClass": (("", "spec.karpenter"),),
}

_LONG_FORMS: Mapping[str, str] = {"spec.budget_usd_per_month": "spec.budget"}
"""Fields that have a long form, which stands in the document instead of them."""


class SourceMap:
    """Places of the documents, by the resources made from them."""

    def __init__(self, spec: EnvironmentSpec) -> None:
        self._spec = spec
        self._by_file = {place.relative: place for place in spec.places.values()}
        self._lines: dict[int, int] = {}  # of names, by identity of the place: many resources have one document

    def place_of(self, view: ResourceView) -> Place:
        """The document that asked for a resource; the environment's own where no narrower one did."""
        places = self._spec.places
        said = self._by_file.get(str(view.annotations.get(SOURCE, "")))
        tenant = view.labels.get(TENANT) or view.namespace or (view.name if view.kind == "Namespace" else "")
        pool = view.name if view.kind in ("NodeGroup", "LaunchTemplate", "NodePool", "EC2NodeClass", "ResourceFlavor") else ""
        return (said or places.get(("Tenant", str(tenant))) or places.get(("NodePool", pool))
                or places[("Environment", self._spec.name)])

    def locate(self, view: ResourceView) -> ResourceView:
        """The view with file and line of its document."""
        place = self.place_of(view)
        line = self._lines.get(id(place))
        if line is None:
            line = self._lines[id(place)] = place.line("metadata.name")
        return placed(view, place.file, line)

    def refine(self, finding: Finding, view: ResourceView | None) -> Finding:
        """The finding with the line of the field it is about."""
        if view is None:
            return finding
        place = self.place_of(view)
        for rendered, wished in _FIELDS.get(view.kind, ()):
            if finding.field == rendered or finding.field.startswith((f"{rendered}.", f"{rendered}[")) or not rendered:
                long = _LONG_FORMS.get(wished, wished)
                return replace(finding, file=place.file, line=place.line(long if long in place.lines else wished))
        return replace(finding, file=place.file, line=place.line("metadata.name"))
