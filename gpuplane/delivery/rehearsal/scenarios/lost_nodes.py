"""Nodes are lost: a pool, a zone, a node of each pool; what still serves, and what is back when they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from gpuplane.delivery.rehearsal.claim import Claim, agrees
from gpuplane.delivery.rehearsal.room import room_for
from gpuplane.delivery.rehearsal.scenarios.levels import reach, room_claims, whole_pools
from gpuplane.delivery.rehearsal.stage import Stage

NAME = "lost nodes"
_PROOF = "placement of the pools' pods on the nodes that are left"


def lost_nodes(stage: Stage) -> Iterator[Claim]:
    """Pool after pool, zone after zone, at minimum load on all nodes."""
    reach(stage, stage.awake)
    used = [pool for pool in sorted(stage.planned.pools) if _on(stage, pool)]
    # In a short run, the pool that most services run on.
    for pool in sorted(used, key=lambda pool: -len(_on(stage, pool)))[:1] if stage.short else used:
        yield from _without(stage, f"pool {pool}", list(stage.pool_nodes(pool)))
    zones = sorted({zone for pool in stage.planned.pools for zone in stage.pool_nodes(pool).values()} - {""})
    for zone in zones[:1] if stage.short else zones:
        names = [name for pool in stage.planned.pools for name, place in stage.pool_nodes(pool).items() if place == zone]
        yield from _without(stage, f"zone {zone}", names)
    if not zones:
        yield Claim(NAME, "", "a zone", "services that still serve", _PROOF, "", "", "not rehearsed", "no pool names its zones")
    if not stage.short:
        yield from _a_node_of_each(stage)


def _a_node_of_each(stage: Stage) -> Iterator[Claim]:
    """The busiest node of every pool that has more than one."""
    busy = Counter(pod.node for pod in stage.seen.pods())
    several = [list(nodes) for pool in sorted(stage.planned.pools) if len(nodes := stage.pool_nodes(pool)) > 1]
    if several:
        yield from _without(stage, "a node of each pool", [max(nodes, key=lambda name: (busy[name], name)) for nodes in several])


def _without(stage: Stage, what: str, lost: list[str]) -> Iterator[Claim]:
    before, gone, held = {pod.uid: pod for pod in stage.seen.pods() if pod.ready}, set(lost), stage.seen.admitted()
    left = {pool: Counter(zone for name, zone in stage.pool_nodes(pool).items() if name not in gone) for pool in stage.planned.placements}
    with stage.step(NAME, f"{what} is lost: {len(lost)} nodes"):
        stage.lose(lost)
        stage.settle(lambda: not any(pod.node in gone for pod in stage.seen.pods()) and not stage.seen.leaving()
                     and _runs_as_planned(stage, left, held))
        hit = {pool: of_pool for pool, of_pool in left.items() if of_pool.total() < len(stage.pool_nodes(pool))}
        yield from _renamed(room_claims(stage, NAME, hit), what)
        after, kept = {pod.uid for pod in stage.seen.pods() if pod.ready}, {uid for uid, pod in before.items() if pod.node not in gone}
        serves = sorted(name for name, count in stage.seen.ready().items() if count)
        dark = sorted(set(held) - set(serves))
        yield Claim(NAME, "", what, "pods elsewhere run on", _PROOF, f"all {len(kept)}",
                    f"{len(kept & after)} of {len(kept)}; not served: {', '.join(dark) or 'none'}", agrees(kept <= after))
    yield from _back(stage, what, lost, held)


def _back(stage: Stage, what: str, lost: list[str], held: Counter[str]) -> Iterator[Claim]:
    whole = whole_pools(stage)
    with stage.step(NAME, f"{what} is back") as began:
        stage.lose(lost, is_lost=False)
        done = stage.settle(lambda: stage.counted(stage.awake) and _runs_as_planned(stage, whole, held))
        ready = stage.seen.ready()
        short = [f"{name} ({ready[name]} of {count})" for name, count in sorted(held.items()) if ready[name] < count]
        yield Claim(NAME, "", what, "all run again when it is back", _PROOF, f"all {held.total()}",
                    f"{ready.total()} after {max(0.0, stage.seen.last_moment - began):.1f} s", agrees(done),
                    f"not whole again: {', '.join(short)}" if short and not done else "")


def _runs_as_planned(stage: Stage, nodes: Mapping[str, Mapping[str, int]], held: Counter[str]) -> bool:
    """Whether all run that the plan says surely run; of the others there is nothing to wait for.

    Args:
        nodes: that are there, by pool and zone.
        held: replicas that had quota before, by service; they have it still, for queues know no nodes.
    """
    ready = stage.seen.ready()
    for pool, of_pool in nodes.items():
        names = _on(stage, pool)
        room = room_for(stage.spec, stage.planned, pool, {name: held[name] for name in names}, of_pool)
        if room == "always" and any(ready[name] < held[name] for name in names):
            return False
    return stage.seen.admitted() == held


def _on(stage: Stage, pool: str) -> list[str]:
    return [name for name, count in stage.awake.items() if count and stage.spec.services[name].document.spec.placement.pool == pool]


def _renamed(claims: Iterator[Claim], what: str) -> Iterator[Claim]:
    return (replace(claim, subject=claim.subject if claim.subject == what else f"{claim.subject} without {what}") for claim in claims)
