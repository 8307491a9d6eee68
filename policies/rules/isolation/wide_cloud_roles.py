"""TI-15: what the cloud lets a tenant's pods do ends at the tenant's own bucket, key and secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpuplane.graph.aws_identity import AwsRole, Statement, aws_roles, loose_policies, trusts_one_account
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.references import Reference, other_owner
from gpuplane.graph.resource_view import ResourceView, mapping
from gpuplane.graph.tenancy import bears
from gpuplane.policies.finding import Finding
from gpuplane.policies.role_rule import listed
from gpuplane.policies.rule import Example, Rule

_WIDE_POLICIES = re.compile(r"AdministratorAccess|PowerUserAccess|IAMFullAccess|\w*FullAccess")
_NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly",
                  "AmazonEC2ContainerRegistryReadOnly", "AmazonEKS_CNI_Policy", "AmazonSSMManagedInstanceCore")
"""What nodes themselves need (Amazon EKS User Guide, node IAM role)."""
_SESSION_TAGS = ("${aws:PrincipalTag/kubernetes-namespace}", "${aws:PrincipalTag/eks-cluster-name}")
"""Variables that EKS Pod Identity fills with whose pod it is, so that a policy with them is narrowed to it."""


class WideCloudRoles(Rule):
    """A role opens what its policy says to every pod that takes it: by a wildcard the data of all tenants, on a node to all its pods."""

    id = "TI-15"
    title = "Each tenant's cloud role reaches that tenant's resources alone, and only its pods take it"
    severity = "critical"
    remedy = "Name the actions, and the bucket, prefix, key or secrets of the tenant; let one service account take it by Pod Identity."
    references = ("AWS Security Hub controls IAM.1 and IAM.21", "Amazon EKS Best Practices Guide: Identities and Credentials for EKS Pods",
                  "ISO/IEC 27001:2022 A.5.15")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view in loose_policies(graph):
            yield self.unknown(graph, view, f"Which role {view} is for is only known after apply.", "role")
        for role in aws_roles(graph):
            for where, path in role.unknown:
                yield self.unknown(graph, where, f"What {role.view} may do, or who may take it, is only known after apply.", path)
            yield from self._trust(graph, role)
            for statement in role.statements:
                if statement.allow:
                    yield from self._statement(graph, role, statement)
            for where, policy in role.managed:
                if _WIDE_POLICIES.fullmatch(policy):
                    yield self.fail(graph, where, f"{role.view} has all that {policy} allows.", "policyArn")
                elif role.nodes and policy not in _NODE_POLICIES:
                    yield self._on_nodes(graph, where, role, policy)

    def _trust(self, graph: PlannedGraph, role: AwsRole) -> Iterator[Finding]:
        for statement in role.trust:
            if statement.allow and ("*" in statement.principals or statement.negated):
                yield self.fail(graph, role.view, f"Anybody in AWS may take {role.view}.", statement.path)
            elif statement.allow and role.for_pods and not trusts_one_account(statement):
                yield self.fail(graph, role.view, f"Pods of any service account may take {role.view}.", statement.path)
        if len(role.tenants) > 1:
            yield self.fail(graph, role.view, f"Pods of tenants {listed(role.tenants)} take {role.view}.")
        if role.tenants and role.nodes:
            yield self.fail(graph, role.view, f"{role.view} of tenant {listed(role.tenants)} is the role of nodes, too.")

    def _statement(self, graph: PlannedGraph, role: AwsRole, statement: Statement) -> Iterator[Finding]:
        wide = [action for action in statement.actions if action == "*" or action.endswith(":*")]
        if wide or statement.negated:
            what = listed(wide) if wide else "everything but what it names"
            yield self.fail(graph, statement.view, f"{role.view} may do {what}.", statement.path)
        elif role.nodes:
            yield self._on_nodes(graph, statement.view, role, listed(statement.actions or ("nothing",)), statement.path)
        elif len(role.tenants) == 1:
            for resource in statement.resources:
                if why := _beyond(graph, resource, statement, role.tenants[0]):
                    actions = listed(statement.actions or ("do something",))
                    yield self.fail(graph, statement.view, f"{role.view} of tenant {role.tenants[0]} may {actions} on {resource}, {why}.",
                                    statement.path)

    def _on_nodes(self, graph: PlannedGraph, where: ResourceView, role: AwsRole, what: str, path: str = "policyArn") -> Finding:
        return self.fail(graph, where, f"{role.view} is a role of nodes, so every pod there could use {what}.", path)

    PASSES = (
        Example("a bucket of the tenant's, for one service account", """
