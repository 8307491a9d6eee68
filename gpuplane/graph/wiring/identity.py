"""Identity to model storage: the account that pods run as → its IAM role → the bucket that the role may read → the storage URI.

EKS Pod Identity (``aws:eks/podIdentityAssociation``) and IAM roles for service accounts (an annotation). A role or policy whose
text only apply can know proves nothing either way.
"""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from gpuplane.graph.json_text import json_in
from gpuplane.graph.model_sources import model_sources
from gpuplane.graph.references import ROLE_ARN
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, told, unknowns
from gpuplane.graph.wiring.index import Index
from gpuplane.graph.wiring.links import Link, Relation, State
from gpuplane.graph.wiring.objects import account_reference
from gpuplane.graph.wiring.pods import Pods

ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
_READ = "s3:GetObject"


def identity_links(index: Index) -> Iterator[Link]:
    """Each model in a bucket, to a role of the account that loads it and may read it."""
    roles = _Roles(index)
    for pods in index.pods:
        if not pods.serving or pods.is_picker or (pods.template is not None and pods.template.steps[-1:] == ("workerSpec",)):
            continue
        for source in model_sources(index.graph, pods.view):
            if isinstance(source.uri, str) and source.uri.startswith("s3://") and "${" not in source.uri:
                yield roles.link(pods, source.uri, source.path)


class _Roles:
    def __init__(self, index: Index) -> None:
        self.index = index
        self.of_account: dict[tuple[str, str], Any] = {}
        self.known: dict[str, ResourceView] = {}
        self.policies: dict[str, list[Any]] = defaultdict(list)
        for view in index.graph.resources:
            if view.type == ASSOCIATION:
                self.of_account[str(view.get("namespace")), str(view.get("serviceAccount"))] = view.get("roleArn")
            elif view.type == ROLE:
                name = view.get("name")
                self.known[name if isinstance(name, str) else view.name] = view
                self.known[view.urn] = view
            elif view.type == ROLE_POLICY:
                role = view.get("role")
                self.policies[role.urn if isinstance(role, Unknown) else str(role)].append(view.get("policy"))
        for view in index.graph.objects("ServiceAccount"):
            arn = view.annotations.get(ROLE_ARN)
            if arn is not None:
                self.of_account.setdefault((view.namespace, view.name), arn)

    def link(self, pods: Pods, uri: str, path: str) -> Link:
        account = account_reference(pods)
        start = f"storage URI {uri} of {pods.view}"

        def link(target: str, state: State, why: str) -> Link:
            return Link(Relation.IDENTITY, pods.view, start, path, target, state, why, (pods.view.urn,))

        who = f"ServiceAccount {pods.namespace}/{account}"
        if not account:
            return link("its ServiceAccount", State.OUTSIDE, "that is only known after apply")
        role = self.of_account.get((pods.namespace, account))
        view = self.index.find("ServiceAccount", pods.namespace, account)
        if role is None:
            if view is None or told(view.props, "secrets"):
                return link(who, State.OUTSIDE, "the account is not among the objects, or brings secrets of its own")
            here = any(namespace == pods.namespace for namespace, _ in self.of_account)
            why = "no IAM role is bound to the account, though the namespace has others"
            return link(who, State.DANGLING if here else State.OUTSIDE, why)
        return self._readable(link, f"the IAM role of {who}", role, uri)

    def _readable(self, link: Any, target: str, role: Any, uri: str) -> Link:
        found: Link
        key = role.urn if isinstance(role, Unknown) else str(role).rpartition("/")[2]
        known = self.known.get(key)
        if known is None:
            found = link(target, State.OUTSIDE, "the role is not among the objects")
            return found
        name = known.get("name")
        texts = [policy for each in dict.fromkeys((key, known.urn, known.name, name if isinstance(name, str) else ""))
                 for policy in self.policies.get(each, ())]
        texts += [lookup(item, "policy") for item in items(known.get("inlinePolicies"))]
        verdicts = [_allows(text, uri) for text in texts]
        if True in verdicts:
            found = link(target, State.FOUND, "a policy of the role lets it read there")
        elif None in verdicts or not verdicts:
            found = link(target, State.OUTSIDE, "the role's policies are only known after apply")
        else:
            found = link(target, State.DANGLING, f"no policy of the role allows {_READ} there")
        return found


def _allows(policy: Any, uri: str) -> bool | None:
    """Whether a policy's text allows reading an object below a URI; None where it cannot be read."""
    document = json_in(policy) if isinstance(policy, str) else policy
    if not isinstance(document, Mapping):
        return None
    below = "arn:aws:s3:::" + uri.removeprefix("s3://").rstrip("/") + "/model"
    hidden = False
    statements = document.get("Statement")
    for statement in statements if isinstance(statements, list) else [statements]:
        if any(unknowns(statement)):
            hidden = True
        elif (lookup(statement, "Effect") == "Allow"
              and any(fnmatch.fnmatchcase(_READ.lower(), each.lower()) for each in _list(lookup(statement, "Action")))
              and any(fnmatch.fnmatchcase(below, each) for each in _list(lookup(statement, "Resource")))):
            return True
    return None if hidden else False


def _list(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [] if value is None else [str(value)]
