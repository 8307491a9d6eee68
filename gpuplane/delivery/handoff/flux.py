"""Flux: Kustomizations for the gate, the releases, the platform and each tenant, each after what it needs.

A Kustomization waits until those it depends on are ready at the revision of the source that it is to apply itself
(kustomize-controller, ``checkDependencies``), so the gate is asked anew for every commit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from gpuplane.delivery.handoff.delivery_parts import PLATFORM, TENANTS, DeliveryParts
from gpuplane.delivery.handoff.gate_job import NAME as GATE
from gpuplane.delivery.handoff.gate_job import gate_job, gate_surroundings
from gpuplane.delivery.handoff.health_checks import flux_expressions
from gpuplane.delivery.handoff.helm_chart import HelmChart, helm_chart
from gpuplane.graph.resource_view import ResourceView
from gpuplane.spec.delivered_by import Flux

FOLDER = "flux"
SOURCE_API, SYNC_API, HELM_API = "source.toolkit.fluxcd.io/v1", "kustomize.toolkit.fluxcd.io/v1", "helm.toolkit.fluxcd.io/v2"
_RELEASES = f"{FOLDER}/releases"
_TIMEOUT = "15m0s"


def object_annotations(view: ResourceView) -> dict[str, str]:
    """What Flux must know of an object: that what is protected is never pruned."""
    return {"kustomize.toolkit.fluxcd.io/prune": "disabled"} if view.protect else {}


def flux_objects(environment: str, settings: Flux, parts: DeliveryParts, digest: str, dns_cidr: str | None) -> Mapping[str, dict[str, Any]]:
    """Every object of Flux's own, by the path of its file below the rendered folder.

    Args:
        digest: of all manifests; the gate's Job is called after it, so that each rendering has a gate of its own.
    """
    sync, gate = f"{FOLDER}/sync", f"{environment}-gate"
    found = {
        f"{sync}/source.yaml": _source(environment, settings),
        f"{sync}/gate.yaml": _kustomization(gate, environment, settings, f"{FOLDER}/gate", (), force=True),
        f"{FOLDER}/gate/job.yaml": gate_job(settings.gate, settings.source, environment, ".", digest, f"{GATE}-{digest[7:17]}", {}),
        **{f"{FOLDER}/gate/{name}": body for name, body in gate_surroundings(settings.gate, dns_cidr).items()}}
    before = gate
    if parts.releases:
        before = f"{environment}-releases"
        found[f"{sync}/releases.yaml"] = _kustomization(before, environment, settings, _RELEASES, (gate,))
        found.update(_releases(environment, settings, parts))
    for part, views in parts.objects.items():
        name = f"{environment}-{part.rpartition('/')[2]}" if part == PLATFORM else f"{environment}-tenant-{part.rpartition('/')[2]}"
        needs = (before,) if part == PLATFORM else (f"{environment}-{PLATFORM}",)
        if views:
            found[f"{sync}/{part.replace('/', '-')}.yaml"] = _kustomization(
                name, environment, settings, part, needs if views and (part == PLATFORM or parts.objects[PLATFORM]) else (before,),
                kinds={(view.api_version, view.kind) for view in views})
    return dict(sorted(found.items()))


def _source(environment: str, settings: Flux) -> dict[str, Any]:
    source = settings.source
    spec: dict[str, Any] = {"interval": _interval(settings), "url": source.url, "ref": {"branch": source.revision}}
    if source.credentials_secret is not None:
        spec["secretRef"] = {"name": source.credentials_secret}
    if settings.signed_by_secret is not None:
        spec["verify"] = {"mode": "HEAD", "secretRef": {"name": settings.signed_by_secret}}
    return _object(SOURCE_API, "GitRepository", _source_name(environment), settings, spec)


def _kustomization(name: str, environment: str, settings: Flux, folder: str, needs: Iterable[str], kinds: Collection[tuple[str, str]] = (),
                   force: bool = False) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "interval": _interval(settings), "timeout": _TIMEOUT, "retryInterval": "1m0s", "path": f"./{settings.source.path}/{folder}",
        "prune": True, "wait": True, "sourceRef": {"kind": "GitRepository", "name": _source_name(environment)}}
    if depends := [{"name": each} for each in needs]:
        spec["dependsOn"] = depends
    if checks := flux_expressions(kinds):
        spec["healthCheckExprs"] = checks
    if force:
        spec["force"] = True
    if folder.startswith(TENANTS) or folder == PLATFORM:
        # A tenant's Kustomization that goes leaves what the tenant has: somebody offboards it by name.
        spec["deletionPolicy"] = "Orphan"
    return _object(SYNC_API, "Kustomization", name, settings, spec)


def _releases(environment: str, settings: Flux, parts: DeliveryParts) -> Mapping[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    names = {view.urn: helm_chart(view).release for view in parts.releases}
    for view in parts.releases:
        chart = helm_chart(view)
        needs = sorted(names[urn] for urn in parts.dependencies[view.urn] if urn in names)
        found[f"{_RELEASES}/{chart.release}.yaml"] = _release(environment, settings, chart, needs)
        found[f"{_RELEASES}/{chart.release}-chart.yaml"] = _chart_source(environment, settings, chart)
    return found


def _release(environment: str, settings: Flux, chart: HelmChart, needs: Iterable[str]) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "interval": _interval(settings), "timeout": _TIMEOUT, "releaseName": chart.release, "targetNamespace": chart.namespace,
        "storageNamespace": chart.namespace, **_chart_of(environment, chart),
        "install": {"createNamespace": chart.creates_namespace, "remediation": {"retries": 3}},
        "upgrade": {"crds": "CreateReplace", "remediation": {"retries": 3, "strategy": "rollback"}}}
    if chart.values:
        spec["values"] = dict(chart.values)
    if depends := [{"name": f"{environment}-{each}"} for each in needs]:
        spec["dependsOn"] = depends
    body = _object(HELM_API, "HelmRelease", f"{environment}-{chart.release}", settings, spec)
    # A release that bears CRDs takes every queue and model with it: it goes by hand, or not at all.
    body["metadata"]["annotations"] = {"kustomize.toolkit.fluxcd.io/prune": "disabled"}
    return body


def _chart_of(environment: str, chart: HelmChart) -> dict[str, Any]:
    name = f"{environment}-{chart.release}"
    if chart.is_oci:
        return {"chartRef": {"kind": "OCIRepository", "name": name}}
    return {"chart": {"spec": {"chart": chart.chart, "version": chart.version, "sourceRef": {"kind": "HelmRepository", "name": name}}}}


def _chart_source(environment: str, settings: Flux, chart: HelmChart) -> dict[str, Any]:
    name = f"{environment}-{chart.release}"
    if not chart.is_oci:
        return _object(SOURCE_API, "HelmRepository", name, settings, {"interval": "24h0m0s", "url": chart.repository})
    return _object(SOURCE_API, "OCIRepository", name, settings, {
        "interval": "24h0m0s", "url": f"{chart.repository}/{chart.chart}", "ref": {"tag": chart.version},
        "layerSelector": {"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "operation": "copy"}})


def _object(api_version: str, kind: str, name: str, settings: Flux, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": settings.namespace}, "spec": spec}


def _source_name(environment: str) -> str:
    return f"gpuplane-{environment}"


def _interval(settings: Flux) -> str:
    minutes, seconds = divmod(settings.interval_seconds, 60)
    return f"{minutes}m{seconds}s"
