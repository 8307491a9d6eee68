"""Which flavor each resource of a workload gets, and whether by borrowing or preemption.

``pkg/scheduler/flavorassigner/flavorassigner.go`` and ``preemption_oracle.go`` of Kueue v0.19.2: flavors are tried in the
queue's order; ``flavorFungibility`` says when the search stops; a pod set never splits across flavors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from gpuplane.planning.cohorts.preemption import Attempt
from gpuplane.planning.cohorts.quota_tree import FlavorResource
from gpuplane.planning.cohorts.snapshot import Snapshot
from gpuplane.planning.cohorts.victims import targets
from gpuplane.planning.cohorts.workloads import Fungibility, PodSet, ResourceGroup, Workload


class Mode(IntEnum):
    """How a flavor can be had, worst first (``preemptionMode``)."""

    NO_FIT = 0
    NO_CANDIDATES = 1
    PREEMPT = 2
    RECLAIM = 3
    FIT = 4


_FAR = 1 << 30
LastTried = tuple[Mapping[str, int], ...]
"""For each pod set, resource to the index of the flavor tried last; -1: all were tried."""


@dataclass(frozen=True)
class _Choice:
    """One flavor for the resources of a group: the worst mode over them, the largest borrowing, and each one's mode."""

    flavor: str
    mode: Mode
    borrowing: int
    modes: Mapping[str, Mode]
    levels: Mapping[str, int]


