"""The AWS identity with which a tenant's secrets are read: a role for one service account of one cluster (IAM roles for service accounts).

Not Pod Identity: the External Secrets Operator reads with a token that it asks for in the reader account's name, and EKS Pod Identity
gives credentials to pods alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

from gpuplane.components.iam import AwsPlace, Statement, document, service_role
from gpuplane.components.kubernetes_object import child_options

_AUDIENCE = "sts.amazonaws.com"


@dataclass(frozen=True)
class SecretReaderArgs:
    """A role that reads secrets.

    Attributes:
        role_name: at most 64 characters.
        oidc_issuer: address of the issuer of the cluster's tokens, an IAM OIDC provider of the account.
        namespace, service_account: who takes the role.
        place: account and partition, and the region that the secrets lie in.
        prefix: what the names of the secrets begin with.
        kms_key_arns: customer keys that they are encrypted with.
        tags: AWS tags.
    """

    role_name: str
    oidc_issuer: str
    namespace: str
    service_account: str
    place: AwsPlace
    prefix: str
    kms_key_arns: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


class SecretReader(pulumi.ComponentResource):
    """The role, with its policy."""

    def __init__(self, name: str, args: SecretReaderArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:SecretReader", name, {"namespace": args.namespace, "role": args.role_name}, opts)
        service_role(args.role_name, _AUDIENCE, args.place, args.tags, child_options(self, opts), read_statements(args),
                     trust=token_trust(args))
        self.register_outputs({"role": args.role_name})


def read_statements(args: SecretReaderArgs) -> tuple[Statement, ...]:
    """What the role may do: read the secrets below the prefix, and decrypt with their keys through Secrets Manager alone."""
    read: Statement = {"Effect": "Allow", "Action": ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
                       "Resource": [args.place.arn("secretsmanager", f"secret:{args.prefix}*")]}
    through = {"kms:ViaService": f"secretsmanager.{args.place.region}.amazonaws.com"}
    decrypt: Statement = {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": list(args.kms_key_arns),
                          "Condition": {"StringEquals": through}}
    return (read, decrypt) if args.kms_key_arns else (read,)


def token_trust(args: SecretReaderArgs) -> str:
    """Trust policy for the tokens of one service account, made for AWS (IAM user guide, OIDC federation)."""
    issuer = args.oidc_issuer.removeprefix("https://")
    provider = f"arn:{args.place.partition}:iam::{args.place.account_id}:oidc-provider/{issuer}"
    whose = {f"{issuer}:aud": _AUDIENCE, f"{issuer}:sub": f"system:serviceaccount:{args.namespace}:{args.service_account}"}
    return document([{"Effect": "Allow", "Principal": {"Federated": provider}, "Action": ["sts:AssumeRoleWithWebIdentity"],
                      "Condition": {"StringEquals": whose}}])
