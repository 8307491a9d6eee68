"""PII-14: what Pulumi is not told is secret stands in the clear in its state, its plans and its logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, lookup, mapping
from gpuplane.graph.secret_literals import secret
from gpuplane.graph.text_leaves import Leaf, Use
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_SECRET_FIELDS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "aws:secretsmanager/secretVersion:SecretVersion": (("secretString",), ("secretBinary",)), "aws:ssm/parameter:Parameter": (("value",),),
    "aws:rds/instance:Instance": (("password",),), "aws:rds/cluster:Cluster": (("masterPassword",),),
    "aws:redshift/cluster:Cluster": (("masterPassword",),), "aws:docdb/cluster:Cluster": (("masterPassword",),),
    "aws:elasticache/replicationGroup:ReplicationGroup": (("authToken",),), "aws:opensearch/domain:Domain": (
        ("advancedSecurityOptions", "masterUserOptions", "masterUserPassword"),),
    "pulumi:providers:kubernetes": (("kubeconfig",),), "pulumi:providers:aws": (("secretKey",), ("token",), ("accessKey",)),
    "kubernetes:core/v1:Secret": (("data",), ("stringData",))}
"""Fields that hold secrets by their meaning, by type of resource."""


class PlainSecrets(Rule):
    """A secret that reaches a resource as an ordinary value is written to the state file and printed by every preview.

    In the planned graph secret values are ``[secret]``: what still stands there in the clear was never marked.
    """

    id = "PII-14"
    title = "Secrets reach resources as Pulumi secrets"
    severity = "high"
    remedy = "Take it from config with require_secret, or wrap it in pulumi.Output.secret; better, let a secret store's operator fill it."
    references = ("ISO/IEC 27001:2022 A.8.12", "Pulumi documentation: secrets")
    scope = "object"
    asks_for_secrecy = True

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in graph.objects("Stack"):
            for name, reference in mapping(view.get("spec", "secretsRef")).items() if view.group == "pulumi.com" else ():
                if lookup(reference, "type") == "Literal":
                    yield self.fail(graph, view, f"{view} gives Pulumi the secret {name} as a literal.", f"spec.secretsRef.{name}")
        for view in graph.resources:
            for steps in _SECRET_FIELDS.get(view.type, ()):
                for path, text in _texts(view.get(*steps), ".".join(steps)):
                    secure = view.type != "aws:ssm/parameter:Parameter" or view.get("type") == "SecureString"
                    if secure and _in_the_clear(view, path, text):
                        yield self.fail(graph, view, f"{path} of {view} is a secret, and Pulumi is not told so.", path)

    PASSES = (
        Example("a stack of the Pulumi Kubernetes Operator that takes its secret from a Secret", """
apiVersion: pulumi.com/v1
kind: Stack
metadata: {name: tenants, namespace: pulumi}
spec: {stack: prod-tenants, secretsRef: {"app:token": {type: Secret, secret: {name: app, key: token}}}}
"""),
    )
    FAILS = (
        Example("a stack that is given its secret literally", """
apiVersion: pulumi.com/v1
kind: Stack
metadata: {name: tenants, namespace: pulumi}
spec: {stack: prod-tenants, secretsRef: {"app:token": {type: Literal, literal: {value: swordfish}}}}
""", "Stack pulumi/tenants gives Pulumi the secret app:token as a literal"),
    )


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    for key, item in mapping(value).items():
        yield from _texts(item, f"{path}.{key}")


def _in_the_clear(view: ResourceView, path: str, text: str) -> bool:
    """Whether a text is a secret itself: no marker of one, no reference, and of a kubeconfig more than where the cluster is."""
    if view.type == "pulumi:providers:kubernetes":
        return any(word in text for word in ("token:", "client-key-data", "password:", '"token"'))
    return any(True for _ in secret(Leaf(path, path.rpartition(".")[2], text, Use.SECRET))) and lookup(view.props, "sops") is None
