"""When Kueue tries parked workloads again: after any change of the tree, at a moment that nobody chooses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gpuplane.planning.cohorts.quota_tree import CohortQuotas, FlavorResource, ResourceQuota
from gpuplane.planning.cohorts.scheduling import Scheduler, Timing, timings
from gpuplane.planning.cohorts.workloads import PodSet, Setting, Workload, queue
from tests.planning.test_cohort_laws import FEW, KEY, settled, trees, wanted


def one(name: str, of: str, devices: int, priority: int) -> Workload:
    return Workload(name, of, (PodSet({KEY.resource: devices}),), priority)


def contended(timing: Timing) -> set[str]:
    """Queue b's first workload can never fit; behind it waits one that b's own quota holds, and that a borrows if it comes first."""
    setting = Setting({"a": queue("a", {KEY: ResourceQuota(2)}, "org"), "b": queue("b", {KEY: ResourceQuota(2)}, "org")},
                      {"org": CohortQuotas("org")})
    scheduler = Scheduler(setting, timing)
    scheduler.submit([one("first of a", "a", 2, 100), one("borrows", "a", 1, 10), one("too large", "b", 5, 100), one("own", "b", 2, 10)])
    scheduler.settle()
    return set(scheduler.admitted)


def test_a_retry_between_two_cycles_lets_others_go_first() -> None:
    """Put back at once, the head that cannot fit holds up its queue for a cycle, and the other queue borrows what was to be its own."""
    assert contended(Timing()) == {"first of a", "own"}
    assert contended(Timing(retries=frozenset({1}))) == {"first of a", "borrows"}


def test_an_outcome_that_a_retry_changes_is_known_to_depend_on_time() -> None:
    assert {frozenset(contended(timing)) for timing in timings()} == {frozenset({"first of a", "own"}), frozenset({"first of a", "borrows"})}


def test_a_head_that_stops_before_its_last_flavor_goes_on_scanning() -> None:
    """The first pod set stops at the flavor that fits it, the second one fits none: Kueue never parks such a workload."""
    first, second = FlavorResource("f0", KEY.resource), FlavorResource("f1", KEY.resource)
    setting = Setting({"q": queue("q", {first: ResourceQuota(2), second: ResourceQuota(1)}, strategy="StrictFIFO")})
    scheduler = Scheduler(setting)
    scheduler.submit([Workload("holder", "q", (PodSet({KEY.resource: 1}, frozenset({"f1"})),), 100)])
    scheduler.settle()
    assert scheduler.scanning == set()
    scheduler.submit([Workload("two", "q", (PodSet({KEY.resource: 2}), PodSet({KEY.resource: 1}, name="more")), 0)])
    scheduler.settle()
    assert set(scheduler.admitted) == {"holder"}
    assert scheduler.scanning == {"two"}


@FEW
@given(trees(), st.integers(0, 10_000))
def test_what_has_settled_stays_so_however_often_it_is_tried_again(setting: Setting, seed: int) -> None:
    scheduler = settled(setting, wanted(setting, seed))
    if scheduler is None:
        return
    before = dict(scheduler.admitted)
    assert not scheduler.round()
    assert scheduler.admitted == before
