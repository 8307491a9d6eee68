"""AWS policies as far as isolation needs them: whether a role may do something with a bucket or a key, and who may take a role.

An explicit deny wins; a statement with a condition that cannot be read here is taken to allow, and not to deny.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gpuplane.graph.json_text import json_in
from gpuplane.graph.resource_view import Unknown, lookup, mapping, unknowns

_PRINCIPAL_KEYS = ("aws:PrincipalArn",)
_UNLESS = ("ArnNotEquals", "ArnNotLike", "StringNotEquals", "StringNotLike")
_ONLY = ("ArnEquals", "ArnLike", "StringEquals", "StringLike")


@dataclass(frozen=True)
class Verdict:
    """Whether something is allowed, by which statement, and whether that is sure."""

    allowed: bool
    certain: bool = True
    field: str = ""


def statements(policy: Any) -> tuple[list[Mapping[str, Any]], bool]:
    """Statements of a policy's text, and whether it could be read."""
    document = json_in(policy) if isinstance(policy, str) else policy
    if isinstance(document, Unknown) or not isinstance(document, Mapping):
        return [], False
    found = document.get("Statement")
    listed = found if isinstance(found, list) else [found]
    return [each for each in listed if isinstance(each, Mapping)], not any(True for _ in unknowns(found))


def judged(policies: Sequence[Any], role: str, action: str, resource: str, attached: bool) -> Verdict:
    """What policies say to a role.

    Args:
        policies: texts.
        role: ARN of the role, or its name where the account is not known.
        action: e.g. ``s3:GetObject``.
        resource: ARN.
        attached: whether they are the role's own (which name no principal) or the resource's (which do).
    """
    sure = True
    allowed = False
    for policy in policies:
        listed, readable = statements(policy)
        sure = sure and readable
        for statement in listed:
            if not _about(statement, action, resource) or not (attached or _names(statement, role)):
                continue
            if lookup(statement, "Effect") == "Deny" and _holds(statement, role, unclear=False):
                return Verdict(False)
            allowed = allowed or (lookup(statement, "Effect") == "Allow" and _holds(statement, role, unclear=True))
    return Verdict(allowed or not sure, allowed)


def denied(policies: Sequence[Any], role: str, action: str, resource: str) -> bool:
    """Whether a resource's policies surely deny it."""
    return any(lookup(each, "Effect") == "Deny" and _about(each, action, resource) and _names(each, role)
               and _holds(each, role, unclear=False) for policy in policies for each in statements(policy)[0])


def takers(policy: Any) -> Iterator[tuple[str, str]]:
    """Who a trust policy lets take a role, as far as it is said: (``role``, ARN), (``namespace``, name or pattern)."""
    for statement in statements(policy)[0]:
        if lookup(statement, "Effect") != "Allow":
            continue
        for arn in _list(lookup(statement, "Principal", "AWS")):
            yield "role", arn
        for operator in mapping(lookup(statement, "Condition")).values():
            for key, values in mapping(operator).items():
                for value in _list(values):
                    if str(key).endswith("kubernetes-namespace"):
                        yield "namespace", value
                    elif value.startswith("system:serviceaccount:"):
                        yield "namespace", value.split(":")[2]


def _about(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    actions, resources = _list(lookup(statement, "Action")), _list(lookup(statement, "Resource"))
    if "NotAction" in statement:
        acts = not any(_like(action.lower(), each.lower()) for each in _list(statement["NotAction"]))
    else:
        acts = any(_like(action.lower(), each.lower()) for each in actions)
    if "NotResource" in statement:
        return acts and not any(_like(resource, each) for each in _list(statement["NotResource"]))
    return acts and any(_like(resource, each) for each in resources)


def _names(statement: Mapping[str, Any], role: str) -> bool:
    principal = lookup(statement, "Principal")
    if "NotPrincipal" in statement:
        return not any(_same(each, role) for each in _list(lookup(statement, "NotPrincipal", "AWS")))
    return principal == "*" or any(each == "*" or _same(each, role) for each in _list(lookup(principal, "AWS")))


def _holds(statement: Mapping[str, Any], role: str, unclear: bool) -> bool:
    """Whether its conditions hold for a role; ``unclear`` is the answer to those that are about something else."""
    for operator, tests in mapping(lookup(statement, "Condition")).items():
        for key, values in mapping(tests).items():
            if key in _PRINCIPAL_KEYS and operator in (*_UNLESS, *_ONLY):
                listed = any(_same(each, role) for each in _list(values))
                if listed != (operator in _ONLY):
                    return False
            elif key in ("aws:SecureTransport",) or not unclear:
                return False if not unclear else lookup(tests, key) not in ("false", False)
    return True


def _same(pattern: str, role: str) -> bool:
    """Whether an ARN, or a pattern of ARNs, is of a role; of one whose account is not known by its name."""
    if role.startswith("arn:"):
        return _like(role, pattern)
    return pattern.startswith("arn:") and _like(role, pattern.rpartition("/")[2])


def _like(text: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def _list(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(each) for each in value if not isinstance(each, Unknown)]
    return [value] if isinstance(value, str) else []
