"""Whom a workload may preempt, and whom it does: classical preemption of Kueue v0.19.2.

``pkg/scheduler/preemption/preemption.go`` and ``classical/*.go``: candidates from queues that use more than their own, over
which the workload has a hierarchical advantage or a higher priority, then lower priorities of its own queue; removed in
order until it fits, and put back in reverse where it still does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from gpuplane.planning.cohorts.quota_tree import FlavorResource, Node
from gpuplane.planning.cohorts.snapshot import Snapshot
from gpuplane.planning.cohorts.workloads import Admitted, Preemption, Workload

Keys = frozenset[FlavorResource]


class _Variant(Enum):
    WITHIN_QUEUE = auto()
    HIERARCHICAL = auto()
    WITHOUT_BORROWING = auto()
    WHILE_BORROWING = auto()


@dataclass(frozen=True)
class _Candidate:
    holder: Admitted
    common: Node | None  # lowest common ancestor of its queue and the preemptor's
    variant: _Variant


@dataclass(frozen=True)
class Attempt:
    """A workload that needs preemption: for which flavor resources, and all that it will use."""

    workload: Workload
    needing: Keys
    usage: Mapping[FlavorResource, int]


def classical_targets(snapshot: Snapshot, attempt: Attempt) -> list[Admitted]:
    """``classicalPreemptions``: the workloads to preempt so that it fits; none where no set of candidates would do."""
    hierarchical, by_priority = _others(snapshot, attempt)
    candidates = _in_order(snapshot, attempt, hierarchical, by_priority, _own(snapshot, attempt))
    for borrowing in _attempts(snapshot, attempt, hierarchical, by_priority):
        found = _remove_until_it_fits(snapshot, attempt, candidates, borrowing)
        if found:
            return found
    return []


def _attempts(snapshot: Snapshot, attempt: Attempt, hierarchical: list[_Candidate], by_priority: list[_Candidate]) -> tuple[bool, ...]:
    queue = snapshot.queue(attempt.workload.queue)
    forbidden = not queue.preemption.borrow_within_cohort
    if not hierarchical and not by_priority:
        return (True,)
    if forbidden and not _under_nominal(snapshot, attempt):
        return (True,)
    return (False, True) if forbidden and not hierarchical else (True, False)


def _under_nominal(snapshot: Snapshot, attempt: Attempt) -> bool:
    node = snapshot.node(attempt.workload.queue)
    return all(node.quota(key).nominal > snapshot.usage.of(node, key) for key in attempt.needing)


def _remove_until_it_fits(snapshot: Snapshot, attempt: Attempt, candidates: list[_Candidate], borrowing: bool) -> list[Admitted]:
    removed: list[Admitted] = []
    found = False
    for candidate in candidates:
        if not _is_valid(snapshot, attempt, candidate, borrowing):
            continue
        snapshot.take(candidate.holder)
        removed.append(candidate.holder)
        if fits(snapshot, attempt, borrowing):
            put_back(snapshot, attempt, removed, borrowing)
            found = True
            break
    for holder in removed:
        snapshot.put(holder)
    return removed if found else []


def put_back(snapshot: Snapshot, attempt: Attempt, removed: list[Admitted], borrowing: bool) -> None:
    """``fillBackWorkloads``: what need not go after all stays, the last of the list moving into each freed place."""
    for index in range(len(removed) - 2, -1, -1):
        snapshot.put(removed[index])
        if fits(snapshot, attempt, borrowing):
            removed[index] = removed[-1]
            removed.pop()
        else:
            snapshot.take(removed[index])


def fits(snapshot: Snapshot, attempt: Attempt, borrowing: bool) -> bool:
    """``workloadFits``: whether there is room for it now."""
    node, usage = snapshot.node(attempt.workload.queue), snapshot.usage
    return all((borrowing or not usage.over(node, key, amount)) and amount <= usage.available(node, key)
               for key, amount in attempt.usage.items())


def _is_valid(snapshot: Snapshot, attempt: Attempt, candidate: _Candidate, borrowing: bool) -> bool:
    """``candidateIsValid``: earlier removals may have brought its queue, or a cohort of it, within its own quota."""
    if candidate.variant is _Variant.WITHIN_QUEUE:
        return True
    if borrowing and candidate.variant is _Variant.WITHOUT_BORROWING:
        return False
    node = snapshot.node(candidate.holder.workload.queue)
    if snapshot.usage.within_nominal(node, attempt.needing):
        return False
    for above in node.ancestors():
        if above is candidate.common:
            return True
        if snapshot.usage.within_nominal(above, attempt.needing):
            return False
    return True


def _in_order(snapshot: Snapshot, attempt: Attempt, *lists: list[_Candidate]) -> list[_Candidate]:
    """All evicted candidates first, each kind by ``CandidatesOrdering``."""
    ordered = [sorted(one, key=lambda candidate: rank(snapshot, attempt, candidate.holder)) for one in lists]
    evicted = [candidate for one in ordered for candidate in one if snapshot.is_evicted(candidate.holder)]
    return evicted + [candidate for one in ordered for candidate in one if not snapshot.is_evicted(candidate.holder)]


def rank(snapshot: Snapshot, attempt: Attempt, holder: Admitted) -> tuple[object, ...]:
    """``CandidatesOrdering``, lowest first: evicted already, other queues, low priority, admitted last."""
    workload, (when, tie) = holder.workload, holder.reserved
    return (not snapshot.is_evicted(holder), workload.queue == attempt.workload.queue, workload.priority, -when, tie, workload.uid,
            workload.name)


def _own(snapshot: Snapshot, attempt: Attempt) -> list[_Candidate]:
    name = attempt.workload.queue
    policy = snapshot.queue(name).preemption.within_cluster_queue
    return [_Candidate(holder, None, _Variant.WITHIN_QUEUE) for holder in snapshot.holders[name].values()
            if policy != "Never" and uses(holder, attempt.needing) and may_preempt(attempt.workload, holder.workload, policy)]


def _others(snapshot: Snapshot, attempt: Attempt) -> tuple[list[_Candidate], list[_Candidate]]:
    """``collectCandidatesForHierarchicalReclaim``."""
    queue, node = snapshot.queue(attempt.workload.queue), snapshot.node(attempt.workload.queue)
    hierarchical: list[_Candidate] = []
    by_priority: list[_Candidate] = []
    if queue.preemption.reclaim_within_cohort == "Never":
        return hierarchical, by_priority
    advantage, remaining = _fits_in_quota(snapshot, node, attempt.usage)
    below = node
    for cohort in node.ancestors():
        for holder in _over_quota(snapshot, cohort, below, attempt.needing):
            variant = _variant(queue.preemption, attempt, holder, advantage)
            if variant is not None:
                (hierarchical if advantage else by_priority).append(_Candidate(holder, cohort, variant))
        fits, remaining = _fits_in_quota(snapshot, cohort, remaining)
        advantage, below = advantage or fits, cohort
    return hierarchical, by_priority


def _fits_in_quota(snapshot: Snapshot, node: Node, requests: Mapping[FlavorResource, int]) -> tuple[bool, dict[FlavorResource, int]]:
    """``QuantitiesFitInQuota``: whether all fit the subtree's quota, and what of them counts at the parent."""
    fits = not any(snapshot.usage.over(node, key, amount) for key, amount in requests.items())
    return fits, {key: max(0, amount - snapshot.usage.local_available(node, key)) for key, amount in requests.items()}