type: aws:iam/role:Role
name: support-models
properties:
  name: support-models
  tags: {gpuplane.dev/tenant: support}
  assumeRolePolicy:
    Statement:
      - Effect: Allow
        Principal: {Service: pods.eks.amazonaws.com}
        Action: [sts:AssumeRole, sts:TagSession]
        Condition:
          StringEquals:
            aws:RequestTag/kubernetes-namespace: support
            aws:RequestTag/kubernetes-service-account: model-server
---
type: aws:iam/rolePolicy:RolePolicy
name: support-models
properties:
  role: support-models
  policy:
    Statement:
      - {Effect: Allow, Action: s3:GetObject, Resource: "arn:aws:s3:::models-support/*"}
      - Effect: Allow
        Action: secretsmanager:GetSecretValue
        Resource: arn:aws:secretsmanager:eu-central-1:111122223333:secret:support/*
"""),
    )
    FAILS = (
        Example("every bucket", """
type: aws:iam/role:Role
name: support-models
properties:
  name: support-models
  tags: {gpuplane.dev/tenant: support}
  assumeRolePolicy: {Statement: {Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:root"}, Action: sts:AssumeRole}}
---
type: aws:iam/rolePolicy:RolePolicy
name: support-models
properties: {role: support-models, policy: {Statement: [{Effect: Allow, Action: s3:GetObject, Resource: "*"}]}}
""", "Role support-models of tenant support may s3:GetObject on *, which is everybody's"),
        Example("another tenant's bucket", """
apiVersion: v1
kind: Namespace
metadata: {name: search, labels: {gpuplane.dev/tenant: search}}
---
type: aws:iam/role:Role
name: support-models
properties:
  name: support-models
  tags: {gpuplane.dev/tenant: support}
  assumeRolePolicy: {Statement: {Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:root"}, Action: sts:AssumeRole}}
---
type: aws:iam/rolePolicy:RolePolicy
name: support-models
properties: {role: support-models, policy: {Statement: [{Effect: Allow, Action: s3:GetObject, Resource: "arn:aws:s3:::search-models/*"}]}}
""", "which is tenant search's"),
        Example("a role that pods of any service account take", """
type: aws:iam/role:Role
name: models
properties:
  name: models
  assumeRolePolicy: {Statement: [{Effect: Allow, Principal: {Service: pods.eks.amazonaws.com}, Action: [sts:AssumeRole, sts:TagSession]}]}
""", "Pods of any service account may take Role models"),
        Example("all actions", """
type: aws:iam/role:Role
name: ci
properties:
  name: ci
  assumeRolePolicy: {Statement: [{Effect: Allow, Principal: {AWS: "arn:aws:iam::111122223333:root"}, Action: sts:AssumeRole}]}
  inlinePolicies: [{name: all, policy: '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'}]
""", "Role ci may do *"),
        Example("data by the role of the nodes", """
type: aws:iam/role:Role
name: nodes
properties:
  name: nodes
  assumeRolePolicy: {Statement: [{Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: sts:AssumeRole}]}
---
type: aws:iam/rolePolicyAttachment:RolePolicyAttachment
name: nodes-models
properties: {role: nodes, policyArn: "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}
""", "every pod there could use AmazonS3ReadOnlyAccess"),
    )


def _beyond(graph: PlannedGraph, resource: str, statement: Statement, tenant: str) -> str:
    """Why a resource is not the tenant's own, in words; empty where it is."""
    parts = tuple(part for part in re.split(r"[:/]", resource.replace("*", "")) if part)
    other = other_owner(graph, Reference("", "a resource", names=parts, fuzzy=True), tenant)
    if other is not None:
        return f"which is tenant {other}'s"
    conditions = [str(text) for tests in statement.conditions.values() for value in mapping(tests).values()
                  for text in (value if isinstance(value, list) else [value])]
    narrowed = any(tag in text for text in [resource, *conditions] for tag in _SESSION_TAGS) or any(
        bears(part, tenant) for text in conditions for part in re.split(r"[:/]", text))
    if narrowed or any(bears(part, tenant) for part in parts) or ("*" not in resource and "?" not in resource):
        return ""
    return "which is everybody's"
