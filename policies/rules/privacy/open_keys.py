"""PII-04: a key that others may use, or that is gone by mistake tomorrow, protects nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from gpuplane.graph.data_stores import KEY, statements
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, mapping
from gpuplane.graph.tenancy import all_tenants, owed
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

LEAST_DAYS = 7
"""Shortest waiting period of AWS KMS before a key is gone."""


class OpenKeys(Rule):
    """The policy of a tenant's key names that tenant's roles alone; the account's root administers it, and everybody is nobody's scope."""

    id = "PII-04"
    title = "Policies of tenants' keys let in that tenant alone, and keys are not deleted at once"
    severity = "high"
    remedy = "Name the roles that need the key, with a condition where a principal is *; give deletionWindowInDays of 7 or more."
    references = ("ISO/IEC 27001:2022 A.8.24",)
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for key in graph.resources:
            if (key.type != KEY and not _is_key(key)) or not owed(graph, key).customer_keys:
                continue
            inputs = key.props if key.type == KEY else {**mapping(key.get("spec")), **mapping(key.get("spec", "forProvider"))}
            policy, days = inputs.get("policy"), inputs.get("deletionWindowInDays")
            if isinstance(policy, Unknown):
                yield self.unknown(graph, key, f"The policy of key {key.name} is only known after apply.", "policy")
            if isinstance(days, int) and days < LEAST_DAYS:
                yield self.fail(graph, key, f"Key {key.name} is gone {days} days after somebody deletes it; {LEAST_DAYS} are the least.",
                                "deletionWindowInDays")
            for statement in statements(policy):
                if lookup(statement, "Effect") == "Allow":
                    yield from self._allowed(graph, key, statement)

    def _allowed(self, graph: PlannedGraph, key: Any, statement: Mapping[str, Any]) -> Iterator[Finding]:
        principals = _principals(statement)
        if "*" in principals and not lookup(statement, "Condition"):
            yield self.fail(graph, key, f"The policy of key {key.name} lets in everybody.", "policy")
        own = graph.tenant_of(key)
        for principal in principals:
            words = re.split(r"[-_/]", principal.rpartition(":")[2])
            others = sorted(tenant for tenant in all_tenants(graph) - {own} if tenant in words and own not in words)
            if own and others:
                yield self.fail(graph, key, f"The policy of tenant {own}'s key {key.name} lets in tenant {others[0]}.", "policy")

    PASSES = (
        Example("a key of Crossplane for one role", """
apiVersion: kms.aws.upbound.io/v1beta1
kind: Key
metadata: {name: support, labels: {gpuplane.dev/tenant: support, gpuplane.dev/data-classification: personal}}
spec:
  forProvider:
    deletionWindowInDays: 30
    policy: >-
      {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/support-models"}, "Action": "kms:Decrypt"}]}
"""),
    )
    FAILS = (
        Example("a key for everybody", """
apiVersion: kms.aws.upbound.io/v1beta1
kind: Key
metadata: {name: support, labels: {gpuplane.dev/tenant: support, gpuplane.dev/data-classification: personal}}
spec: {forProvider: {policy: '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*"}]}'}}
""", "The policy of key support lets in everybody"),
        Example("a key that another tenant's role may use", """
apiVersion: v1
kind: Namespace
metadata: {name: search, labels: {gpuplane.dev/tenant: search}}
---
apiVersion: kms.aws.upbound.io/v1beta1
kind: Key
metadata: {name: support, labels: {gpuplane.dev/tenant: support, gpuplane.dev/data-classification: personal}}
spec:
  forProvider:
    policy: >-
      {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/search-models"}, "Action": "kms:Decrypt"}]}
""", "The policy of tenant support's key support lets in tenant search"),
    )


def _is_key(view: ResourceView) -> bool:
    """Whether an object asks an operator in the cluster for a KMS key: Crossplane's or AWS's own (ACK)."""
    return view.kind == "Key" and view.group in ("kms.aws.upbound.io", "kms.aws.m.upbound.io", "kms.services.k8s.aws")


def _principals(statement: Mapping[str, Any]) -> list[str]:
    said = statement.get("Principal")
    if isinstance(said, str):
        return [said]
    named = lookup(said, "AWS")
    return [named] if isinstance(named, str) else [str(one) for one in items(named)]
