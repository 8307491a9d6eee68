"""Cloud identities: which tenant's pods take which role, and which buckets and keys of others those roles open (AWS).

A bucket, key or role is a tenant's by its tag, a role also by the service account that takes it. A read needs an allowing statement,
of the role or of the bucket, and no denying one of the bucket; a key opens by its own policy or by a grant alone.
"""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gpuplane.graph.model_sources import model_sources
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability.edges import Edge, Maker, Medium, maker, tenant
from gpuplane.graph.reachability.iam_policies import denied, judged, takers
from gpuplane.graph.reachability.tenant_pods import among
from gpuplane.graph.references import ROLE_ARN, Reference, other_owner, references
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup
from gpuplane.graph.tenancy import home, owner, tenants_of_namespaces
from gpuplane.graph.wiring.identity import ASSOCIATION, ROLE, ROLE_POLICY

_BUCKET = "aws:s3/bucket:Bucket"
_BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
_KEY = "aws:kms/key:Key"
_KEY_POLICY = "aws:kms/keyPolicy:KeyPolicy"
_GRANT = "aws:kms/grant:Grant"
_ACTIONS = (("s3:GetObject", "read"), ("s3:PutObject", "write"))
_GRANTS_OPEN = frozenset({"Decrypt", "GenerateDataKey", "ReEncryptFrom", "CreateGrant"})


@dataclass
class _Role:
    """A role: its ARN or name, the tenants whose pods take it and by what, and its policies."""

    arn: str
    views: list[ResourceView] = field(default_factory=list)
    users: dict[str, Maker] = field(default_factory=dict)
    policies: list[tuple[ResourceView, str, Any]] = field(default_factory=list)


def cloud_edges(graph: PlannedGraph) -> Iterator[Edge]:
    """Who may take whose identity, and read whose buckets with whose keys."""
    roles = _roles(graph)
    for _, role in sorted(roles.items()):
        yield from among(Medium.CLOUD, role.users, f"pods of both tenants take the IAM role {_short(role.arn)}")
    yield from _named_roles(graph)
    yield from _trust(graph, roles)
    yield from _buckets(graph, roles)
    yield from _keys(graph, roles)
    yield from _models(graph)


def _roles(graph: PlannedGraph) -> dict[str, _Role]:
    """Every role by its name, with whose pods take it."""
    tenants, found, names = tenants_of_namespaces(graph), dict[str, _Role](), dict[str, str]()
    for view in graph.resources:
        if view.type == ROLE:
            name = view.get("name")
            names[view.urn] = str(name) if isinstance(name, str) else view.name
            arn = view.get("arn")
            role = found.setdefault(names[view.urn], _Role(str(arn) if isinstance(arn, str) else names[view.urn]))
            role.views.append(view)
            role.policies += [(view, f"inlinePolicies[{index}].policy", lookup(each, "policy"))
                              for index, each in enumerate(items(view.get("inlinePolicies")))]
    for view in graph.resources:
        value = None
        if view.type in (ROLE_POLICY, ASSOCIATION):
            value = view.get("role" if view.type == ROLE_POLICY else "roleArn")
        if view.kind == "ServiceAccount" and view.is_kubernetes:
            value = view.annotations.get(ROLE_ARN)
        if value is None:
            continue
        role = found.setdefault(_name(value, names), _Role(str(value)))
        if view.type == ROLE_POLICY:
            role.policies.append((view, "policy", view.get("policy")))
            continue
        if isinstance(value, str) and value.startswith("arn:"):
            role.arn = value
        own = tenants.get(str(view.get("namespace")) if view.type == ASSOCIATION else home(view))
        if own is not None:
            role.users[own] = min(role.users.get(own, maker(view)), maker(view))
    return found


def _name(value: Any, names: dict[str, str]) -> str:
    if isinstance(value, Unknown):
        return names.get(value.urn, value.urn)
    text = str(value)
    urn = next((urn for urn in names if text.endswith(f"of {urn}>")), None)  # an unknown after its trip through JSON
    return names[urn] if urn is not None else names.get(text, _short(text))


def _short(arn: str) -> str:
    return arn.rpartition("/")[2]


def _named_roles(graph: PlannedGraph) -> Iterator[Edge]:
    """Roles that bear another tenant's name."""
    for view in graph.objects("ServiceAccount"):
        own = owner(graph, view)
        for reference in references(graph, view) if own is not None else ():
            other = other_owner(graph, reference, str(own))
            if other is not None:
                yield Edge(Medium.CLOUD, tenant(str(own)), tenant(other), f"{view} takes an IAM role of tenant {other}",
                           (maker(view, reference.path),))


def _trust(graph: PlannedGraph, roles: dict[str, _Role]) -> Iterator[Edge]:
    tenants = tenants_of_namespaces(graph)
    takers_of = {_short(role.arn): role.users for role in roles.values()}
    for _, role in sorted(roles.items()):
        own = _owners(graph, role)
        for view in role.views:
            for kind, who in takers(view.get("assumeRolePolicy")):
                named = ({tenants[name] for name in tenants if fnmatch.fnmatchcase(name, who)} if kind == "namespace"
                         else set(takers_of.get(_short(who), ())))
                for source in sorted(named - own):
                    for target in sorted(own):
                        yield Edge(Medium.CLOUD, tenant(source), tenant(target), f"pods of tenant {source} may take the IAM role "
                                   f"{_short(role.arn)} of tenant {target}", (maker(view, "assumeRolePolicy"),))