def _over_quota(snapshot: Snapshot, cohort: Node, below: Node, needing: Keys) -> Iterator[Admitted]:
    """``collectCandidatesInSubtree``: workloads of queues over their quota, in cohorts over theirs, outside ``below``."""
    for child in cohort.cohorts:
        if child is not below and not snapshot.usage.within_nominal(child, needing):
            yield from _over_quota(snapshot, child, below, needing)
    for queue in cohort.queues:
        if queue is not below and not snapshot.usage.within_nominal(queue, needing):
            yield from snapshot.holders[queue.name].values()


def _variant(policy: Preemption, attempt: Attempt, holder: Admitted, advantage: bool) -> _Variant | None:
    """``classifyPreemptionVariant`` of a workload in another queue."""
    if not uses(holder, attempt.needing) or not may_preempt(attempt.workload, holder.workload, policy.reclaim_within_cohort):
        return None
    if advantage:
        return _Variant.HIERARCHICAL
    threshold = policy.max_priority_threshold
    if (not policy.borrow_within_cohort or holder.workload.priority >= attempt.workload.priority
            or (threshold is not None and holder.workload.priority > threshold)):
        return _Variant.WITHOUT_BORROWING
    return _Variant.WHILE_BORROWING


def uses(holder: Admitted, needing: Keys) -> bool:
    """``WorkloadUsesResources``."""
    return any(key in needing for key in holder.usage)


def may_preempt(preemptor: Workload, candidate: Workload, policy: str) -> bool:
    """``SatisfiesPreemptionPolicy``."""
    lower = preemptor.priority > candidate.priority
    if policy == "LowerOrNewerEqualPriority":
        return lower or (preemptor.priority == candidate.priority and preemptor.created < candidate.created)
    return policy == "Any" or (policy == "LowerPriority" and lower)
