"""Nodes of a plan's pools, for kwok to look after: labels, taints, zones and what the plan says that models have of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice
from typing import Any

from gpuplane.delivery.rehearsal.marks import LOST_TAINT, marked
from gpuplane.planning.environment_plan import EnvironmentPlan, PoolPlan
from gpuplane.planning.placement.environment_placement import zones
from gpuplane.spec.environment_spec import EnvironmentSpec

FAKE = "kwok.x-k8s.io/node"
POOL = "gpuplane.dev/rehearsal-pool"
"""Label of every fake node: its pool."""
ZONE = "topology.kubernetes.io/zone"

Body = Mapping[str, Any]


def nodes_of_pool(spec: EnvironmentSpec, planned: EnvironmentPlan, pool: str, run: str) -> list[Body]:
    """All nodes that the pool can have, those that run at the minimum first.

    What a node has is what the plan leaves to models: DaemonSets are none here, so their share is not there either.
    """
    plan = planned.pools[pool]
    places = list(islice(_zones(zones(spec, pool)), plan.max_nodes))
    return [_node(spec, plan, index, place, run) for index, place in enumerate(places)]


def running_nodes(planned: EnvironmentPlan, pool: str) -> int:
    """Nodes that the plan keeps running at the minimum; all where it cannot tell."""
    placement = planned.placements.get(pool)
    return min(placement.running_nodes, planned.pools[pool].max_nodes) if placement is not None else planned.pools[pool].max_nodes


def lost(taints: Sequence[Body], is_lost: bool) -> Body:
    """Patch that loses a node, or brings it back: its pods are evicted at once and nothing new starts.

    Args:
        taints: its own.
    """
    more = [{"key": LOST_TAINT, "effect": "NoExecute"}] if is_lost else []
    return {"spec": {"unschedulable": is_lost or None, "taints": [*taints, *more] or None}}


def _zones(counts: Mapping[str, int]) -> Iterator[str]:
    """Zones in turn, each as often as it has room; a pool without zones has nodes in none."""
    left = dict(sorted(counts.items()))
    if not left:
        yield from cycle([""])
    while any(left.values()):
        for zone in left:
            if left[zone]:
                left[zone] -= 1
                yield zone


def _node(spec: EnvironmentSpec, plan: PoolPlan, index: int, zone: str, run: str) -> Body:
    name, room = f"rehearsal-{plan.name}-{index}", plan.allocatable
    amounts = {"cpu": f"{room.cpu_millicores}m", "memory": f"{room.memory_mib}Mi", "pods": str(room.pods),
               "ephemeral-storage": f"{room.disk_mib or 0}Mi", **{key: str(count) for key, count in plan.devices_per_node.items()}}
    labels = {**plan.node_labels, "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "type": "kwok", POOL: plan.name,
              **({ZONE: zone} if zone else {})}
    taints = [{"key": taint.key, "value": taint.value, "effect": taint.effect} for taint in spec.pools[plan.name].spec.node_taints]
    return marked({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels, "annotations": {FAKE: "fake"}},
                   "spec": {"taints": taints}, "status": {"capacity": amounts, "allocatable": amounts}}, run)