def _owners(graph: PlannedGraph, role: _Role) -> set[str]:
    tagged = {found for view in role.views if (found := _tagged(graph, view)) is not None}
    return tagged or set(role.users)


def _tagged(graph: PlannedGraph, view: ResourceView) -> str | None:
    value = lookup(view.get("tags"), graph.labels.tenant)
    return value if isinstance(value, str) else None


def _buckets(graph: PlannedGraph, roles: dict[str, _Role]) -> Iterator[Edge]:
    owners: dict[str, str] = {}
    for view in graph.resources:
        if view.type == _BUCKET and isinstance(view.get("bucket"), str):
            named = other_owner(graph, Reference("", "", names=(str(view.get("bucket")),), fuzzy=True), "")
            found = _tagged(graph, view) or named
            if found is not None:
                owners[str(view.get("bucket"))] = found
    policies: dict[str, list[ResourceView]] = defaultdict(list)
    for view in graph.resources:
        if view.type == _BUCKET_POLICY:
            policies[str(view.get("bucket"))].append(view)
    for bucket, target in sorted(owners.items()):
        for _, role in sorted(roles.items()):
            if set(role.users) - {target}:
                yield from _of_bucket(bucket, target, role, policies[bucket])


def _of_bucket(bucket: str, target: str, role: _Role, policies: list[ResourceView]) -> Iterator[Edge]:
    texts = [view.get("policy") for view in policies]
    for action, words in _ACTIONS:
        resource = f"arn:aws:s3:::{bucket}/model"
        own = [(view, path, judged([text], role.arn, action, resource, True)) for view, path, text in role.policies]
        theirs = [(view, "policy", judged([view.get("policy")], role.arn, action, resource, False)) for view in policies]
        open_ = [each for each in (*own, *theirs) if each[2].allowed]
        if open_ and not denied(texts, role.arn, action, resource):
            by = tuple(dict.fromkeys(maker(view, path) for view, path, _ in open_))
            for source in sorted(set(role.users) - {target}):
                yield Edge(Medium.CLOUD, tenant(source), tenant(target), f"pods of tenant {source} {words} bucket {bucket} of tenant "
                           f"{target} with the IAM role {_short(role.arn)}", (*by, role.users[source]),
                           any(each[2].certain for each in open_))


def _keys(graph: PlannedGraph, roles: dict[str, _Role]) -> Iterator[Edge]:
    keys = {view.urn: (view, found) for view in graph.resources if view.type == _KEY and (found := _tagged(graph, view)) is not None}
    for view in graph.resources:
        if view.type in (_KEY, _KEY_POLICY, _GRANT):
            key = keys.get(view.urn) or _key_of(view, keys)
            if key is not None:
                for _, role in sorted(roles.items()):
                    yield from _of_key(view, key[1], role)


def _key_of(view: ResourceView, keys: dict[str, tuple[ResourceView, str]]) -> tuple[ResourceView, str] | None:
    value = view.get("keyId")
    urn = value.urn if isinstance(value, Unknown) else next((urn for urn in keys if str(value).endswith(f"of {urn}>")), "")
    return keys.get(urn)


def _of_key(view: ResourceView, target: str, role: _Role) -> Iterator[Edge]:
    if view.type == _GRANT:
        who = view.get("granteePrincipal")
        opens = bool(_GRANTS_OPEN & {str(each) for each in items(view.get("operations"))}) and (
            isinstance(who, Unknown) or _short(str(who)) == _short(role.arn))
        where, certain = "granteePrincipal", not isinstance(who, Unknown)
    else:
        verdict = judged([view.get("policy")], role.arn, "kms:Decrypt", "*", False)
        opens, where, certain = verdict.allowed and view.get("policy") is not None, "policy", verdict.certain
    for source in sorted(set(role.users) - {target}) if opens else ():
        yield Edge(Medium.CLOUD, tenant(source), tenant(target), f"pods of tenant {source} decrypt with key {view.name} of tenant {target} "
                   f"by the IAM role {_short(role.arn)}", (maker(view, where), role.users[source]), certain)


def _models(graph: PlannedGraph) -> Iterator[Edge]:
    """Weights that a tenant's service names in another tenant's bucket or folder."""
    for view in graph.kubernetes:
        if not model_sources(graph, view) or (own := owner(graph, view)) is None:
            continue
        for reference in references(graph, view):
            if not reference.namespace and reference.what.endswith("bucket"):
                other = other_owner(graph, reference, own)
                if other is not None:
                    yield Edge(Medium.CLOUD, tenant(own), tenant(other), f"{view} loads weights from {reference.what} of tenant {other}",
                               (maker(view, reference.path),))
