"""Kueue's fair sharing: shares, whose turn it is, and who is preempted."""

from __future__ import annotations

import pytest

from gpuplane.planning.cohorts.dominant_share import DominantShare, dominant_share
from gpuplane.planning.cohorts.quota_tree import CohortQuotas, FlavorResource, ResourceQuota
from gpuplane.planning.cohorts.scheduling import Scheduler, Timing
from gpuplane.planning.cohorts.workloads import FAIR_STRATEGIES, FairStrategy, PodSet, Preemption, Queue, Setting, Workload, queue

GPU, CPU = FlavorResource("h100", "gpu"), FlavorResource("h100", "cpu")
BOTH = FAIR_STRATEGIES
AS_IS = Timing()
FINAL, INITIAL = FAIR_STRATEGIES[:1], FAIR_STRATEGIES[1:]


def _queue(name: str, nominal: int, weight: float = 1.0, cohort: str = "all", reclaim: str = "Any", **more: int) -> Queue:
    policy = Preemption("LowerPriority", reclaim)  # type: ignore[arg-type]
    return queue(name, {GPU: ResourceQuota(nominal, **more)}, cohort, policy, weight=weight)


def _work(name: str, of: str, gpus: int, created: int = 0, priority: int = 0) -> Workload:
    return Workload(name, of, (PodSet({"gpu": gpus}),), priority, created)


def _scheduler(*queues: Queue, own: int = 0, strategies: tuple[FairStrategy, ...] = BOTH, cohorts: tuple[CohortQuotas, ...] = (),
               timing: Timing = AS_IS) -> Scheduler:
    all_of = (CohortQuotas("all", {GPU: ResourceQuota(own)}), *cohorts)
    return Scheduler(Setting({each.name: each for each in queues}, {each.name: each for each in all_of}, strategies), timing)


def _settled(scheduler: Scheduler, *phases: list[Workload]) -> set[str]:
    for phase in phases:
        scheduler.submit(phase)
        scheduler.settle()
    return set(scheduler.admitted)


def test_a_share_is_of_the_resource_that_is_borrowed_most_of_in_all_flavors() -> None:
    other = FlavorResource("a100", "gpu")
    one = queue("one", {GPU: ResourceQuota(2), other: ResourceQuota(0), CPU: ResourceQuota(10)}, "all", weight=2.0)
    rest = queue("rest", {GPU: ResourceQuota(4), other: ResourceQuota(2), CPU: ResourceQuota(90)}, "all")
    snapshot = Scheduler(Setting({"one": one, "rest": rest}, {}, BOTH)).snapshot()
    node = snapshot.node("one")
    snapshot.usage.add(node, {GPU: 3, other: 1, CPU: 20})

    assert dominant_share(snapshot.usage, node) == DominantShare(2.0, 2 * 1000 / 8, frozenset({GPU, other, CPU}))
    assert dominant_share(snapshot.usage, node).rank == (False, 125.0)
    assert dominant_share(snapshot.usage, snapshot.tree.cohorts["all"]) == DominantShare(1.0)


def test_who_has_no_weight_and_borrows_is_above_all() -> None:
    nothing, some, much = DominantShare(0.0), DominantShare(0.0, 1.0), DominantShare(0.0, 2.0)

    assert nothing.rank == DominantShare(5.0).rank < DominantShare(0.001, 10_000).rank < some.rank < much.rank


def test_whoever_would_have_the_lower_share_is_next() -> None:
    scheduler = _scheduler(_queue("a", 0, 1.0), _queue("b", 0, 2.0), own=3)
    work = [_work(f"{name}{number}", name, 1, number) for name in "ab" for number in range(3)]

    assert _settled(scheduler, work) == {"a0", "b0", "b1"}


def test_who_does_not_borrow_is_before_who_does_whatever_the_priority() -> None:
    scheduler = _scheduler(_queue("a", 0), _queue("b", 1, reclaim="Never"))

    assert _settled(scheduler, [_work("high", "a", 1, priority=100), _work("own", "b", 1, 1)]) == {"own"}


def test_cohorts_compete_before_their_queues_do() -> None:
    """One team of two queues has no more than another of one."""
    teams = CohortQuotas("x", parent="all"), CohortQuotas("y", parent="all")
    queues = [_queue("x1", 0, cohort="x"), _queue("x2", 0, cohort="x"), _queue("y1", 0, cohort="y")]
    work = [_work(f"{each.name}-{number}", each.name, 1, number) for each in queues for number in range(4)]

    admitted = _settled(_scheduler(*queues, own=4, cohorts=teams), work)

    assert sorted(name.partition("-")[0] for name in admitted) == ["x1", "x2", "y1", "y1"]


@pytest.mark.parametrize(("strategies", "left"), [(FINAL, {"big"}), (INITIAL, {"late"}), (BOTH, {"late"})])
def test_the_second_strategy_takes_what_the_first_leaves(strategies: tuple[FairStrategy, ...], left: set[str]) -> None:
    """One workload has all four; without it its queue is below whoever comes, with it above."""
    scheduler = _scheduler(_queue("a", 0), _queue("b", 0), own=4, strategies=strategies)

    assert _settled(scheduler, [_work("big", "a", 4)], [_work("late", "b", 2, 1)]) == left


def test_who_is_within_its_own_takes_it_back_whatever_the_shares() -> None:
    scheduler = _scheduler(_queue("a", 0, 100.0), _queue("b", 2, 0.001))

    assert _settled(scheduler, [_work("guest", "a", 2)], [_work("owner", "b", 2, 1)]) == {"owner"}


def test_without_weight_nothing_is_taken_from_others_beyond_its_own() -> None:
    scheduler = _scheduler(_queue("a", 0), _queue("b", 0, 0.0), own=2)

    assert _settled(scheduler, [_work("guest", "a", 2)], [_work("none", "b", 1, 1)]) == {"guest"}


def test_of_equal_cohorts_either_may_lose() -> None:
    teams = tuple(CohortQuotas(name, parent="all") for name in "xyz")
    queues = [_queue(f"{name}1", 0, cohort=name) for name in "xyz"]
    first, late = [_work(f"{name}-0", f"{name}1", 2, place) for place, name in enumerate("xy")], [_work("z-0", "z1", 1, 5)]

    found = {frozenset(_settled(_scheduler(*queues, own=4, cohorts=teams, timing=Timing(backwards=backwards)), first, late))
             for backwards in (False, True)}

    assert found == {frozenset({"x-0", "z-0"}), frozenset({"y-0", "z-0"})}
