"""Whose an object is and how sensitive its data are, where one namespace's word has to hold for everything in it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from gpuplane.catalog.obligations import NONE, Obligations
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.spec.vocabulary import DATA_CLASSES

SYSTEM_NAMESPACES = frozenset({"kube-system", "kube-public", "kube-node-lease"})
"""Namespaces that Kubernetes itself makes and runs in."""


def home(view: ResourceView) -> str:
    """Namespace that a namespaced object lands in: kubectl takes ``default`` where none is written."""
    return view.namespace or "default"


@lru_cache(maxsize=32)
def by_name(graph: PlannedGraph, kind: str) -> Mapping[tuple[str, str], ResourceView]:
    """Objects of a kind by namespace and name."""
    return {(home(view), view.name): view for view in graph.objects(kind)}


@lru_cache(maxsize=4)
def tenants_of_namespaces(graph: PlannedGraph) -> Mapping[str, str]:
    """Tenant of each namespace: by the namespace's label, else by a label of something in it."""
    found: dict[str, str] = {}
    for view in graph.kubernetes:
        tenant = graph.tenant_of(view)
        if tenant and view.namespace:
            found.setdefault(view.namespace, tenant)
    for name, namespace in graph.namespaces.items():
        tenant = graph.tenant_of(namespace)
        if tenant:
            found[name] = tenant
    return dict(sorted(found.items()))


@lru_cache(maxsize=4)
def classes_of_tenants(graph: PlannedGraph) -> Mapping[str, frozenset[str]]:
    """Data classes that the namespaces of each tenant bear."""
    found: dict[str, set[str]] = {}
    for name, tenant in tenants_of_namespaces(graph).items():
        said = data_class(graph, graph.namespaces[name]) if name in graph.namespaces else None
        found.setdefault(tenant, set()).update([said] if said is not None else [])
    return {tenant: frozenset(classes) for tenant, classes in found.items()}


def owner(graph: PlannedGraph, view: ResourceView) -> str | None:
    """Tenant of an object: its namespace's before its own word, which could be wrong on purpose."""
    return tenants_of_namespaces(graph).get(view.namespace) or graph.tenant_of(view)


@lru_cache(maxsize=4)
def all_tenants(graph: PlannedGraph) -> frozenset[str]:
    """Every tenant that any object bears."""
    return frozenset(tenants_of_namespaces(graph).values()) | {
        tenant for view in graph.kubernetes if (tenant := graph.tenant_of(view))}


def data_class(graph: PlannedGraph, view: ResourceView) -> str | None:
    """The most sensitive of what the object and its namespace say: a label on an object cannot make its data harmless."""
    known = _known_classes(graph)  # every rule about data asks it of every object
    return known[view.urn] if view.urn in known else _data_class(graph, view)


@lru_cache(maxsize=4)
def _known_classes(graph: PlannedGraph) -> Mapping[str, str | None]:
    """By URN; of most objects only the namespace says something."""
    of_namespaces = {name: graph.data_class_of(namespace) for name, namespace in graph.namespaces.items()}
    return {view.urn: _data_class(graph, view) if graph.bears(view, "data_classification") else of_namespaces.get(view.namespace)
            for view in graph.kubernetes}


def _data_class(graph: PlannedGraph, view: ResourceView) -> str | None:
    said = [graph.data_class_of(source) for source in (view, graph.namespaces.get(view.namespace)) if source is not None]
    return max((name for name in said if name is not None), key=DATA_CLASSES.index, default=None)


def bears(name: str, tenant: str) -> bool:
    """Whether a name of something says whose it is: ``acme``, ``acme-models`` and ``models-acme`` are tenant acme's."""
    return name == tenant or name.startswith(f"{tenant}-") or name.endswith(f"-{tenant}")


def owed(graph: PlannedGraph, view: ResourceView) -> Obligations:
    """What the data of an object is owed; nothing where nobody says its class."""
    data = data_class(graph, view)
    return NONE if data is None else graph.obligations[data]
