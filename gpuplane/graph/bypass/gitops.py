"""Deliveries past the gate: engines of GitOps that apply what no preview has judged, or as who may do anything."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpuplane.graph.bypass.way import Way
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, items, lookup, told

_KIND = "delivery without a gate"
_COMMIT = re.compile(r"[0-9a-f]{40}|v?\d{1,9}\.\d{1,9}\.\d{1,9}[\w.+-]*")
_RENDER = "Let it apply what `gpuplane render` wrote and the gate has passed, at a commit."


def ways(graph: PlannedGraph) -> Iterator[Way]:
    """Argo CD's Applications and projects, and Flux' sources and Kustomizations."""
    for view in graph.objects("Application", "ApplicationSet"):
        if view.group == "argoproj.io":
            yield from _application(view, ("spec",) if view.kind == "Application" else ("spec", "template", "spec"))
    for view in graph.objects("AppProject"):
        yield from _project(view)
    for view in graph.objects("Kustomization", "HelmRelease"):
        if view.group.endswith("toolkit.fluxcd.io") and not view.get("spec", "serviceAccountName"):
            yield _way(view, "spec.serviceAccountName", f"{view} is applied with the rights of Flux itself, whoever wrote what it reads.",
                       "left out", "Name a ServiceAccount of the tenant in serviceAccountName.")
    for view in graph.objects("GitRepository"):
        ref = view.get("spec", "ref")
        if view.group == "source.toolkit.fluxcd.io" and not (told(ref, "commit") or told(ref, "tag") or told(ref, "semver")):
            yield _way(view, "spec.ref", f"{view} follows a branch: what is pushed there is applied, judged or not.",
                       str(told(ref, "branch") or "the default branch"), _RENDER)


def _application(view: ResourceView, path: tuple[str, ...]) -> Iterator[Way]:
    at, project = ".".join(path), view.get(*path, "project")
    if project in (None, "", "default"):
        yield _way(view, f"{at}.project", f"{view} is in project default, which allows every repository, cluster and kind.", "default",
                   "Put it into an AppProject that names repositories, namespaces and kinds.")
    for field in ("source", "sources"):
        for source in [view.get(*path, field)] if field == "source" else items(view.get(*path, field)):
            revision = str(told(source, "targetRevision") or "HEAD")
            if source is not None and not told(source, "chart") and _COMMIT.fullmatch(revision) is None:
                yield _way(view, f"{at}.{field}", f"{view} follows {revision}: what is pushed there is applied, judged or not.",
                           f"{told(source, 'repoURL')} {told(source, 'path') or ''} at {revision}", _RENDER)
    for index, option in enumerate(items(view.get(*path, "syncPolicy", "syncOptions"))):
        if option in ("Validate=false", "Replace=true", "Force=true"):
            yield _way(view, f"{at}.syncPolicy.syncOptions[{index}]", f"{view} is applied with {option}: what the API server would "
                       "refuse as it is gets in by a delete and a create.", str(option), "Remove the option.")


def _project(view: ResourceView) -> Iterator[Way]:
    wide = {"sourceRepos": "every repository", "destinations": "every namespace", "clusterResourceWhitelist": "every cluster-wide kind"}
    for field, what in wide.items():
        for index, item in enumerate(items(view.get("spec", field))):
            if "*" in (item, lookup(item, "namespace"), lookup(item, "kind")):
                yield _way(view, f"spec.{field}[{index}]", f"{view} allows {what}: who can write one repository writes anything.",
                           str(item), f"List what belongs to it in {field}.")


def _way(view: ResourceView, field: str, message: str, value: str, remedy: str) -> Way:
    return Way(_KIND, "high", view, field, message, (f"{view} {field}: {value}",), remedy)
