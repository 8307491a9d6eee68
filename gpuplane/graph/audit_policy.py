"""What an API server's audit policy writes down of a request (audit.k8s.io/v1: the first rule that matches says the level)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gpuplane.graph.resource_view import ResourceView, items, lookup, mapping, told

LEVELS = ("None", "Metadata", "Request", "RequestResponse")
"""Levels, least first; the last two write down bodies."""
_NARROWED = ("users", "userGroups", "namespaces")


def levels(policy: ResourceView, group: str, resource: str, verb: str) -> Iterator[tuple[int, str, bool]]:
    """Every level at which a request may be written down: index of the rule, level, and whether the rule is about all such requests.

    Args:
        policy: an ``audit.k8s.io`` Policy.
        group, resource, verb: of the request; a subresource as ``pods/exec``.
    """
    for index, rule in enumerate(items(policy.get("rules"))):
        verbs, listed = items(told(rule, "verbs")), items(told(rule, "resources"))
        if items(told(rule, "nonResourceURLs")) or (verbs and verb not in verbs):
            continue
        matching = [each for each in listed if (told(each, "group") or "") in (group, "*") and _names(each, resource)]
        if listed and not matching:
            continue
        whole = not any(items(mapping(rule).get(key)) for key in _NARROWED) and not (
            matching and all(items(told(each, "resourceNames")) for each in matching))
        yield index, str(told(rule, "level") or "None"), whole
        if whole:
            return
    yield -1, "None", True


def _names(entry: Any, resource: str) -> bool:
    """Whether an entry names a resource: by its name, its subresources (``pods/*``) or one of everything (``*/scale``); none means all."""
    main, _, part = resource.partition("/")
    written = items(lookup(entry, "resources"))
    wanted = {resource, "*", *([f"{main}/*", f"*/{part}"] if part else [])}
    return not written or any(each in wanted for each in written)
