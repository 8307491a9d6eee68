"""Whom a ClusterSecretStore serves (External Secrets Operator, ``spec.conditions``)."""

from __future__ import annotations

import re
from typing import Any

from gpuplane.graph.label_selectors import selects
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.queues import namespace_labels
from gpuplane.graph.resource_view import ResourceView, items, lookup
from gpuplane.graph.tenancy import tenants_of_namespaces


def open_to_others(graph: PlannedGraph, store: ResourceView, own: str) -> bool:
    """Whether any namespace of another tenant may read a store; one without conditions serves every namespace."""
    if not items(store.get("spec", "conditions")):
        return True
    return any(serves(graph, store, name) for name, tenant in tenants_of_namespaces(graph).items() if tenant != own)


def serves(graph: PlannedGraph, store: ResourceView, namespace: str) -> bool:
    """Whether a namespace may read a store."""
    conditions = items(store.get("spec", "conditions"))
    return not conditions or any(_admits(graph, condition, namespace) for condition in conditions)


def _admits(graph: PlannedGraph, condition: Any, namespace: str) -> bool:
    if namespace in items(lookup(condition, "namespaces")):
        return True
    if any(isinstance(pattern, str) and _found(pattern, namespace) for pattern in items(lookup(condition, "namespaceRegexes"))):
        return True
    place = graph.namespaces.get(namespace)
    selector = lookup(condition, "namespaceSelector")
    return place is not None and selector is not None and selects(selector, namespace_labels(place))


def _found(pattern: str, namespace: str) -> bool:
    try:
        return re.search(pattern, namespace) is not None
    except re.error:
        return True  # what cannot be read is not trusted to keep anybody out
