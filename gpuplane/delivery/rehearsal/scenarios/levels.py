"""A number of replicas of every service, held against the plan: who is admitted, who waits, and what runs on nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from gpuplane.delivery.rehearsal.claim import Claim, Verdict, agrees, in_range, range_words
from gpuplane.delivery.rehearsal.room import room_for
from gpuplane.delivery.rehearsal.stage import Replicas, Stage
from gpuplane.planning.cohorts.admission import NotKnown
from gpuplane.planning.cohorts.course import Level

QUOTA_PROOF = "Kueue's admission over the cohort tree (gpuplane capacity)"
ROOM_PROOF = "placement of the pool's pods on its nodes (gpuplane preview)"
NO_KUEUE = "no Kueue here"


def settled(stage: Stage, replicas: Replicas, level: Level | NotKnown) -> bool:
    """Wait until it is as the plan says, or nothing moves any more."""
    def as_planned() -> bool:
        return stage.counted(replicas) and (isinstance(level, NotKnown) or admitted_as_planned(stage, level)) and _all_run(stage)

    return stage.settle(as_planned, 20 if isinstance(level, NotKnown) else None)


def _all_run(stage: Stage) -> bool:
    """Whether whoever has quota and can have a node runs; who cannot is known by the plan, not here."""
    pods = stage.seen.pods()
    return all(pod.ready for pod in pods if pod.admitted and pod.node)


def admitted_as_planned(stage: Stage, level: Level) -> bool:
    """Whether as many replicas hold quota as the plan says, of every service and every tenant."""
    admitted, by_tenant = stage.seen.admitted(), _by_tenant(stage.seen.admitted())
    return all(in_range(admitted[name], level.admitted[name]) for name in level.admitted) and all(
        in_range(by_tenant[name], level.of_tenants[name]) for name in level.of_tenants)


def claims_of(stage: Stage, scenario: str, replicas: Replicas, level: Level | NotKnown) -> Iterator[Claim]:
    """Claims of every service about quota, and of every pool about nodes."""
    admitted, ready = stage.seen.admitted(), stage.seen.ready()
    for name, wanted in replicas.items():
        yield _quota_claim(stage, scenario, name, wanted, admitted[name], ready[name], level)
    if not isinstance(level, NotKnown) and stage.has_kueue:
        yield from _tenant_claims(scenario, level, _by_tenant(admitted))
    yield from room_claims(stage, scenario, whole_pools(stage))


def _quota_claim(stage: Stage, scenario: str, name: str, wanted: int, admitted: int, ready: int, level: Level | NotKnown) -> Claim:
    observed = f"{admitted} of {wanted} admitted, {wanted - admitted} pending, {ready} running"
    verdict: Verdict
    if isinstance(level, NotKnown):
        planned, verdict, why = "not known", "not rehearsed", level.why
    elif not stage.has_kueue:
        planned, verdict, why = f"{range_words(level.admitted[name])} of {wanted} admitted", "not rehearsed", NO_KUEUE
    else:
        planned, verdict = f"{range_words(level.admitted[name])} of {wanted} admitted", agrees(in_range(admitted, level.admitted[name]))
        why = "" if verdict == "agree" else "the plan's model of Kueue, or what was applied, is wrong"
    return Claim(scenario, name.partition("/")[0], name, "replicas that hold quota", QUOTA_PROOF, planned, observed, verdict, why)


def notable(claims: Iterator[Claim], scenario: str) -> Iterator[Claim]:
    """Those of services that wait, or that are not as planned; the others in one."""
    plain = []
    for claim in claims:
        if claim.verdict == "agree" and ("0 pending" in claim.observed or claim.proof == ROOM_PROOF):
            plain.append(claim)
        else:
            yield claim
    if plain:
        services = [claim.subject for claim in plain if claim.proof == QUOTA_PROOF]
        yield Claim(scenario, "", "all others", "replicas that hold quota, and run", QUOTA_PROOF, "all of them",
                    f"all of them ({', '.join(services)})", "agree")


def _tenant_claims(scenario: str, level: Level, admitted: Counter[str]) -> Iterator[Claim]:
    """Only where the services alone do not say it: which of them gets the quota is open, or they disagree."""
    for tenant, expected in level.of_tenants.items():
        open_ones = [name for name, each in level.admitted.items() if name.partition("/")[0] == tenant and each[0] != each[1]]
        if open_ones or not in_range(admitted[tenant], expected):
            yield Claim(scenario, tenant, tenant, "replicas of all its services that hold quota", QUOTA_PROOF, range_words(expected),
                        str(admitted[tenant]), agrees(in_range(admitted[tenant], expected)))


def whole_pools(stage: Stage) -> dict[str, Counter[str]]:
    """Nodes of every pool that are there, by zone."""
    return {pool: Counter(stage.pool_nodes(pool).values()) for pool in stage.planned.placements}


def reach(stage: Stage, replicas: Replicas) -> Level | NotKnown:
    """Bring every service to so many replicas, on all nodes that there can be, and wait until it is so."""
    stage.add_nodes(at_maximum=True)
    level = stage.scale(replicas)
    settled(stage, replicas, level)
    return level


def room_claims(stage: Stage, scenario: str, nodes: Mapping[str, Mapping[str, int]]) -> Iterator[Claim]:
    """Whether all pods with quota run, on so many nodes of each pool.

    Args:
        nodes: by pool and zone.
    """
    admitted, ready = stage.seen.admitted(), stage.seen.ready()
    for pool, of_pool in nodes.items():
        names = [name for name in stage.services if stage.spec.services[name].document.spec.placement.pool == pool and admitted[name]]
        if not names:
            continue
        verdict = room_for(stage.spec, stage.planned, pool, {name: admitted[name] for name in names}, of_pool)
        asked, running = sum(admitted[name] for name in names), sum(ready[name] for name in names)
        observed = f"{running} of {asked} pods run on {sum(of_pool.values())} nodes"
        yield _room_claim(scenario, pool, sum(of_pool.values()), verdict, asked, running, observed)


def _room_claim(scenario: str, pool: str, nodes: int, verdict: str, asked: int, running: int, observed: str) -> Claim:
    if not nodes:
        planned, right = "none runs: no node is left", running == 0
        return Claim(scenario, "", f"pool {pool}", "pods with quota that run", ROOM_PROOF, planned, observed, agrees(right))
    planned = {"always": f"all {asked} run, whatever the scheduler does", "not packable": f"not all {asked} find room"}.get(
        verdict, f"all {asked} fit, but the scheduler may strand one" if verdict == "packable" else "not known")
    right = {"always": running == asked, "not packable": running < asked}.get(verdict, True)
    return Claim(scenario, "", f"pool {pool}", "pods with quota that run", ROOM_PROOF, planned, observed, agrees(right),
                 "" if right else "the plan's room on nodes is not the scheduler's")


def _by_tenant(admitted: Mapping[str, int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, count in admitted.items():
        found[name.partition("/")[0]] += count
    return found
