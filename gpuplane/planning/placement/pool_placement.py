"""All services of a pool on its nodes: at their minimum, at what quotas guarantee, and at all their maxima at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from gpuplane.planning.demand import Demand
from gpuplane.planning.environment_plan import PoolPlan
from gpuplane.planning.placement.claims import Amounts, Claim, NodeGroup, Verdict
from gpuplane.planning.placement.fragmentation import stranded
from gpuplane.planning.placement.packing import Packing, pack
from gpuplane.planning.placement.pods import nodes_of, pod_of
from gpuplane.planning.placement.schedulability import PlacedLevel, PoolPlacement
from gpuplane.planning.placement.stranding import verdict_of


def claims_at(asked: Sequence[Demand], pods: Mapping[str, Amounts], replicas: Callable[[Demand], int]) -> list[Claim]:
    """Claims of a pool's services, with so many replicas each; those of one shape together."""
    found: dict[tuple[Amounts, int], int] = defaultdict(int)
    for demand in asked:
        found[pods[demand.entry.name], demand.pods] += replicas(demand)
    return [Claim(pod, count, of_replica) for (pod, of_replica), count in found.items()]


def at_minimum(demand: Demand) -> int:
    """Replicas that always run."""
    return demand.entry.document.spec.scaling.min_replicas


def at_guaranteed(demand: Demand) -> int:
    """Replicas that the tenant's own quota promises."""
    return at_minimum(demand) if demand.may_borrow else demand.replicas


def at_maximum(demand: Demand) -> int:
    """Replicas at peak while a rollout adds its surge."""
    return demand.replicas


def place_pool(pool: PoolPlan, asked: Sequence[Demand], zones: Mapping[str, int]) -> PoolPlacement:
    """Place a pool's services at the three levels.

    Args:
        pool: its nodes and what they have.
        asked: every demand on it, of all tenants.
        zones: most nodes by availability zone; empty where zones do not matter.
    """
    pods = {demand.entry.name: pod_of(demand, pool) for demand in asked}
    groups, declared = nodes_of(pool, zones), frozenset(pods.values())
    most = min(pool.max_nodes, sum(group.count for group in groups))
    done: dict[tuple[tuple[int, ...], int], PlacedLevel] = {}

    def level(replicas: Callable[[Demand], int], running: int, certain: bool = True) -> PlacedLevel:
        key = tuple(replicas(demand) for demand in asked), running
        if key not in done:
            done[key] = placed(groups, claims_at(asked, pods, replicas), most, declared, running, certain)
        return done[key]

    minimum = level(at_minimum, pool.min_nodes)
    # What can go wrong with fewer pods can go wrong with more: it is not searched again.
    guaranteed = level(at_guaranteed, most, minimum.verdict == "always")
    maximum = level(at_maximum, most, guaranteed.verdict == "always")
    return PoolPlacement(pool.name, minimum, guaranteed, maximum, max(pool.min_nodes, minimum.nodes or 0))


def placed(groups: tuple[NodeGroup, ...], claims: Sequence[Claim], most: int, declared: frozenset[Amounts], running: int,
           certain: bool = True) -> PlacedLevel:
    """One level: the verdict within ``most`` nodes, and how many nodes it takes where that is more.

    Args:
        running: nodes that run whatever is placed; the packing's own where they are more.
        certain: False: whether the scheduler could strand one is not asked, so ``packable`` is the most that is said.
    """
    packing = pack(groups, claims, most)
    verdict = _verdict(groups, claims, most, packing, certain)
    needed = packing
    if packing.packable is not True and not packing.misfits and all(claim.free_to_roam for claim in claims):
        needed = pack([replace(groups[0], count=max(1, sum(claim.pods for claim in claims)))], claims)
    idle = stranded(packing, groups, declared, max(running, packing.nodes or 0)) if packing.packable else {}
    return PlacedLevel(verdict, sum(claim.pods for claim in claims), needed.nodes, max(packing.lower_bound, needed.lower_bound), most,
                       packing.method, idle)


def _limited(groups: tuple[NodeGroup, ...], most: int) -> tuple[NodeGroup, ...]:
    """One group of as many nodes as there can be, where all are of one shape."""
    return (replace(groups[0], count=most),) if len({group.free for group in groups}) == 1 else groups


def verdict_at(groups: tuple[NodeGroup, ...], claims: Sequence[Claim], most: int, certain: bool) -> Verdict:
    """The verdict of some claims on at most so many of the nodes.

    Args:
        certain: False: whether the scheduler could strand one is not asked, so ``packable`` is the most that is said.
    """
    return _verdict(groups, claims, most, pack(groups, claims, most), certain)


def _verdict(groups: tuple[NodeGroup, ...], claims: Sequence[Claim], most: int, packing: Packing, certain: bool) -> Verdict:
    return "packable" if packing.packable and not certain else verdict_of(_limited(groups, most), claims, packing)
