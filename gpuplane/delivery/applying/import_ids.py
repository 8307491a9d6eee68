"""What Pulumi calls an object that is there already: the id by which it is imported, where it follows from the object's own names.

Of AWS only those types are here whose id is a name that the inputs hold ("Import" in the registry page of each type, pulumi-aws 7);
others get theirs from AWS (``vpc-0a1b2c``), and a person has to say it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Inputs = Mapping[str, Any]


def _named(*keys: str) -> Callable[[Inputs], str | None]:
    """Inputs joined by colons; None where one is missing."""
    def found(inputs: Inputs) -> str | None:
        parts = [inputs.get(key) for key in keys]
        return ":".join(map(str, parts)) if all(isinstance(part, str) and part for part in parts) else None
    return found


AWS: Mapping[str, Callable[[Inputs], str | None]] = {
    "aws:eks/cluster:Cluster": _named("name"),
    "aws:eks/nodeGroup:NodeGroup": _named("clusterName", "nodeGroupName"),
    "aws:eks/addon:Addon": _named("clusterName", "addonName"),
    "aws:eks/accessEntry:AccessEntry": _named("clusterName", "principalArn"),
    "aws:iam/role:Role": _named("name"),
    "aws:iam/rolePolicy:RolePolicy": _named("role", "name"),
    "aws:iam/instanceProfile:InstanceProfile": _named("name"),
    "aws:kms/alias:Alias": _named("name"),
    "aws:s3/bucket:Bucket": _named("bucket"),
    "aws:s3/bucketVersioning:BucketVersioning": _named("bucket"),
    "aws:s3/bucketPolicy:BucketPolicy": _named("bucket"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _named("bucket"),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _named("bucket"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _named("bucket"),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _named("bucket"),
    "aws:s3/bucketLogging:BucketLogging": _named("bucket"),
}


def import_id(type_token: str, inputs: Inputs) -> str | None:
    """Id of a resource by its type and inputs; None where it does not follow from them."""
    if type_token.startswith("kubernetes:helm.sh"):
        place, name = inputs.get("namespace"), inputs.get("name")
        return f"{place}/{name}" if isinstance(place, str) and isinstance(name, str) else None
    if type_token.startswith("kubernetes:"):
        metadata = inputs.get("metadata") or {}
        name, namespace = metadata.get("name"), metadata.get("namespace")
        return f"{namespace}/{name}" if namespace else name
    known = AWS.get(type_token)
    return known(inputs) if known is not None else None
