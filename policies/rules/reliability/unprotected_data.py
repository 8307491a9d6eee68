"""RE-10: what holds data must survive a mistake in a program."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.quantities import quantity
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_DATABASES = ("aws:rds/instance:Instance", "aws:rds/cluster:Cluster", "aws:docdb/cluster:Cluster", "aws:neptune/cluster:Cluster")
_BUCKETS = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
_VERSIONING = ("aws:s3/bucketVersioning:BucketVersioning", "aws:s3/bucketVersioningV2:BucketVersioningV2")
_Problem = tuple[str, str, Any]
"""What is wrong in words, the field, and its value."""


class UnprotectedData(Rule):
    """A rename, a replace or a destroyed stack takes a database or bucket along unless AWS itself refuses, or a copy remains.

    Judged in production and where the resource's own tag says so: deletion protection and backups of databases and tables, versions of
    buckets and no emptying of them by the program, and volumes of a StatefulSet that outlive it.
    """

    id = "RE-10"
    title = "Databases, buckets and volumes of production survive a deletion by mistake"
    severity = "high"
    remedy = "Turn on deletion protection, backups or versioning, remove forceDestroy, and keep the volumes of a deleted StatefulSet."
    references = ("AWS Well-Architected REL09-BP01", "AWS Security Hub: RDS.8, DynamoDB.6", "Pulumi documentation: protect, retainOnDelete",
                  "Kubernetes documentation: StatefulSets, PersistentVolumeClaim retention")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.resources:
            if (view.type in _JUDGES or view.kind == "StatefulSet") and _in_production(graph, view):
                for what, field, value in _problems(graph, view):
                    if isinstance(value, Unknown):
                        yield self.unknown(graph, view, f"Whether {view} survives a deletion is only known after apply.", field)
                    else:
                        yield self.fail(graph, view, f"{view} holds data of production and {what}.", field)

    PASSES = (
        Example("a bucket that keeps versions", """
resources:
  models:
    type: aws:s3/bucket:Bucket
    properties: {bucket: models, tags: {gpuplane.dev/environment: prod}}
  models-versions:
    type: aws:s3/bucketVersioning:BucketVersioning
    properties: {bucket: models, versioningConfiguration: {status: Enabled}}
"""),
    )
    FAILS = (
        Example("a database that anybody may drop", """
resources:
  audit:
    type: aws:rds/instance:Instance
    properties: {instanceClass: db.m7g.large, backupRetentionPeriod: 0, tags: {gpuplane.dev/environment: prod}}
""", "Instance audit holds data of production and may be deleted at once"),
        Example("a bucket that a program may empty", """
resources:
  prompts:
    type: aws:s3/bucket:Bucket
    properties: {bucket: prompts, forceDestroy: true, tags: {gpuplane.dev/environment: production}}
""", "is emptied when the program deletes it"),
        Example("volumes that go with their StatefulSet", """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: vectors, namespace: support, labels: {gpuplane.dev/environment: prod}}
spec:
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}
  template: {spec: {containers: [{name: store, image: store}]}}
  volumeClaimTemplates: [{metadata: {name: data}, spec: {storageClassName: gp3}}]
""", "deletes its volumes with itself"),
    )


def _in_production(graph: PlannedGraph, view: ResourceView) -> bool:
    tag = lookup(view.props, "tags", graph.labels.environment)
    return graph.in_production(view) or graph.means_production(tag)


def _problems(graph: PlannedGraph, view: ResourceView) -> Iterator[_Problem]:
    judge = _JUDGES.get(view.type) or (_stateful_set if view.kind == "StatefulSet" and view.group == "apps" else None)
    if judge is not None:
        yield from (problem for problem in judge(graph, view) if problem[2] is not True)


def _on(view: ResourceView, *path: str) -> Any:
    """True, Unknown, or False for a switch that is off or left out."""
    value = view.get(*path)
    return value if isinstance(value, Unknown) else str(value).lower() == "true" or value == "ENABLED"


def _database(_: PlannedGraph, view: ResourceView) -> Iterator[_Problem]:
    yield "may be deleted at once (deletionProtection is off)", "deletionProtection", _on(view, "deletionProtection")
    days = view.get("backupRetentionPeriod")
    kept = days if isinstance(days, Unknown) else days is None or bool(quantity(days))
    yield "has no backups (backupRetentionPeriod is 0)", "backupRetentionPeriod", kept


def _table(_: PlannedGraph, view: ResourceView) -> Iterator[_Problem]:
    yield ("may be deleted at once (deletionProtectionEnabled is off)", "deletionProtectionEnabled",
           _on(view, "deletionProtectionEnabled"))
    yield "cannot be restored to a point in time", "pointInTimeRecovery.enabled", _on(view, "pointInTimeRecovery", "enabled")


def _bucket(graph: PlannedGraph, view: ResourceView) -> Iterator[_Problem]:
    force = _on(view, "forceDestroy")
    yield "is emptied when the program deletes it (forceDestroy)", "forceDestroy", force if isinstance(force, Unknown) else not force
    name = view.get("bucket")
    found: Any = _on(view, "versioning", "enabled")
    for each in graph.resources:
        if each.type in _VERSIONING and (each.get("bucket") == name or isinstance(each.get("bucket"), Unknown) or name is None):
            status = each.get("versioningConfiguration", "status")
            found = found if found is True else status if isinstance(status, Unknown) else status == "Enabled"
    yield "keeps no versions of its objects", "versioning", found


def _cluster(_: PlannedGraph, view: ResourceView) -> Iterator[_Problem]:
    yield "may be deleted at once (deletionProtection is off)", "deletionProtection", view.protect or _on(view, "deletionProtection")


def _stateful_set(_: PlannedGraph, view: ResourceView) -> Iterator[_Problem]:
    when = view.get("spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted")
    if items(view.get("spec", "volumeClaimTemplates")):
        yield ("deletes its volumes with itself", "spec.persistentVolumeClaimRetentionPolicy.whenDeleted",
               when if isinstance(when, Unknown) else when != "Delete")


_JUDGES: Mapping[str, Callable[[PlannedGraph, ResourceView], Iterator[_Problem]]] = {
    **dict.fromkeys(_DATABASES, _database), **dict.fromkeys(_BUCKETS, _bucket),
    "aws:dynamodb/table:Table": _table, "aws:eks/cluster:Cluster": _cluster}
