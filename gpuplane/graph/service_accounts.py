"""Which ServiceAccount pods run as, and whether that account was given any rights."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.rbac import bindings
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.graph.tenancy import home

DEFAULT_ACCOUNT = "default"
"""The account that every namespace has, and that pods run as which name none."""


def account_name(template: PodTemplate) -> str | Unknown:
    """Name of the account that pods run as."""
    for field in ("serviceAccountName", "serviceAccount"):
        value = template.spec.get(field)
        if isinstance(value, Unknown):
            return value
        if value:
            return str(value)
    return DEFAULT_ACCOUNT


@lru_cache(maxsize=4)
def accounts(graph: PlannedGraph) -> Mapping[tuple[str, str], ResourceView]:
    """ServiceAccounts of the graph by namespace and name."""
    return {(home(view), view.name): view for view in graph.objects("ServiceAccount") if view.api_version == "v1"}


@lru_cache(maxsize=4)
def with_rights(graph: PlannedGraph) -> frozenset[tuple[str, str]]:
    """Accounts, by namespace and name, that a binding of the graph names."""
    return frozenset((subject.namespace, subject.name) for binding in bindings(graph) for subject in binding.subjects
                     if subject.kind == "ServiceAccount")
