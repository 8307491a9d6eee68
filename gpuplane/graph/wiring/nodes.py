"""Pods to nodes: labels that they select by, taints that they must tolerate, devices that a node must have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gpuplane.graph.device_pools import device_pools
from gpuplane.graph.node_taints import Taint, hard_taints
from gpuplane.graph.placement import candidates, node_choices
from gpuplane.graph.pod_templates import PodTemplate
from gpuplane.graph.resource_view import Unknown, items
from gpuplane.graph.wiring.index import Index
from gpuplane.graph.wiring.links import Link, Relation, State
from gpuplane.graph.wiring.pods import Pods


def node_links(index: Index) -> Iterator[Link]:
    """Each workload with GPUs, to a pool whose nodes have its labels and devices and whose taints it tolerates."""
    pools = device_pools(index.graph)
    if not pools:
        return
    offered = {name for pool in pools for name in pool.devices_per_node}
    said = all(pool.devices_per_node for pool in pools)
    taints = {pool.name: tuple(hard_taints(index.graph, pool.view, pool.node_labels)) for pool in pools}
    values = {(str(key), str(value)) for pool in pools for key, value in pool.node_labels.items()}
    keys = {key for key, _ in values}
    for pods in index.pods:
        if not pods.devices or pods.template is None:
            continue
        yield from _devices(pods, offered, said)
        yield from _labels(pods, keys, values)
        reachable = [pool for pool in candidates(pods.template, pools)
                     if not pool.devices_per_node or all(name in pool.devices_per_node for name in pods.devices)]
        if reachable:
            yield _tolerated(pods, {pool.name: taints[pool.name] for pool in reachable})


def _devices(pods: Pods, offered: set[str], said: bool) -> Iterator[Link]:
    for device, count in pods.devices.items():
        there = device in offered
        state = State.FOUND if there else State.DANGLING if said else State.OUTSIDE
        yield Link(Relation.PLACEMENT, pods.view, f"{count} × {device} of {pods.view}", "", "the devices of the node pools", state,
                   "a pool has them" if there else f"no pool has them, but {', '.join(sorted(offered))}", (pods.view.urn,))


def _labels(pods: Pods, keys: set[str], values: set[tuple[str, str]]) -> Iterator[Link]:
    template: PodTemplate = pods.template  # type: ignore[assignment]  # the caller has looked
    for key, wanted in node_choices(template).items():
        if key in keys:
            there = any((key, value) in values for value in wanted)
            shown = ", ".join(sorted(value for other, value in values if other == key))
            yield Link(Relation.PLACEMENT, pods.view, f"node selector {key}={'|'.join(sorted(wanted))} of {pods.view}",
                       f"{template.path}.nodeSelector", "the labels of the node pools", State.FOUND if there else State.DANGLING,
                       "a pool bears it" if there else f"pools bear {key}={shown}", (pods.view.urn,))


def _tolerated(pods: Pods, pools: Mapping[str, tuple[Taint, ...]]) -> Link:
    template: PodTemplate = pods.template  # type: ignore[assignment]  # the caller has looked
    tolerations = items(template.spec.get("tolerations"))
    barred = {name: next((taint for taint in found if not taint.tolerated(tolerations)), None) for name, found in pools.items()}
    start, target = f"tolerations of {pods.view}", f"the taints of node pool {' or '.join(sorted(pools))}"
    free = [name for name, taint in barred.items() if taint is None]
    if free or any(isinstance(each, Unknown) for each in (*tolerations, template.spec.get("tolerations"))):
        return Link(Relation.PLACEMENT, pods.view, start, f"{template.path}.tolerations", target, State.FOUND, "they tolerate them",
                    (pods.view.urn,))
    taint = next(taint for taint in barred.values() if taint is not None)
    return Link(Relation.PLACEMENT, pods.view, start, f"{template.path}.tolerations", target, State.DANGLING,
                f"none tolerates {taint.key}={taint.value}:{taint.effect} of {taint.view}", (pods.view.urn,))
