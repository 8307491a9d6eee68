"""Argo CD: one Application for what there is to start with, and below it releases, platform and tenants, wave after wave.

Fields are those of ``argoproj.io/v1alpha1`` (Argo CD 3.x: Application, ApplicationSet, AppProject).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gpuplane.delivery.handoff.delivery_parts import PLATFORM, TENANTS, DeliveryParts
from gpuplane.delivery.handoff.gate_job import NAME as GATE
from gpuplane.delivery.handoff.gate_job import gate_job, gate_surroundings
from gpuplane.delivery.handoff.health_checks import argo_customizations
from gpuplane.delivery.handoff.helm_chart import HelmChart, helm_chart
from gpuplane.graph.resource_view import ResourceView
from gpuplane.spec.delivered_by import ArgoCd

API = "argoproj.io/v1alpha1"
FOLDER = "argo-cd"
WAVE = "argocd.argoproj.io/sync-wave"
_OPTIONS = ["ServerSideApply=true", "SkipDryRunOnMissingResource=true", "PruneLast=true"]
_RETRY = {"limit": 5, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "5m"}}
_FIRST = -10
"""Wave of what everything else needs: projects, and the gate's namespace."""


def object_annotations(view: ResourceView, wave: int) -> dict[str, str]:
    """What Argo CD must know of an object: its wave, and that what is protected is never deleted by a sync."""
    found = {WAVE: str(wave)} if wave else {}
    return {**found, "argocd.argoproj.io/sync-options": "Prune=false,Delete=false"} if view.protect else found


def argo_objects(environment: str, settings: ArgoCd, parts: DeliveryParts, dns_cidr: str | None) -> Mapping[str, dict[str, Any]]:
    """Every object of Argo CD's own, by the path of its file below the rendered folder."""
    charts = [(helm_chart(view), parts.release_waves[view.urn]) for view in parts.releases]
    after = max((wave + 1 for _, wave in charts), default=0)
    apps = f"{FOLDER}/apps"
    found = {
        f"{FOLDER}/root.yaml": _application(environment, settings, environment, settings.namespace, _directory(settings, apps), {}),
        f"{FOLDER}/argocd-cm-patch.yaml": {"apiVersion": "v1", "kind": "ConfigMap", "data": dict(argo_customizations()), "metadata": {
            "name": "argocd-cm", "namespace": settings.namespace, "labels": {"app.kubernetes.io/part-of": "argocd"}}},
        f"{apps}/project-platform.yaml": _platform_project(environment, settings, [chart for chart, _ in charts]),
        f"{apps}/project-tenants.yaml": _tenants_project(environment, settings, parts),
        f"{apps}/platform.yaml": _application(
            f"{environment}-platform", settings, f"{environment}-platform", "", _directory(settings, PLATFORM), {WAVE: str(after)}),
        f"{apps}/tenants.yaml": _tenants(environment, settings, parts.tenants, after + 1)}
    found.update({f"{apps}/release-{chart.release}.yaml": _release(environment, settings, chart, wave) for chart, wave in charts})
    found.update({f"{apps}/gate/{name}": _with({WAVE: str(_FIRST)}, body)
                  for name, body in gate_surroundings(settings.gate, dns_cidr).items()})
    return dict(sorted(found.items()))


def gate_hook(environment: str, settings: ArgoCd, part: str, digest: str) -> dict[str, Any]:
    """The gate of one part: Argo CD runs it before each sync, and syncs nothing where it fails."""
    hook = {"argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation"}
    return gate_job(settings.gate, settings.source, environment, part, digest, f"{GATE}-{part.rpartition('/')[2]}"[:63].rstrip("-"), hook)


def _application(name: str, settings: ArgoCd, project: str, namespace: str, source: Mapping[str, Any], notes: Mapping[str, str],
                 options: Iterable[str] = _OPTIONS) -> dict[str, Any]:
    destination = {"server": settings.destination, **({"namespace": namespace} if namespace else {})}
    if name == project:  # the root: it writes Argo CD's own objects, and has no project of ours yet
        destination, project = {"server": "https://kubernetes.default.svc", "namespace": settings.namespace}, "default"
    return _with({"argocd.argoproj.io/compare-options": "ServerSideDiff=true", **notes}, {
        "apiVersion": API, "kind": "Application", "metadata": {"name": name, "namespace": settings.namespace},
        "spec": {"project": project, "source": dict(source), "destination": destination, "syncPolicy": _sync(options)}})


