"""Devices that stand idle on a node and that no declared workload could use there: fragmentation.

A GPU is stranded if nothing that the pool's services declare fits beside what already runs: the CPU, memory or disk
of its node is gone, too few of its neighbours are free, or nobody asks for its MIG profile at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from gpuplane.planning.placement.claims import Amounts, NodeGroup, amounts, rest
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
    shapes = sorted(set(declared))
    devices = {name: count for name, count in left if is_device_resource(name)}
    if not devices:
        return {}
    best = max(_uses(left, shapes), key=lambda used: (sum(used.values()), sorted(used.items())), default=dict[str, int]())
    return {name: count - best.get(name, 0) for name, count in devices.items() if count > best.get(name, 0)}


def _uses(left: Amounts, shapes: Sequence[Amounts]) -> list[dict[str, int]]:
    """Devices in use for each way to fill the room; the greedy one alone where there are too many ways."""
    room = amounts(dict(left))
    try:
        ways = full_patterns(room, shapes, [max((count for _, count in room), default=0)] * len(shapes)) if shapes else []
    except TooMany:
        ways = [_greedy(room, shapes)]
    return [_devices(shapes, way) for way in ways]


def _greedy(room: Amounts, shapes: Sequence[Amounts]) -> tuple[int, ...]:
    taken, left = [], dict(room)
    for shape in shapes:
        times = min(left.get(name, 0) // amount for name, amount in shape)
        left = dict(rest(amounts(left), [(shape, times)]))
        taken.append(times)
    return tuple(taken)


def _devices(shapes: Sequence[Amounts], way: Sequence[int]) -> dict[str, int]:
    used: Counter[str] = Counter()
    for shape, count in zip(shapes, way, strict=True):
        used.update({name: amount * count for name, amount in shape if is_device_resource(name)})
    return dict(used)
