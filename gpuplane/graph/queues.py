"""Kueue's queues as quotas: which tenant owns how many devices of which flavor, and which queue a workload is in.

Reads the fields of v1beta2 and their v1beta1 names, for manifests that are not ours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from gpuplane.graph.label_selectors import selects
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.quantities import quantity
from gpuplane.graph.resource_view import ResourceView, items, lookup, told
from gpuplane.graph.tenancy import owner
from gpuplane.spec.vocabulary import QUEUE_NAME, is_device_resource

NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""Label that the API server puts on every namespace."""


_AMOUNTS = ("nominalQuota", "borrowingLimit", "lendingLimit")


@dataclass(frozen=True)
class FlavorQuota:
    """Quota of one resource in one flavor.

    Attributes:
        flavor, resource: what it is of.
        nominal: owned; None where it cannot be known.
        borrowing: most on top; None without a limit.
        lending: most that others may borrow; None without a limit.
        path: where it stands in the ClusterQueue.
    """

    flavor: str
    resource: str
    nominal: Decimal | None
    borrowing: Decimal | None
    lending: Decimal | None
    path: str


@dataclass(frozen=True)
class Queue:
    """One ClusterQueue.

    Attributes:
        view: the object.
        cohort: name of its cohort; empty for none.
        tenants: tenants that may submit to it, sorted.
        quotas: as written, in order.
    """

    view: ResourceView
    cohort: str
    tenants: tuple[str, ...]
    quotas: tuple[FlavorQuota, ...]

    def most(self, quota: FlavorQuota) -> Decimal | None:
        """Nominal plus borrowing; None where it is unlimited or unknown."""
        if quota.nominal is None or (self.cohort and quota.borrowing is None):
            return None
        return quota.nominal + (quota.borrowing or 0 if self.cohort else 0)

    def of(self, resource: str) -> tuple[FlavorQuota, ...]:
        """Quotas of a resource."""
        return tuple(quota for quota in self.quotas if quota.resource == resource)


@lru_cache(maxsize=4)
def cluster_queues(graph: PlannedGraph) -> Mapping[str, Queue]:
    """ClusterQueues by name, sorted."""
    return {view.name: _queue(graph, view) for view in sorted(graph.objects("ClusterQueue"), key=lambda view: view.name)}


@lru_cache(maxsize=4)
def queues_of_tenants(graph: PlannedGraph) -> Mapping[str, list[Queue]]:
    """Queues by each tenant that may submit to them, sorted by name."""
    found: dict[str, list[Queue]] = defaultdict(list)
    for queue in cluster_queues(graph).values():
        for tenant in queue.tenants:
            found[tenant].append(queue)
    return found


def quotas_of(view: ResourceView) -> Iterator[FlavorQuota]:
    """Quotas of a ClusterQueue or a Cohort, for every resource it covers."""
    for group, resources in enumerate(items(view.get("spec", "resourceGroups"))):
        for index, flavor in enumerate(items(lookup(resources, "flavors"))):
            for place, resource in enumerate(items(lookup(flavor, "resources"))):
                path = f"spec.resourceGroups[{group}].flavors[{index}].resources[{place}]"
                nominal, borrowing, lending = (quantity(lookup(resource, key)) for key in _AMOUNTS)
                yield FlavorQuota(str(lookup(flavor, "name")), str(lookup(resource, "name")), nominal, borrowing, lending, path)


def device_types(graph: PlannedGraph) -> tuple[str, ...]:
    """Device resources that any queue has a quota of, sorted."""
    return tuple(sorted({quota.resource for queue in cluster_queues(graph).values() for quota in queue.quotas
                         if is_device_resource(quota.resource)}))


def queue_of(graph: PlannedGraph, view: ResourceView) -> Queue | None:
    """The queue that counts a workload: of the LocalQueue it names, else of its tenant."""
    queues, name = cluster_queues(graph), queue_name(view)
    local = _local_queues(graph).get((view.namespace, name)) if name else None
    if local is not None:
        return queues.get(str(local.get("spec", "clusterQueue")))
    tenant = owner(graph, view)
    return next(iter(queues_of_tenants(graph).get(tenant or "", ())), None)


def queue_name(view: ResourceView) -> str:
    """The LocalQueue that a workload names; empty for none."""
    name = view.labels.get(QUEUE_NAME)
    return name if isinstance(name, str) else ""


def has_local_queue(graph: PlannedGraph, namespace: str, name: str) -> bool:
    """Whether the graph holds that LocalQueue."""
    return (namespace, name) in _local_queues(graph)


@lru_cache(maxsize=4)
def _local_queues(graph: PlannedGraph) -> Mapping[tuple[str, str], ResourceView]:
    return {(view.namespace, view.name): view for view in graph.objects("LocalQueue")}


@lru_cache(maxsize=4)
def _pointing(graph: PlannedGraph) -> Mapping[Any, Sequence[ResourceView]]:
    """LocalQueues by the ClusterQueue that they point at."""
    found: dict[Any, list[ResourceView]] = defaultdict(list)
    for local in graph.objects("LocalQueue"):
        if isinstance(name := local.get("spec", "clusterQueue"), str):
            found[name].append(local)
    return found


def _queue(graph: PlannedGraph, view: ResourceView) -> Queue:
    cohort = told(view.props, "spec", "cohortName") or told(view.props, "spec", "cohort") or ""
    return Queue(view, str(cohort), _tenants(graph, view), tuple(quotas_of(view)))


def _tenants(graph: PlannedGraph, view: ResourceView) -> tuple[str, ...]:
    """The queue's own tenant, else those of the namespaces that it admits or whose LocalQueues point at it."""
    own = graph.tenant_of(view)
    if own is not None:
        return (own,)
    selector = view.get("spec", "namespaceSelector")
    named = lookup(selector, "matchLabels", graph.labels.tenant)
    found: set[str | None] = {named} if isinstance(named, str) else set()
    found.update(map(graph.tenant_of, _pointing(graph).get(view.name, ())))
    if not found:
        found = {graph.tenant_of(namespace) for namespace in graph.namespaces.values()
                 if selector and selects(selector, namespace_labels(namespace))}
    return tuple(sorted(tenant for tenant in found if tenant))


def namespace_labels(namespace: ResourceView) -> Mapping[str, Any]:
    """Labels of a namespace, with the one that the API server adds."""
    return {**namespace.labels, NAMESPACE_NAME: namespace.name}