def _sync(options: Iterable[str]) -> dict[str, Any]:
    return {"automated": {"prune": True, "selfHeal": True}, "syncOptions": list(options), "retry": _RETRY}


def _directory(settings: ArgoCd, folder: str) -> dict[str, Any]:
    source = settings.source
    return {"repoURL": source.url, "targetRevision": source.revision, "path": f"{source.path}/{folder}", "directory": {"recurse": True}}


def _release(environment: str, settings: ArgoCd, chart: HelmChart, wave: int) -> dict[str, Any]:
    """A chart that Argo CD renders; of a registry the URL has no scheme (Argo CD, user guide, Helm)."""
    source = {"repoURL": chart.registry, "chart": chart.chart, "targetRevision": chart.version,
              "helm": {"releaseName": chart.release, **({"valuesObject": dict(chart.values)} if chart.values else {})}}
    options = [*_OPTIONS, "CreateNamespace=true"] if chart.creates_namespace else _OPTIONS
    # A release that bears CRDs takes every queue and model with it: it goes by hand, or not at all.
    notes = {"argocd.argoproj.io/sync-options": "Prune=false", **({WAVE: str(wave)} if wave else {})}
    return _application(f"{environment}-{chart.release}", settings, f"{environment}-platform", chart.namespace, source, notes, options)


def _tenants(environment: str, settings: ArgoCd, tenants: Iterable[str], wave: int) -> dict[str, Any]:
    """An Application for each tenant. A tenant that is gone from the list loses its Application, and nothing that it has."""
    name, source = f"{environment}-{{{{.tenant}}}}", _directory(settings, f"{TENANTS}/{{{{.tenant}}}}")
    template = {
        "metadata": {"name": name, "labels": {"gpuplane.dev/tenant": "{{.tenant}}"}, "annotations": {
            "argocd.argoproj.io/compare-options": "ServerSideDiff=true"}},
        "spec": {"project": f"{environment}-tenants", "source": source, "destination": {"server": settings.destination},
                 "syncPolicy": _sync(_OPTIONS)}}
    return _with({WAVE: str(wave)}, {
        "apiVersion": API, "kind": "ApplicationSet", "metadata": {"name": f"{environment}-tenants", "namespace": settings.namespace},
        "spec": {"goTemplate": True, "goTemplateOptions": ["missingkey=error"], "syncPolicy": {"preserveResourcesOnDeletion": True},
                 "generators": [{"list": {"elements": [{"tenant": tenant} for tenant in tenants]}}], "template": template}})


def _platform_project(environment: str, settings: ArgoCd, charts: Iterable[HelmChart]) -> dict[str, Any]:
    repositories = sorted({settings.source.url, *(chart.registry for chart in charts)})
    return _project(f"{environment}-platform", settings, {
        "description": f"Releases and shared objects of {environment}", "sourceRepos": repositories,
        "destinations": [{"server": settings.destination, "namespace": "*"}],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]})


def _tenants_project(environment: str, settings: ArgoCd, parts: DeliveryParts) -> dict[str, Any]:
    """Tenants' Applications may write what tenants have, where they have it, and nothing else."""
    views = [view for part, found in parts.objects.items() if part != PLATFORM for view in found]
    namespaces = sorted({view.namespace for view in views if view.namespace} | {settings.gate.namespace})
    in_cluster, inside = ({(view.group, view.kind) for view in views if bool(view.namespace) is scoped} for scoped in (False, True))
    return _project(f"{environment}-tenants", settings, {
        "description": f"Tenants of {environment}", "sourceRepos": [settings.source.url],
        "destinations": [{"server": settings.destination, "namespace": name} for name in namespaces],
        "clusterResourceWhitelist": [{"group": group, "kind": kind} for group, kind in sorted(in_cluster)],
        "namespaceResourceWhitelist": [{"group": group, "kind": kind} for group, kind in sorted({*inside, ("batch", "Job")})]})


def _project(name: str, settings: ArgoCd, spec: Mapping[str, Any]) -> dict[str, Any]:
    return _with({WAVE: str(_FIRST)}, {"apiVersion": API, "kind": "AppProject", "metadata": {"name": name, "namespace": settings.namespace},
                                       "spec": dict(spec)})


def _with(notes: Mapping[str, str], body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "metadata": {**body["metadata"], "annotations": dict(sorted(notes.items()))}}


