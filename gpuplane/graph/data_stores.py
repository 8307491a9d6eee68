"""Where data lies in AWS: buckets, databases, queues, file systems and logs, with what is told of their keys and how long they keep it.

A bucket's settings are resources of their own, which name it; what only apply can know still says of which resource it comes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gpuplane.graph.json_text import json_in
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, mapping

BUCKETS: Final = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")
LOG_GROUP: Final = "aws:cloudwatch/logGroup:LogGroup"
KEY: Final = "aws:kms/key:Key"
_KEY_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    LOG_GROUP: ("kmsKeyId",), "aws:sqs/queue:Queue": ("kmsMasterKeyId",), "aws:sns/topic:Topic": ("kmsMasterKeyId",),
    "aws:efs/fileSystem:FileSystem": ("kmsKeyId",), "aws:ebs/volume:Volume": ("kmsKeyId",), "aws:rds/instance:Instance": ("kmsKeyId",),
    "aws:rds/cluster:Cluster": ("kmsKeyId",), "aws:dynamodb/table:Table": ("serverSideEncryption", "kmsKeyArn"),
    "aws:elasticache/replicationGroup:ReplicationGroup": ("kmsKeyId",), "aws:kinesis/stream:Stream": ("kmsKeyId",),
    "aws:secretsmanager/secret:Secret": ("kmsKeyId",), "aws:opensearch/domain:Domain": ("encryptAtRest", "kmsKeyId")}
"""Where each kind of store names the key that it is encrypted with (Pulumi AWS provider 7)."""
_BUCKET_ENCRYPTION: Final = ("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
                             "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2")
_BUCKET_LIFECYCLE: Final = ("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
                            "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2")


@dataclass(frozen=True)
class Setting:
    """A setting of a store: its value (maybe unknown, None where there is none), and the resource and field it stands in."""

    value: Any
    view: ResourceView
    field: str


def stores(graph: PlannedGraph) -> Iterator[ResourceView]:
    """Every resource of AWS that data lies in."""
    yield from (view for view in graph.resources if view.type in BUCKETS or view.type in _KEY_FIELDS)


def encryption_key(graph: PlannedGraph, store: ResourceView) -> Setting:
    """The key that a store is encrypted with."""
    if store.type in BUCKETS:
        for view in _of_bucket(graph, store, _BUCKET_ENCRYPTION):
            value = view.get("rules", 0, "applyServerSideEncryptionByDefault", "kmsMasterKeyId")
            return Setting(value, view, "rules[0].applyServerSideEncryptionByDefault.kmsMasterKeyId")
        return Setting(None, store, "")
    path = _KEY_FIELDS[store.type]
    return Setting(store.get(*path), store, ".".join(path))


def key_of(graph: PlannedGraph, value: Any) -> ResourceView | None:
    """The KMS key among the resources that a setting names, by what only apply can know of it."""
    found = value.urn if isinstance(value, Unknown) else None
    return next((view for view in graph.resources if view.type == KEY and view.urn == found), None)


def lifecycle_rules(graph: PlannedGraph, bucket: ResourceView) -> Setting:
    """Rules by which a bucket lets go of what it holds; None where it has none."""
    for view in _of_bucket(graph, bucket, _BUCKET_LIFECYCLE):
        return Setting(view.get("rules"), view, "rules")
    return Setting(bucket.get("lifecycleRules"), bucket, "lifecycleRules")


def days_kept(rule: Any) -> list[Any]:
    """Days after which an enabled lifecycle rule deletes; empty where it deletes nothing."""
    if lookup(rule, "status") != "Enabled" and lookup(rule, "enabled") is not True:
        return []
    found = (lookup(rule, "expiration", "days"), lookup(rule, "noncurrentVersionExpiration", "noncurrentDays"),
             lookup(rule, "noncurrentVersionExpiration", "days"))
    return [days for days in found if days is not None]


def access_log(graph: PlannedGraph, bucket: ResourceView) -> bool:
    """Whether reads of a bucket are recorded: by its server access log, or by data events of a CloudTrail trail."""
    if any(_of_bucket(graph, bucket, ("aws:s3/bucketLogging:BucketLogging", "aws:s3/bucketLoggingV2:BucketLoggingV2"))):
        return True
    selectors = [selector for view in graph.of_kind("Trail", "EventDataStore") if view.type.startswith("aws:cloudtrail/")
                 for selector in (*items(view.get("eventSelectors")), *items(view.get("advancedEventSelectors")))]
    return any("AWS::S3::Object" in json.dumps(selector, default=str) for selector in selectors)


def bucket_policies(graph: PlannedGraph, bucket: ResourceView) -> tuple[ResourceView, ...]:
    """Policies of a bucket."""
    return tuple(_of_bucket(graph, bucket, ("aws:s3/bucketPolicy:BucketPolicy",)))


def statements(policy: Any) -> list[Mapping[str, Any]]:
    """Statements of an AWS policy document in JSON; none where it cannot be read."""
    document = json_in(policy) if isinstance(policy, str) else policy
    found = lookup(document, "Statement")
    return [mapping(one) for one in (items(found) or ([found] if isinstance(found, Mapping) else []))]


def _of_bucket(graph: PlannedGraph, bucket: ResourceView, types: Sequence[str]) -> Iterator[ResourceView]:
    name = bucket.get("bucket")
    for view in graph.resources:
        if view.type in types:
            said = view.get("bucket")
            if said == name if isinstance(said, str) else isinstance(said, Unknown) and said.urn == bucket.urn:
                yield view
