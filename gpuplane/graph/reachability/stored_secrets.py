"""Secrets: keys and stores that more than one tenant reads, and grants that let others refer to a tenant's Secrets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.queues import namespace_labels
from gpuplane.graph.reachability.edges import Edge, Maker, Medium, maker, tenant
from gpuplane.graph.reachability.labels import Demand, demand, fits
from gpuplane.graph.reachability.tenant_pods import among
from gpuplane.graph.references import other_owner, references
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup
from gpuplane.graph.secret_stores import serves
from gpuplane.graph.tenancy import home, tenants_of_namespaces

_REFERRING = ("ExternalSecret", "SecretStore", "BackendSecurityPolicy", "BackendTLSPolicy", "SecurityPolicy")


def secret_edges(graph: PlannedGraph) -> Iterator[Edge]:
    """Who may read whose secrets, through a store or a reference."""
    tenants = tenants_of_namespaces(graph)
    for view in graph.objects(*_REFERRING):
        own = tenants.get(home(view))
        for reference in references(graph, view) if own is not None else ():
            other = other_owner(graph, reference, str(own))
            if other is not None:
                yield Edge(Medium.SECRETS, tenant(str(own)), tenant(other), f"{view} refers to {reference.what} of tenant {other}",
                           (maker(view, reference.path),))
    yield from _grants(graph)
    yield from _cluster_stores(graph)
    yield from _same_keys(graph)
    yield from _spread(graph)


def _grants(graph: PlannedGraph) -> Iterator[Edge]:
    tenants = tenants_of_namespaces(graph)
    for view in graph.objects("ReferenceGrant"):
        own = tenants.get(home(view))
        kinds = sorted({str(lookup(each, "kind")) for each in items(view.get("spec", "to"))})
        for index, source in enumerate(items(view.get("spec", "from"))):
            other = tenants.get(str(lookup(source, "namespace")))
            if own is not None and other is not None and own != other:
                medium = Medium.SECRETS if "Secret" in kinds else Medium.NETWORK
                sentence = (f"every {lookup(source, 'kind')} of namespace {lookup(source, 'namespace')} may refer to each "
                            f"{' and '.join(kinds)} of namespace {home(view)}")
                yield Edge(medium, tenant(other), tenant(own), sentence, (maker(view, f"spec.from[{index}]"),))


def _cluster_stores(graph: PlannedGraph) -> Iterator[Edge]:
    """A ClusterSecretStore has one identity: whoever it serves can name any key that it reads."""
    tenants = tenants_of_namespaces(graph)
    readers: dict[str, dict[str, Maker]] = defaultdict(dict)
    for view in graph.objects("ExternalSecret"):
        if lookup(view.get("spec", "secretStoreRef"), "kind") == "ClusterSecretStore" and home(view) in tenants:
            name = str(lookup(view.get("spec", "secretStoreRef"), "name"))
            readers[name].setdefault(tenants[home(view)], maker(view, "spec.secretStoreRef"))
    for store in graph.objects("ClusterSecretStore"):
        served = sorted({owner for name, owner in tenants.items() if serves(graph, store, name)})
        for target, by in sorted(readers[store.name].items()):
            for source in served:
                if source != target:
                    yield Edge(Medium.SECRETS, tenant(source), tenant(target), f"tenant {source} may name in {store} every key that tenant "
                               f"{target} reads from it", (maker(store, "spec.conditions"), by))


def _same_keys(graph: PlannedGraph) -> Iterator[Edge]:
    """One key of a store that two tenants read: who changes or leaks it does so for both."""
    tenants = tenants_of_namespaces(graph)
    stores = {(home(view), view.name): view for view in graph.objects("SecretStore")}
    users: dict[tuple[str, ...], dict[str, Maker]] = defaultdict(dict)
    for view in sorted(graph.objects("ExternalSecret"), key=lambda each: (home(each), each.name)):
        reference = view.get("spec", "secretStoreRef")
        store = stores.get((home(view), str(lookup(reference, "name"))))
        where = _place(store) if store is not None else f"ClusterSecretStore {lookup(reference, 'name')}"
        for index, item in enumerate(items(view.get("spec", "data"))):
            key, part = lookup(item, "remoteRef", "key"), lookup(item, "remoteRef", "property")
            if home(view) in tenants and isinstance(key, str):
                users[where, key, str(part)].setdefault(tenants[home(view)], maker(view, f"spec.data[{index}].remoteRef"))
    for (_, key, _), by_tenant in sorted(users.items()):
        yield from among(Medium.SECRETS, by_tenant, f"both tenants hold the secret {key} of one store")


def _place(store: ResourceView) -> str:
    """What a store reads, without the identity that it reads by."""
    provider = store.get("spec", "provider")
    aws = lookup(provider, "aws")
    if aws is None:
        return f"{store.namespace}/{store.name}"
    return f"aws {lookup(aws, 'service')} {lookup(aws, 'region')} {lookup(aws, 'prefix')}"


def _spread(graph: PlannedGraph) -> Iterator[Edge]:
    """A ClusterExternalSecret that makes one secret in the namespaces of several tenants."""
    tenants = tenants_of_namespaces(graph)
    for view in graph.objects("ClusterExternalSecret"):
        single = view.get("spec", "namespaceSelector")
        selectors = [demand(each) for each in (*items(view.get("spec", "namespaceSelectors")), *([single] if single is not None else []))]
        named = {str(each) for each in items(view.get("spec", "namespaces")) if not isinstance(each, Unknown)}
        verdicts = {name: True if name in named else _any(graph, selectors, name) for name in tenants}
        reached = {tenants[name]: maker(view) for name, verdict in verdicts.items() if verdict is not False}
        sure = all(verdict is not None for verdict in verdicts.values())
        yield from among(Medium.SECRETS, reached, f"both tenants hold the secret that {view} makes", certain=sure)


def _any(graph: PlannedGraph, selectors: list[Demand], namespace: str) -> bool | None:
    view = graph.namespaces.get(namespace)
    labels = namespace_labels(view) if view is not None else {"kubernetes.io/metadata.name": namespace}
    verdicts = [fits(each, labels, whole=view is not None) for each in selectors]
    return True if True in verdicts else None if None in verdicts else False
