"""Devices that stand idle on a node and that no declared workload could use there: fragmentation.

A GPU is stranded if nothing that the pool's services declare fits beside what already runs: the CPU, memory or disk
of its node is gone, too few of its neighbours are free, or nobody asks for its MIG profile at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from gpuplane.planning.placement.claims import Amounts, NodeGroup, rest, room_for
from gpuplane.planning.placement.packing import Packing
from gpuplane.planning.placement.patterns import TooMany, full_patterns
from gpuplane.spec.vocabulary import is_device_resource


def stranded(packing: Packing, groups: Sequence[NodeGroup], declared: Collection[Amounts], nodes: int) -> Mapping[str, int]:
    """Devices by resource that no declared pod can use, over ``nodes`` running nodes; resources without any are left out.

    Args:
        packing: what runs where.
        groups: the nodes it was made for, all of one shape.
        declared: shapes of every pod that the pool's services may start.
        nodes: nodes that run; those the packing does not need are empty.
    """
    free = groups[0].free
    found: Counter[str] = Counter()
    for filled in packing.filled:
        left = rest(free, [(claim.pod, count) for claim, count in zip(packing.claims, filled.pods, strict=True)])
        found.update({name: count * filled.nodes for name, count in unusable(left, declared).items()})
    empty = nodes - sum(filled.nodes for filled in packing.filled)
    if empty > 0:
        found.update({name: count * empty for name, count in unusable(free, declared).items()})
    return {name: found[name] for name in sorted(found) if found[name]}


def unusable(left: Amounts, declared: Collection[Amounts]) -> Mapping[str, int]:
    """Devices of one node's room that stay idle even when declared pods fill it as well as they can."""
    shapes = _undominated(declared)
    devices = {name: count for name, count in left if is_device_resource(name)}
    most = max([0, *(count for _, count in left)])
    greedy = _devices(shapes, _greedy(left, shapes))
    if not devices or sum(greedy.values()) == sum(devices.values()):
        return {}
    try:
        uses = [_devices(shapes, way) for way in full_patterns(left, shapes, [most] * len(shapes))] if shapes else []
    except TooMany:
        uses = [greedy]
    best = max(uses, key=lambda used: (sum(used.values()), sorted(used.items())), default=dict[str, int]())
    return {name: count - best.get(name, 0) for name, count in devices.items() if count > best.get(name, 0)}


def _undominated(declared: Collection[Amounts]) -> list[Amounts]:
    """Of the pods with the same devices, those that no other undercuts in everything else; the largest ones first."""
    found: list[Amounts] = []
    by_devices: dict[Amounts, list[Amounts]] = {}
    for pod in sorted(set(declared)):
        by_devices.setdefault(tuple((name, count) for name, count in pod if is_device_resource(name)), []).append(pod)
    for devices, pods in by_devices.items():
        found += [pod for pod in pods if devices and not any(other != pod and room_for(other, pod) for other in pods)]
    return sorted(found, key=lambda pod: (-sum(count for name, count in pod if is_device_resource(name)), pod))


def _greedy(room: Amounts, shapes: Sequence[Amounts]) -> tuple[int, ...]:
    taken, left = [], room
    for shape in shapes:
        have = dict(left)
        fitting = min(have.get(name, 0) // amount for name, amount in shape)
        left = rest(left, [(shape, fitting)])
        taken.append(fitting)
    return tuple(taken)


def _devices(shapes: Sequence[Amounts], way: Sequence[int]) -> dict[str, int]:
    used: Counter[str] = Counter()
    for shape, count in zip(shapes, way, strict=True):
        used.update({name: amount * count for name, amount in shape if is_device_resource(name)})
    return dict(used)
