"""IAM roles with names and policies that are known before apply, so that rules can judge who may do what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

if TYPE_CHECKING:
    from pulumi_aws import iam

Statement = Mapping[str, Any]
ROLE_NAME_LENGTH = 64
"""Most characters of a role's name (IAM CreateRole)."""


@dataclass(frozen=True)
class AwsPlace:
    """Account, region, and the ``partition`` that this region's ARNs begin with."""

    account_id: str
    region: str
    partition: str = "aws"

    def arn(self, service: str, resource: str) -> str:
        """ARN of something in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"

    def role_arn(self, name: str) -> str:
        """ARN of a role of this account, by its name."""
        return f"arn:{self.partition}:iam::{self.account_id}:role/{name}"

    def managed_policy_arn(self, name: str) -> str:
        """ARN of a policy that AWS keeps."""
        return f"arn:{self.partition}:iam::aws:policy/{name}"


def role_name(text: str) -> str:
    """A name that IAM takes: one that is too long ends in a digest of the whole instead."""
    if len(text) <= ROLE_NAME_LENGTH:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{text[:ROLE_NAME_LENGTH - 9].rstrip('-')}-{digest}"


def document(statements: Sequence[Statement]) -> str:
    """A policy document as text that does not change from run to run."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)


def service_trust(service: str, place: AwsPlace, *, actions: Sequence[str] = ("sts:AssumeRole",),
                  condition: Mapping[str, Any] | None = None) -> str:
    """Who may take a role: one AWS service, on behalf of this account alone (no confused deputy)."""
    only = {"StringEquals": {"aws:SourceAccount": place.account_id}, **(condition or {})}
    return document([{"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions), "Condition": only}])


def service_role(name: str, service: str, place: AwsPlace, tags: Mapping[str, str], opts: pulumi.ResourceOptions,
                 statements: Sequence[Statement] = (), managed_policies: Sequence[str] = (), trust: str | None = None) -> iam.Role:
    """A role that a service takes, with an inline policy and policies that AWS keeps; resources are named after the role.

    Args:
        name: at most 64 characters.
        service: e.g. ``eks.amazonaws.com``.
        managed_policies: names below ``arn:aws:iam::aws:policy/``.
        trust: trust policy, where :func:`service_trust` is not enough.
    """
    from pulumi_aws import iam

    role = iam.Role(name, name=name, assume_role_policy=trust or service_trust(service, place), tags=dict(tags), opts=opts)
    if statements:
        iam.RolePolicy(name, role=role.name, name="gpuplane", policy=document(statements), opts=opts)
    for policy in managed_policies:
        short = policy.rpartition("/")[2]
        iam.RolePolicyAttachment(f"{name}-{short}", role=role.name, policy_arn=place.managed_policy_arn(policy), opts=opts)
    return role
