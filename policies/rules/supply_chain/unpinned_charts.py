"""SC-12: a chart without a version is another chart after its next release."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_EXACT = re.compile(r"v?\d{1,9}\.\d{1,9}\.\d{1,9}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
"""A semantic version, with nothing left open (ranges, ``x`` and ``*`` are what Helm resolves when it runs)."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_RELEASES = ("kubernetes:helm.sh/v3:Release", "kubernetes:helm.sh/v3:Chart", "kubernetes:helm.sh/v4:Chart")


@dataclass(frozen=True)
class _Pin:
    """What is installed, the field that should pin it, its value, and whether it is a chart (else a Git repository)."""

    what: str
    field: str
    value: Any
    chart: bool = True


class UnpinnedCharts(Rule):
    """A chart brings controllers with rights over the whole cluster: which version runs must be a decision, not the date of the apply.

    Judged are Helm releases of Pulumi, Argo CD, Flux and k3s, and Git sources, which a tag or branch does not pin but a commit does.
    """

    id = "SC-12"
    title = "Helm charts and Git sources are pinned to one version"
    severity = "medium"
    remedy = "Write the exact chart version (1.2.3), or the commit of a Git source."
    references = ("SLSA v1.1: Source", "ISO/IEC 27001:2022 A.8.28", "Helm documentation: helm install, --version")
    scope = "object"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.resources:
            for pin in _pins(view):
                exact = _EXACT if pin.chart else _COMMIT
                if isinstance(pin.value, Unknown):
                    yield self.unknown(graph, view, f"Which version of {pin.what} {view} installs is only known after apply.", pin.field)
                elif exact.fullmatch(str(pin.value or "")) is None:
                    said = f"version {pin.value!r}" if pin.value else "no version"
                    yield self.fail(graph, view, f"{view} installs {pin.what} at {said}, which may be another one tomorrow.", pin.field)

    PASSES = (
        Example("an exact version", """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: kueue, namespace: argocd}
spec: {source: {repoURL: registry.k8s.io/kueue/charts, chart: kueue, targetRevision: 0.19.2}}
"""),
        Example("a commit", """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: platform, namespace: argocd}
spec: {source: {repoURL: "https://git.example.com/platform", path: prod, targetRevision: a09a35458c702b33eeacc393d103063234e8bc28}}
"""),
    )
    FAILS = (
        Example("a range", """
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: kserve, namespace: flux-system}
spec: {chart: {spec: {chart: kserve-resources, version: ">=0.19.0 <1.0.0", sourceRef: {kind: HelmRepository, name: kserve}}}}
""", "installs chart kserve-resources at version '>=0.19.0 <1.0.0'"),
        Example("no version at all", """
resources:
  kueue:
    type: kubernetes:helm.sh/v3:Release
    properties: {chart: "oci://registry.k8s.io/kueue/charts/kueue"}
""", "Release kueue installs chart oci://registry.k8s.io/kueue/charts/kueue at no version"),
        Example("whatever the branch holds", """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: platform, namespace: argocd}
spec: {sources: [{repoURL: "https://git.example.com/platform", path: prod, targetRevision: HEAD}]}
""", "installs https://git.example.com/platform at version 'HEAD'"),
    )


def _pins(view: ResourceView) -> Iterator[_Pin]:
    if view.type in _RELEASES:
        local = str(view.get("chart") or "").startswith((".", "/"))
        if not local:
            yield _Pin(f"chart {view.get('chart')}", "version", view.get("version"))
    elif view.group == "argoproj.io" and view.kind == "Application":
        single = view.get("spec", "source")
        places = [("spec.source", single)] if single is not None else []
        places += [(f"spec.sources[{index}]", each) for index, each in enumerate(items(view.get("spec", "sources")))]
        for path, each in places:
            chart = lookup(each, "chart")
            what = f"chart {chart}" if chart else str(lookup(each, "repoURL"))
            yield _Pin(what, f"{path}.targetRevision", lookup(each, "targetRevision"), bool(chart))
    elif view.group == "helm.toolkit.fluxcd.io" and view.kind == "HelmRelease" and view.get("spec", "chart", "spec") is not None:
        chart = view.get("spec", "chart", "spec")
        yield _Pin(f"chart {lookup(chart, 'chart')}", "spec.chart.spec.version", lookup(chart, "version"))
    elif view.group == "helm.cattle.io" and view.kind == "HelmChart" and view.get("spec", "chart") is not None:
        yield _Pin(f"chart {view.get('spec', 'chart')}", "spec.version", view.get("spec", "version"))
    elif view.group == "source.toolkit.fluxcd.io" and view.kind == "GitRepository":
        yield _Pin(str(view.get("spec", "url")), "spec.ref.commit", view.get("spec", "ref", "commit"), False)
