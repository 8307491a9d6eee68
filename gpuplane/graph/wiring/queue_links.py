"""Queue labels to quota: workload → LocalQueue → ClusterQueue → flavor → nodes, and the namespaces that a queue admits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gpuplane.graph.device_pools import device_pools
from gpuplane.graph.label_selectors import selects
from gpuplane.graph.node_sources import node_sources
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup, mapping, told
from gpuplane.graph.tenancy import home
from gpuplane.graph.wiring.index import Index
from gpuplane.graph.wiring.links import Link, Relation, State
from gpuplane.graph.wiring.pods import Pods
from gpuplane.spec.vocabulary import PRIORITY_CLASS, QUEUE_NAME, is_device_resource

_CAPTURES_ALL = "default"
"""A LocalQueue of this name takes workloads that name none (Kueue 0.17)."""


def queue_links(index: Index) -> Iterator[Link]:
    """Each link of the chain from a workload with GPUs to the quota that it is counted in."""
    for pods in index.pods:
        if pods.devices or QUEUE_NAME in pods.labels or QUEUE_NAME in pods.view.labels:
            yield from _workload(index, pods)
    for view in index.graph.objects("LocalQueue"):
        yield from _local_queue(index, view)
    for view in index.graph.objects("ClusterQueue"):
        yield from _cluster_queue(index, view)
    makers = node_sources(index.graph, index.graph.catalog)
    for view in index.graph.objects("ResourceFlavor"):
        wanted = mapping(view.get("spec", "nodeLabels"))
        if makers and wanted:
            found = any(all(str(source.labels.get(key)) == str(value) for key, value in wanted.items()) for source in makers)
            known = all(key in source.labels for source in makers for key in wanted)
            yield Link(Relation.QUEUE, view, f"node labels of {view}", "spec.nodeLabels", "the nodes", _state(found, known),
                       "a source of nodes bears them" if found else "no source of nodes bears them")
        if told(view.props, "spec", "topologyName"):
            yield _named(index, view, "spec.topologyName", "Topology", view.get("spec", "topologyName"))


def _workload(index: Index, pods: Pods) -> Iterator[Link]:
    view, namespace = pods.view, pods.namespace
    name = view.labels.get(QUEUE_NAME, pods.labels.get(QUEUE_NAME))
    queues = index.kinds.get(("LocalQueue", namespace), [])
    if isinstance(name, Unknown) or (not name and (not queues or view.kind in ("DaemonSet", "Node"))):
        return
    start = f"queue label of {view}"
    if not name:
        caught = any(queue.name == _CAPTURES_ALL for queue in queues)
        hint = " (an annotation is not one)" if QUEUE_NAME in view.annotations else ""
        why = f"it has no label {QUEUE_NAME}{hint}, so no quota counts its GPUs"
        target = f"LocalQueue {' or '.join(queue.name for queue in queues)} of {namespace}"
        yield Link(Relation.QUEUE, view, start, "metadata.labels", target, State.FOUND if caught else State.DANGLING,
                   "the queue named default takes it" if caught else why, (view.urn,))
        return
    local = index.find("LocalQueue", namespace, name)
    yield Link(Relation.QUEUE, view, start, f"metadata.labels.{QUEUE_NAME}", f"LocalQueue {namespace}/{name}",
               _state(local is not None, bool(queues)), "it is there" if local else "there is no such LocalQueue", (view.urn,))
    if told(view.labels, PRIORITY_CLASS):
        yield _named(index, view, f"metadata.labels.{PRIORITY_CLASS}", "WorkloadPriorityClass", view.labels[PRIORITY_CLASS])
    cluster = index.find("ClusterQueue", "", local.get("spec", "clusterQueue")) if local is not None else None
    if cluster is not None:
        yield from _covered(index, pods, cluster)


def _covered(index: Index, pods: Pods, queue: ResourceView) -> Iterator[Link]:
    """Devices that no resource group covers never get in; and one flavor of the queue must have nodes for the pod."""
    covered = {str(name) for group in items(queue.get("spec", "resourceGroups")) for name in items(lookup(group, "coveredResources"))}
    for device in pods.devices:
        there = device in covered
        yield Link(Relation.QUEUE, pods.view, f"{device} of {pods.view}", "", f"the resources that {queue} covers",
                   State.FOUND if there else State.DANGLING,
                   "it covers them" if there else f"it covers {', '.join(sorted(covered))}, so Kueue never admits the pods",
                   (pods.view.urn,))
    flavors = {str(lookup(flavor, "name")) for group in items(queue.get("spec", "resourceGroups"))
               for flavor in items(lookup(group, "flavors"))
               if any(is_device_resource(str(lookup(each, "name"))) for each in items(lookup(flavor, "resources")))}
    wanted = mapping(pods.template.spec.get("nodeSelector")) if pods.template is not None else {}
    known = {pool.name: pool for pool in device_pools(index.graph) if pool.name in flavors}
    if wanted and known and len(known) == len(flavors) and pods.devices:
        open_ = [name for name, pool in known.items()
                 if all(str(pool.node_labels[key]) == str(value) for key, value in wanted.items() if key in pool.node_labels)]
        yield Link(Relation.QUEUE, pods.view, f"node selector of {pods.view}", "", f"a flavor of {queue}",
                   State.FOUND if open_ else State.DANGLING, "a flavor has such nodes" if open_ else
                   f"its flavors {', '.join(sorted(flavors))} have other nodes, so Kueue never admits the pods", (pods.view.urn,))


def _local_queue(index: Index, view: ResourceView) -> Iterator[Link]:
    name = view.get("spec", "clusterQueue")
    yield _named(index, view, "spec.clusterQueue", "ClusterQueue", name)
    queue = index.find("ClusterQueue", "", name)
    labels = index.namespace_labels(home(view))
    if queue is not None and labels is not None:
        selector = queue.get("spec", "namespaceSelector")
        admits = selector is not None and selects(selector, labels)
        why = "it selects the namespace" if admits else "its namespaceSelector does not select the namespace" if selector is not None else (
            "it has no namespaceSelector, so it admits nobody")
        yield Link(Relation.QUEUE, view, f"namespace {home(view)} of {view}", "", f"namespaceSelector of {queue}",
                   State.FOUND if admits else State.DANGLING, why)


def _cluster_queue(index: Index, view: ResourceView) -> Iterator[Link]:
    for number, group in enumerate(items(view.get("spec", "resourceGroups"))):
        for place, flavor in enumerate(items(lookup(group, "flavors"))):
            yield _named(index, view, f"spec.resourceGroups[{number}].flavors[{place}].name", "ResourceFlavor", lookup(flavor, "name"))
    for number, check in enumerate(items(view.get("spec", "admissionChecksStrategy", "admissionChecks"))):
        yield _named(index, view, f"spec.admissionChecksStrategy.admissionChecks[{number}]", "AdmissionCheck", lookup(check, "name"))


def _named(index: Index, view: ResourceView, path: str, kind: str, name: Any) -> Link:
    known = not isinstance(name, Unknown)
    there = known and index.find(kind, "", name) is not None
    state = _state(there, known and index.speaks("", kind))
    start = f"{path.rpartition('.')[2].partition('[')[0].rpartition('/')[2]} of {view}"
    return Link(Relation.QUEUE, view, start, path, f"{kind} {name if known else '(unknown)'}", state,
                "it is there" if there else f"there is no such {kind}", (view.urn,))


def _state(found: bool, spoken: bool) -> State:
    return State.FOUND if found else State.DANGLING if spoken else State.OUTSIDE
