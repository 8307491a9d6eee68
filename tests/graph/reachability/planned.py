"""A planned environment of three tenants in which no path between them is undeclared, as the offline engine renders it."""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from gpuplane.catalog import catalog_of
from gpuplane.delivery.offline_engine import render
from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability import Edge, matrix
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning import plan
from gpuplane.spec.loader import load_environment

ROOT = Path(__file__).resolve().parents[3]
BESIDE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: tenant-lookup}
rules: [{apiGroups: [""], resources: [namespaces], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: tenant-lookup}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: tenant-lookup}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: research-ml}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: collected}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {collect: "true"}}]}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: collected}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: collected}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: search-ml}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: pod-reader}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: support-files}
spec: {claimRef: {namespace: support, name: files}, csi: {driver: efs.csi.aws.com, volumeHandle: fs-0a1b}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: common}
spec: {namespaceSelector: {}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: batch, namespace: research}
spec: {clusterQueue: common}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: urgent}
value: 1000
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: engine, namespace: support}
spec: {template: {spec: {containers: [{name: vllm, image: vllm, env: [{name: LMCACHE_REMOTE_URL, value: "redis://kv.cache-system.svc:6379"}]}]}}}
"""
"""What gpuplane does not render, but platforms have beside it; none of it leads from one tenant to another."""


@cache
def planned() -> tuple[ResourceView, ...]:
    """Every resource of the environment."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "environments", Path(folder) / "environments")
        file = Path(folder) / "environments" / "prod" / "environment.yaml"
        document = yaml.safe_load(file.read_text())
        document["spec"]["aws"]["model_buckets"] = {
            "name_prefix": "example-models", "publisher_role_arns": ["arn:aws:iam::111122223333:role/publisher"], "s3_cidrs": ["3.5.136.0/22"]}
        document["spec"]["tracing"] = {"namespace": "observability"}
        file.write_text(yaml.safe_dump(document))
        spec = load_environment(Path(folder) / "environments", "prod")
        rendered = render(spec, plan(spec, catalog_of(spec), date(2026, 11, 21)))
    return (*rendered, *views_of_text(BESIDE))


def found(views: tuple[ResourceView, ...]) -> PlannedGraph:
    """The graph of some resources."""
    return PlannedGraph(views)


def added(text: str) -> tuple[ResourceView, ...]:
    """The environment with one object more."""
    more = tuple(replace(view, urn=f"added::{view.kind}::{view.namespace}/{view.name}") for view in views_of_text(text))
    assert len(more) == 1
    return (*planned(), *more)


def changed(name: str, change: Callable[[dict[str, Any]], None]) -> tuple[ResourceView, ...]:
    """The environment with one resource changed; ``name`` is ``kind namespace/name``, or ``kind name``."""
    views = list(planned())
    places = [index for index, view in enumerate(views) if str(view) == name and view.custom]
    assert len(places) == 1, f"{name}: {len(places)}"
    props = copy.deepcopy(dict(views[places[0]].props))
    change(props)
    assert props != views[places[0]].props
    views[places[0]] = replace(views[places[0]], props=props)
    return tuple(views)


def refused(views: tuple[ResourceView, ...]) -> set[str]:
    """Undeclared edges as ``medium: source > target``; a question mark where it only cannot be excluded."""
    return {short(edge) for edge in matrix(PlannedGraph(views)).refused}


def short(edge: Edge) -> str:
    """An edge in one line."""
    return f"{edge.medium}: {edge.source.name} > {edge.target.name}{'' if edge.certain else '?'}"
