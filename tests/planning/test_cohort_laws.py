"""Laws of the quota tree and of admission, on trees and workloads that nobody chose."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpuplane.planning.cohorts.quota_tree import CohortQuotas, FlavorResource, QuotaTree, ResourceQuota
from gpuplane.planning.cohorts.scheduling import NeverSettles, Scheduler
from gpuplane.planning.cohorts.shares import Shares
from gpuplane.planning.cohorts.workloads import PodSet, Preemption, Queue, Reclaim, Setting, Workload, queue

KEY = FlavorResource("h100", "nvidia.com/gpu")
FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)

limits = st.one_of(st.none(), st.integers(0, 6))


@st.composite
def trees(draw: st.DrawFn, reclaim: Reclaim | None = None) -> Setting:
    """Up to four cohorts in a tree of depth three, up to five queues."""
    cohorts: dict[str, CohortQuotas] = {}
    for index in range(draw(st.integers(1, 4))):
        parent = draw(st.sampled_from(["", *cohorts])) if cohorts else ""
        own = ResourceQuota(draw(st.integers(0, 4)), draw(limits) if parent else None, draw(limits) if parent else None)
        cohorts[f"c{index}"] = CohortQuotas(f"c{index}", {KEY: own} if draw(st.booleans()) else {}, parent)
    queues: dict[str, Queue] = {}
    for index in range(draw(st.integers(1, 5))):
        nominal = draw(st.integers(0, 6))
        lending = draw(st.one_of(st.none(), st.integers(0, nominal)))
        policy = Preemption("LowerPriority", reclaim or draw(st.sampled_from(["Never", "LowerPriority", "Any"])))
        queues[f"q{index}"] = queue(f"q{index}", {KEY: ResourceQuota(nominal, draw(limits), lending)},
                                    draw(st.sampled_from(sorted(cohorts))), policy)
    return Setting(queues, cohorts)


def tree_of(setting: Setting) -> QuotaTree:
    return QuotaTree({name: one.quotas for name, one in setting.queues.items()}, setting.cohorts)


def wanted(setting: Setting, seed: int, equal: bool = False) -> list[Workload]:
    rng = random.Random(seed)
    return [Workload(f"w{number}", rng.choice(sorted(setting.queues)), (PodSet({KEY.resource: rng.randint(1, 4)}),),
                     0 if equal else rng.choice((0, 10, 100)), number) for number in range(rng.randint(1, 12))]


def settled(setting: Setting, workloads: list[Workload]) -> Scheduler | None:
    scheduler = Scheduler(setting)
    scheduler.submit(workloads)
    try:
        scheduler.settle()
    except NeverSettles:
        return None
    return scheduler


@FEW
@given(trees())
def test_guaranteed_is_at_most_the_maximum_and_together_at_most_the_capacity(setting: Setting) -> None:
    tree = tree_of(setting)
    shares = Shares(tree)
    found = {name: shares.of(name, KEY, one.preemption.reclaim_within_cohort) for name, one in setting.queues.items()}
    assert all(0 <= share.guaranteed <= share.maximum for share in found.values())
    for root in (node for node in tree.nodes if node.parent is None):
        capacity = sum(node.quota(KEY).nominal for node in tree.nodes if node is root or root in node.ancestors())
        assert all(share.maximum <= capacity for name, share in found.items() if root in (tree.queues[name], *tree.queues[name].ancestors()))


@FEW
@given(trees(), st.integers(0, 10_000))
def test_no_admitted_set_exceeds_what_a_subtree_may_use(setting: Setting, seed: int) -> None:
    scheduler = settled(setting, wanted(setting, seed))
    if scheduler is None:
        return
    usage, tree = scheduler.snapshot().usage, scheduler.tree
    for node in tree.nodes:
        if node.parent is None:
            assert usage.of(node, KEY) <= node.subtree.get(KEY, 0)
        elif (limit := node.quota(KEY).borrowing_limit) is not None:
            assert usage.of(node, KEY) <= node.subtree.get(KEY, 0) + limit
    for name, node in tree.queues.items():
        assert usage.of(node, KEY) <= tree.potential(node, KEY), name


@FEW
@given(trees(reclaim="Any"), st.integers(0, 10_000))
def test_with_reclaim_the_nominal_quota_is_guaranteed_whoever_came_first(setting: Setting, seed: int) -> None:
    scheduler = settled(setting, [one for one in wanted(setting, seed) if one.queue != "q0"])
    if scheduler is None:
        return
    nominal = setting.queues["q0"].quotas.quotas[KEY].nominal
    scheduler.submit(Workload(f"own{number}", "q0", (PodSet({KEY.resource: 1}),), 0, 100 + number) for number in range(nominal))
    try:
        scheduler.settle()
    except NeverSettles:
        return
    assert sum(name.startswith("own") for name in scheduler.admitted) == nominal


@FEW
@given(trees(reclaim="Never"), st.integers(0, 10_000))
def test_without_reclaim_what_is_guaranteed_is_left_whatever_the_others_took(setting: Setting, seed: int) -> None:
    scheduler = settled(setting, [one for one in wanted(setting, seed) if one.queue != "q0"])
    assert scheduler is not None
    share = Shares(scheduler.tree).of("q0", KEY, "Never")
    assert scheduler.snapshot().usage.available(scheduler.tree.queues["q0"], KEY) >= share.guaranteed


@FEW
@given(trees(), st.integers(0, 10_000))
def test_the_order_of_queues_cohorts_and_workloads_changes_nothing(setting: Setting, seed: int) -> None:
    turned = Setting(dict(reversed(setting.queues.items())), dict(reversed(setting.cohorts.items())))
    workloads = wanted(setting, seed)
    one, other = settled(setting, workloads), settled(turned, workloads[::-1])
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert set(one.admitted) == set(other.admitted)


@FEW
@given(st.integers(0, 12), st.integers(0, 6), st.integers(0, 10_000))
def test_more_quota_never_admits_less_of_equal_single_gpus_in_one_queue(nominal: int, more: int, seed: int) -> None:
    """The law holds for workloads of one size in one queue. It does not in general: where sizes differ, a larger first one that
    fits now can take the place of several small ones (:func:`test_more_quota_can_admit_fewer_workloads`)."""
    sizes = [Workload(f"w{number}", "q", (PodSet({KEY.resource: 1}),), 0, number) for number in range(random.Random(seed).randint(0, 20))]
    counts = []
    for amount in (nominal, nominal + more):
        scheduler = settled(Setting({"q": queue("q", {KEY: ResourceQuota(amount)})}), sizes)
        assert scheduler is not None
        counts.append(len(scheduler.admitted))
    assert counts[0] <= counts[1]


def test_more_quota_can_admit_fewer_workloads() -> None:
    """Three GPUs admit three small workloads past a large one; a fourth GPU lets the large one in, and they wait."""
    large = Workload("large", "q", (PodSet({KEY.resource: 4}),), 0, 0)
    small = [Workload(f"small{number}", "q", (PodSet({KEY.resource: 1}),), 0, 1 + number) for number in range(3)]
    held = []
    for amount in (3, 4):
        scheduler = settled(Setting({"q": queue("q", {KEY: ResourceQuota(amount)})}), [large, *small])
        assert scheduler is not None
        held.append(sorted(scheduler.admitted))
    assert held == [["small0", "small1", "small2"], ["large"]]


@FEW
@given(trees(), st.integers(1, 5))
def test_more_quota_never_lowers_a_maximum_or_a_guarantee_of_its_owner(setting: Setting, more: int) -> None:
    own = setting.queues["q0"]
    quota = own.quotas.quotas[KEY]
    raised = replace(own, quotas=replace(own.quotas, quotas={KEY: replace(quota, nominal=quota.nominal + more)}))
    policy = own.preemption.reclaim_within_cohort
    before = Shares(tree_of(setting)).of("q0", KEY, policy)
    after = Shares(tree_of(Setting({**setting.queues, "q0": raised}, setting.cohorts))).of("q0", KEY, policy)
    assert before.maximum <= after.maximum
    assert before.guaranteed <= after.guaranteed
