"""One tenant bursts, then the others come for what is theirs: who is preempted, and how long until they are whole."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.delivery.rehearsal.claim import Claim, agrees, in_range, range_words
from gpuplane.delivery.rehearsal.scenarios.levels import QUOTA_PROOF, claims_of, notable, reach, settled
from gpuplane.delivery.rehearsal.stage import Replicas, Stage
from gpuplane.planning.cohorts.admission import NotKnown
from gpuplane.planning.cohorts.course import Level

NAME = "burst"


def burst(stage: Stage) -> Iterator[Claim]:
    """Tenant after tenant goes to its maximum while the others are at their minimum; then the others follow."""
    stage.add_nodes(at_maximum=True)
    bursting = [tenant for tenant in sorted(stage.spec.tenants) if any(
        name.startswith(f"{tenant}/") and stage.maximum[name] > stage.minimum[name] for name in stage.services)]
    borrowers = [tenant for tenant in bursting if any(
        stage.spec.services[name].document.spec.placement.may_borrow for name in stage.services if name.startswith(f"{tenant}/"))]
    if not bursting:
        yield Claim(NAME, "", "a tenant", "it goes to its maximum", QUOTA_PROOF, "", "", "not rehearsed",
                    "every service is at its maximum always")
    for tenant in (borrowers or bursting)[:1] if stage.short else bursting:
        yield from _of(stage, tenant)


def _of(stage: Stage, tenant: str) -> Iterator[Claim]:
    reach(stage, stage.minimum)
    high = {**stage.minimum, **{name: count for name, count in stage.maximum.items() if name.startswith(f"{tenant}/")}}
    yield from _to(stage, f"{tenant} goes to its maximum", high, f"{NAME} of {tenant}")
    yield from _to(stage, f"the others follow {tenant}", stage.maximum, f"{NAME} of {tenant}, then all")


def _to(stage: Stage, title: str, replicas: Replicas, scenario: str) -> Iterator[Claim]:
    with stage.step(scenario, title) as began:
        level = stage.scale(replicas)
        settled(stage, replicas, level)
        yield from notable(claims_of(stage, scenario, replicas, level), scenario)
        if not isinstance(level, NotKnown) and stage.has_kueue:
            yield from _preempted(stage, scenario, level, began)
            yield from _whole(stage, scenario, level, began)


def _preempted(stage: Stage, scenario: str, level: Level, began: float) -> Iterator[Claim]:
    """Who lost quota to others; those who did not, and as planned, are not named."""
    lost = stage.seen.preempted(began)
    for name, expected in level.preempted.items():
        if expected != (0, 0) or lost[name]:
            yield Claim(scenario, name.partition("/")[0], name, "replicas that are preempted", QUOTA_PROOF, range_words(expected),
                        str(lost[name]), agrees(in_range(lost[name], expected)))


def _whole(stage: Stage, scenario: str, level: Level, began: float) -> Iterator[Claim]:
    """How long each service waited for what the plan gives it for certain."""
    for name, (sure, _) in level.admitted.items():
        tenant, at = name.partition("/")[0], stage.seen.whole_at(name, sure, began)
        if at is not None and sure > stage.minimum[name]:  # where it is not, the row of its replicas says what there was instead
            load = next((one.load for one in stage.planned.tenants[tenant].services if f"{tenant}/{one.name}" == name), None)
            yield Claim(scenario, tenant, name, "made whole", QUOTA_PROOF, f"{sure} run",
                        f"after {at - began:.1f} s" + (f", and {load.expected} s to load weights on real nodes" if load else ""), "agree")
