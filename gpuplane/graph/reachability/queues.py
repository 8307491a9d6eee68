"""Queues and priority: who takes whose quota, and who may end whose pods."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.queues import NAMESPACE_NAME, Queue, cluster_queues, namespace_labels
from gpuplane.graph.reachability.edges import MOST_APART, Edge, Maker, Medium, maker, parties, platform, tenant
from gpuplane.graph.reachability.labels import demand, fits
from gpuplane.graph.reachability.tenant_pods import among, tenant_pods
from gpuplane.graph.resource_view import ResourceView, lookup
from gpuplane.graph.tenancy import home, tenants_of_namespaces

_SYSTEM_PRIORITIES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
"""Priority classes of every cluster (Kubernetes, ``pkg/apis/scheduling/v1``)."""
_COHORT = "by design: the cohort lends idle quota, and gives it back first to whose it is"


def queue_edges(graph: PlannedGraph) -> Iterator[Edge]:
    """Tenants in one ClusterQueue or cohort, and pods whose priority ends others'."""
    by_queue: dict[str, list[ResourceView]] = defaultdict(list)
    for local in graph.objects("LocalQueue"):
        by_queue[str(local.get("spec", "clusterQueue"))].append(local)
    for name, queue in cluster_queues(graph).items():
        yield from _of_queue(graph, queue, by_queue[name])
        for owner in queue.tenants if queue.cohort else ():
            sentence = f"tenant {owner} lends and borrows quota in cohort {queue.cohort}"
            yield Edge(Medium.QUEUES, tenant(owner), platform(f"cohort {queue.cohort}"), sentence,
                       (maker(queue.view, "spec.cohortName"),), allowed=_COHORT)
    yield from _priorities(graph)


def _of_queue(graph: PlannedGraph, queue: Queue, locals_: list[ResourceView]) -> Iterator[Edge]:
    """A queue that a tenant owns is taken from by all others that submit to it; one that nobody owns, by all from all."""
    tenants, users, sure = tenants_of_namespaces(graph), dict[str, Maker](), True
    for local in sorted(locals_, key=lambda view: (view.namespace, view.name)):
        owner = tenants.get(home(local))
        admitted = _admits(graph, queue, home(local))
        if owner is not None and admitted is not False:
            users.setdefault(owner, maker(local, "spec.clusterQueue"))
            sure = sure and admitted is True
    own = graph.tenant_of(queue.view)
    if own is None:
        yield from among(Medium.QUEUES, users, f"both tenants submit to ClusterQueue {queue.view.name}: each takes the other's quota, and "
                         "sees its pending work", (maker(queue.view),), sure)
        return
    for other in sorted(users.keys() - {own}):
        sentence = f"tenant {other} submits to ClusterQueue {queue.view.name} of tenant {own}, and takes its quota"
        yield Edge(Medium.QUEUES, tenant(other), tenant(own), sentence, (users[other], maker(queue.view)), sure)


def _admits(graph: PlannedGraph, queue: Queue, namespace: str) -> bool | None:
    selector, view = queue.view.get("spec", "namespaceSelector"), graph.namespaces.get(namespace)
    labels = namespace_labels(view) if view is not None else {NAMESPACE_NAME: namespace}
    return fits(demand(selector), labels, whole=view is not None)


def _priorities(graph: PlannedGraph) -> Iterator[Edge]:
    """kube-scheduler ends pods of lower priority, in whatever namespace, for one that may preempt."""
    classes = {view.name: view for view in graph.objects("PriorityClass")}
    highest: dict[str, tuple[int, Maker]] = {}
    lowest: dict[str, int] = {}
    default = next((value for _, view in sorted(classes.items())
                    if view.get("globalDefault") is True and isinstance(value := view.get("value"), int)), 0)
    for pods in tenant_pods(graph):
        name = lookup(pods.template.spec, "priorityClassName")
        view = classes.get(str(name))
        value = view.get("value") if view is not None else _SYSTEM_PRIORITIES.get(str(name), default)
        number = value if isinstance(value, int) else default
        lowest[pods.tenant] = min(lowest.get(pods.tenant, number), number)
        preempts = view is None or view.get("preemptionPolicy") != "Never"
        if name is not None and preempts and number > highest.get(pods.tenant, (default, None))[0]:
            highest[pods.tenant] = number, maker(pods.view, f"{pods.template.path}.priorityClassName")
    for (value, sources), (low, targets) in product(_levels({name: each for name, (each, _) in highest.items()}), _levels(lowest)):
        if low < value:
            yield from _ending(value, {name: highest[name][1] for name in sources}, low, targets)


def _levels(numbers: Mapping[str, int]) -> list[tuple[int, list[str]]]:
    """Tenants by their number, both in order."""
    found: dict[int, list[str]] = defaultdict(list)
    for name in sorted(numbers):
        found[numbers[name]].append(name)
    return sorted(found.items())


def _ending(value: int, sources: Mapping[str, Maker], low: int, targets: Sequence[str]) -> Iterator[Edge]:
    """Tenants whose pods end those of others: one by one, or many as one, for there would be their square of them."""
    for source in parties(sources) if len(targets) > MOST_APART else map(tenant, sources):
        made = tuple(dict.fromkeys(sources[name] for name in source.names))
        for target in parties(targets if source.members else [name for name in targets if name != source.name]):
            other = str(target) if target != source else "any other"
            yield Edge(Medium.QUEUES, source, target, f"pods of priority {value} of {source} end pods of {other}, of priority {low}, "
                       "where nodes are full", made)
