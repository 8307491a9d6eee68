"""AWS roles in one shape: who may take each, and what its policies allow, read from the resources that would be applied.

Policy grammar: AWS Identity and Access Management User Guide, IAM JSON policy elements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gpuplane.graph.json_text import json_in
from gpuplane.graph.node_sources import NODE_GROUP_TYPE
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, mapping, told, unknowns
from gpuplane.graph.tenancy import tenants_of_namespaces

ROLE, ROLE_POLICY, POLICY = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy"
ATTACHMENT, ASSOCIATION = "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "aws:eks/podIdentityAssociation:PodIdentityAssociation"
_POD_SERVICE, _NODE_SERVICE = "pods.eks.amazonaws.com", "ec2.amazonaws.com"
_NAMESPACE_TAG, _ACCOUNT_TAG = "aws:RequestTag/kubernetes-namespace", "aws:RequestTag/kubernetes-service-account"


@dataclass(frozen=True)
class Statement:
    """One statement of a policy document; lists are as written, single values as lists of one."""

    view: ResourceView
    path: str
    allow: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    principals: tuple[str, ...]
    conditions: Mapping[str, Any]
    negated: bool
    """Whether it says what it is not about: ``NotAction``, ``NotResource`` or ``NotPrincipal``."""


@dataclass(frozen=True)
class AwsRole:
    """One IAM role.

    Attributes:
        view: the resource.
        trust: who may take it.
        statements: what its policies say.
        managed: names of policies of AWS' own.
        unknown: paths with the resource they stand in, that only apply can know or that are no policy.
        tenants: whose pods take it, by its associations, its trust policy and its tag; sorted.
        nodes: whether EC2 instances take it.
    """

    view: ResourceView
    trust: tuple[Statement, ...]
    statements: tuple[Statement, ...]
    managed: tuple[tuple[ResourceView, str], ...]
    unknown: tuple[tuple[ResourceView, str], ...]
    tenants: tuple[str, ...]
    nodes: bool

    @property
    def for_pods(self) -> bool:
        """Whether EKS gives it to pods."""
        return any(_POD_SERVICE in each.principals or any(":oidc-provider/" in one for one in each.principals) for each in self.trust)


@lru_cache(maxsize=4)
def aws_roles(graph: PlannedGraph) -> tuple[AwsRole, ...]:
    """Every IAM role of the graph, in its order."""
    return tuple(_role(graph, view) for view in graph.of_kind("Role") if view.type == ROLE)


def loose_policies(graph: PlannedGraph) -> tuple[ResourceView, ...]:
    """Policies and attachments of which nobody can say whose they are, because only apply knows the role."""
    return tuple(view for view in graph.of_kind("RolePolicy", "RolePolicyAttachment")
                 if view.type in (ROLE_POLICY, ATTACHMENT) and not role_name(view.get("role")))


def role_name(value: Any) -> str:
    """Name of a role by its name, its ARN, or the URN of a role that is not there yet; empty where nothing tells."""
    if isinstance(value, Unknown):
        return value.urn.rpartition("::")[2] if ROLE in value.urn else ""
    return str(value or "").rpartition("/")[2]


def _role(graph: PlannedGraph, view: ResourceView) -> AwsRole:
    name = str(told(view.props, "name") or view.name)
    sources = [(view, "assumeRolePolicy", view.get("assumeRolePolicy"))]
    inline = [(view, f"inlinePolicies[{index}].policy", lookup(each, "policy"))
              for index, each in enumerate(items(view.get("inlinePolicies")))]
    names = sorted({name, view.name})
    inline += [(each, "policy", each.get("policy")) for each in _of_roles(graph, ROLE_POLICY, "role", names)]
    managed: list[tuple[ResourceView, str]] = []
    for each in _of_roles(graph, ATTACHMENT, "role", names):
        arn = each.get("policyArn")
        if isinstance(arn, Unknown) or "::aws:policy/" not in str(arn):
            own = [(policy, "policy", policy.get("policy")) for policy in _own_policies(graph, arn)]
            inline += own or [(each, "policyArn", Unknown(each.urn, "policyArn"))]
        else:
            managed.append((each, str(arn).rpartition("/")[2]))
    trust = tuple(one for each in sources for one in _statements(*each))
    statements = tuple(one for each in inline for one in _statements(*each))
    hidden = tuple((where, path) for where, path, text in [*sources, *inline] if _parsed(text) is None or any(True for _ in unknowns(text)))
    hidden += tuple((view, path) for path, _ in unknowns({key: view.get(key) for key in ("inlinePolicies", "managedPolicyArns", "tags")}))
    nodes = any(_NODE_SERVICE in each.principals for each in trust) or bool(_of_roles(graph, NODE_GROUP_TYPE, "nodeRoleArn", names))
    return AwsRole(view, trust, statements, tuple(managed), hidden, _tenants(graph, view, names, trust), nodes)


@lru_cache(maxsize=16)
def _by_role(graph: PlannedGraph, type_: str, field: str) -> Mapping[str, tuple[ResourceView, ...]]:
    """Resources of a type by the role that a field names: looked up for each role, so sorted once."""
    found: dict[str, tuple[ResourceView, ...]] = {}
    for view in graph.of_kind(type_.rpartition(":")[2]):
        if view.type == type_:
            name = role_name(view.get(field))
            found[name] = (*found.get(name, ()), view)
    return found


def _of_roles(graph: PlannedGraph, type_: str, field: str, names: list[str]) -> list[ResourceView]:
    return [view for name in names for view in _by_role(graph, type_, field).get(name, ())]


def _own_policies(graph: PlannedGraph, arn: Any) -> list[ResourceView]:
    """Policies of the graph that an attachment means."""
    short = arn.urn.rpartition("::")[2] if isinstance(arn, Unknown) else str(arn).rpartition("/")[2]
    return [view for view in graph.of_kind("Policy") if view.type == POLICY and short in (view.name, told(view.props, "name"))]


def _tenants(graph: PlannedGraph, view: ResourceView, names: list[str], trust: tuple[Statement, ...]) -> tuple[str, ...]:
    by_namespace = tenants_of_namespaces(graph)
    said = [told(view.props, "tags", graph.labels.tenant)]
    places = [told(each.props, "namespace") for each in _of_roles(graph, ASSOCIATION, "roleArn", names)]
    for statement in trust:
        for tests in statement.conditions.values():
            for key, value in mapping(tests).items():
                places += [text for text in _listed(value) if key == _NAMESPACE_TAG]
                places += [text.split(":")[2] for text in _listed(value) if re.fullmatch(r"system:serviceaccount:[^:]+:[^:]+", text)]
    found = {str(tenant) for tenant in [*said, *(by_namespace.get(str(place)) for place in places)] if tenant}
    return tuple(sorted(found))


def _parsed(text: Any) -> Mapping[str, Any] | None:
    """A policy document, also as JSON text; None where it is none or only apply can know it."""
    document = json_in(text) if isinstance(text, str) else text
    return document if isinstance(document, Mapping) and "Statement" in document else None


def _statements(view: ResourceView, path: str, text: Any) -> Iterator[Statement]:
    listed = (_parsed(text) or {}).get("Statement")
    for index, one in enumerate(listed if isinstance(listed, list) else [listed] if isinstance(listed, Mapping) else []):
        principal = lookup(one, "Principal")
        yield Statement(
            view, f"{path}.Statement[{index}]", lookup(one, "Effect") == "Allow",
            _listed(lookup(one, "Action")), _listed(lookup(one, "Resource")),
            tuple(text for value in (principal.values() if isinstance(principal, Mapping) else [principal]) for text in _listed(value)),
            mapping(lookup(one, "Condition")), any(key in mapping(one) for key in ("NotAction", "NotResource", "NotPrincipal")))


def _listed(value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in (value if isinstance(value, (list, tuple)) else [value]) if isinstance(item, str))


def trusts_one_account(statement: Statement) -> bool:
    """Whether a trust policy for pods names the namespace and the service account, and no pattern of them."""
    exact = {key: value for test, tests in statement.conditions.items() if test in ("StringEquals", "ForAllValues:StringEquals")
             for key, value in mapping(tests).items()}
    if any("*" in text for value in exact.values() for text in _listed(value)):
        return False
    by_token = any(key.endswith(":sub") for key in exact)
    return by_token or (_NAMESPACE_TAG in exact and _ACCOUNT_TAG in exact)