@dataclass
class Assignment:
    """What a workload would get.

    Attributes:
        mode: NO_FIT, FIT, or PREEMPT (which stands for every way of needing preemption).
        borrowing: height of the smallest cohort tree it fits in, 0 without borrowing.
        usage: amounts by flavor resource.
        needing: flavor resources that need preemption.
        reasons: why flavors did not do, in Kueue's words.
    """

    mode: Mode = Mode.FIT
    borrowing: int = 0
    usage: dict[FlavorResource, int] = field(default_factory=dict)
    needing: set[FlavorResource] = field(default_factory=set)
    last_tried: list[dict[str, int]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


def assign(snapshot: Snapshot, workload: Workload, last_tried: LastTried = ()) -> Assignment:
    """``Assign``: flavors for every pod set, in their order; the first that cannot have any ends the search."""
    result = Assignment()
    for index, pod_set in enumerate(workload.pod_sets):
        tried = last_tried[index] if index < len(last_tried) else {}
        if not _pod_set(snapshot, workload, pod_set, tried, result):
            result.mode = Mode.NO_FIT
            return result
    if result.needing:
        result.mode = Mode.PREEMPT
    return result


def _pod_set(snapshot: Snapshot, workload: Workload, pod_set: PodSet, tried: Mapping[str, int], result: Assignment) -> bool:
    chosen: dict[str, tuple[str, Mode, int, int]] = {}
    queue = snapshot.queue(workload.queue)
    for resource in sorted(pod_set.requests):
        group = queue.group_of(resource)
        if group is None:
            if pod_set.requests[resource] == 0:
                continue
            result.reasons.append(f"resource {resource} unavailable in ClusterQueue")
            return False
        if resource in chosen:
            continue
        asked = {name: amount for name, amount in pod_set.requests.items() if name in group.covered}
        search = _Search(snapshot, workload, pod_set, group, asked, result)
        choice, at = search.best(tried.get(resource, -1) + 1)
        if choice is None:
            return False
        for name in asked:
            chosen[name] = (choice.flavor, choice.modes[name], choice.levels[name], at)
    for name, (flavor, mode, level, _) in chosen.items():
        key = FlavorResource(flavor, name)
        result.usage[key] = result.usage.get(key, 0) + pod_set.requests[name]
        result.borrowing = max(result.borrowing, level)
        if mode is not Mode.FIT:
            result.needing.add(key)
    result.last_tried.append({name: at for name, (_, _, _, at) in chosen.items()})
    return True


@dataclass(frozen=True)
class _Search:
    """``findFlavorForPodSets`` for one resource group of one pod set."""

    snapshot: Snapshot
    workload: Workload
    pod_set: PodSet
    group: ResourceGroup
    asked: Mapping[str, int]
    result: Assignment

    def best(self, start: int) -> tuple[_Choice | None, int]:
        """The flavor chosen, and the index to remember: -1 where the last flavor was tried."""
        fungibility = self.snapshot.queue(self.workload.queue).fungibility
        best: _Choice | None = None
        attempted, reasons = -1, []
        for attempted in range(start, len(self.group.flavors)):
            flavor = self.group.flavors[attempted]
            if self.pod_set.flavors is not None and flavor not in self.pod_set.flavors:
                reasons.append(f"flavor {flavor} doesn't match node affinity")
                continue
            choice = self._try(flavor, fungibility, reasons)
            if not _search_on(choice, fungibility):
                best = choice
                break
            if _preferred((choice.mode, choice.borrowing), (best.mode, best.borrowing) if best else (Mode.NO_FIT, _FAR), fungibility):
                best = choice
        if best is None or best.mode is not Mode.FIT:
            self.result.reasons += reasons
        return best, -1 if attempted == len(self.group.flavors) - 1 else attempted

    def _try(self, flavor: str, fungibility: Fungibility, reasons: list[str]) -> _Choice:
        worst, modes, levels = (Mode.FIT, 0), {}, {}
        for resource in sorted(self.asked):
            mode, level = self._fits(FlavorResource(flavor, resource), self.asked[resource], reasons)
            if _preferred(worst, (mode, level), fungibility):
                worst = (mode, level)
            modes[resource], levels[resource] = mode, level
        return _Choice(flavor, *worst, modes, levels)

    def _fits(self, key: FlavorResource, amount: int, reasons: list[str]) -> tuple[Mode, int]:
        """``fitsResourceQuota``."""
        snapshot, node = self.snapshot, self.snapshot.node(self.workload.queue)
        assumed = self.result.usage.get(key, 0)
        needed, most = assumed + amount, snapshot.tree.potential(node, key)
        if needed > most:
            reasons.append(f"insufficient quota for {key.resource} in flavor {key.flavor}, previously considered podsets requests "
                           f"({assumed}) + current podset request ({amount}) > maximum capacity ({most})")
            return Mode.NO_FIT, 0
        height, smaller = snapshot.usage.fit_height(node, key, needed)
        available = snapshot.usage.available(node, key)
        if needed <= available:
            return Mode.FIT, height
        reasons.append(f"insufficient unused quota for {key.resource} in flavor {key.flavor}, {needed - available} more needed")
        if node.quota(key).nominal >= needed or smaller or self._preempts_while_borrowing():
            return self._simulated(key, needed)
        return Mode.NO_FIT, height

    def _preempts_while_borrowing(self) -> bool:
        """``canPreemptWhileBorrowing``."""
        preemption = self.snapshot.queue(self.workload.queue).preemption
        return preemption.borrow_within_cohort or (self.snapshot.setting.is_fair and preemption.reclaim_within_cohort != "Never")

    def _simulated(self, key: FlavorResource, needed: int) -> tuple[Mode, int]:
        """``SimulatePreemption``: whether preemption could make room for this resource alone."""
        snapshot, node = self.snapshot, self.snapshot.node(self.workload.queue)
        found = targets(snapshot, Attempt(self.workload, frozenset({key}), {key: needed}))
        if not found:
            return Mode.NO_CANDIDATES, snapshot.usage.fit_height(node, key, needed)[0]
        for holder in found:
            snapshot.usage.remove(snapshot.node(holder.workload.queue), holder.usage)
        height = snapshot.usage.fit_height(node, key, needed)[0]
        for holder in found:
            snapshot.usage.add(snapshot.node(holder.workload.queue), holder.usage)
        return (Mode.PREEMPT if any(holder.workload.queue == node.name for holder in found) else Mode.RECLAIM), height


def _preferred(one: tuple[Mode, int], other: tuple[Mode, int], fungibility: Fungibility) -> bool:
    """``isPreferred``: whether the first (mode, borrowing) is better than the second."""
    if one[0] is Mode.NO_FIT:
        return False
    if other[0] is Mode.NO_FIT:
        return True
    if (one[0] is Mode.NO_CANDIDATES) != (other[0] is Mode.NO_CANDIDATES):
        return other[0] is Mode.NO_CANDIDATES
    if fungibility.preference == "PreemptionOverBorrowing":
        return (-one[1], one[0]) > (-other[1], other[0])
    return (one[0], -one[1]) > (other[0], -other[1])


def _search_on(choice: _Choice, fungibility: Fungibility) -> bool:
    """``shouldTryNextFlavor``."""
    if choice.mode in (Mode.NO_FIT, Mode.NO_CANDIDATES):
        return True
    if choice.mode is not Mode.FIT and fungibility.when_can_preempt == "TryNextFlavor":
        return True
    return choice.borrowing > 0 and fungibility.when_can_borrow == "TryNextFlavor"
