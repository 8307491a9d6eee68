"""Whom a workload preempts where queues share by weights: fair preemption of Kueue v0.19.2.

``pkg/scheduler/preemption/preemption.go`` (``fairPreemptions``) and ``fairsharing/*.go``: candidates of queues that borrow, from the
richest branch of the tree first; each goes only where the preemptor's branch stays the poorer one by one of the strategies. A preemptor
within its own quota takes that back whatever the shares are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gpuplane.planning.cohorts.dominant_share import LEAST, Rank, dominant_share
from gpuplane.planning.cohorts.preemption import Attempt, fits, may_preempt, put_back, rank, uses
from gpuplane.planning.cohorts.quota_tree import Node
from gpuplane.planning.cohorts.snapshot import Snapshot
from gpuplane.planning.cohorts.workloads import Admitted


def fair_targets(snapshot: Snapshot, attempt: Attempt) -> list[Admitted]:
    """``fairPreemptions``: the workloads to preempt so that it fits; none where the strategies leave too few."""
    candidates = sorted(_candidates(snapshot, attempt), key=lambda holder: rank(snapshot, attempt, holder))
    if not candidates:
        return []
    search = _Search(snapshot, attempt)
    found = search.first(candidates) or (len(snapshot.setting.strategies) > 1 and search.second())
    search.end()
    if found:
        put_back(snapshot, attempt, search.removed, True)
    for holder in search.removed:
        snapshot.put(holder)
    return search.removed if found else []


def _candidates(snapshot: Snapshot, attempt: Attempt) -> Iterator[Admitted]:
    """``findCandidates``: of its own queue, and of all queues of the tree that borrow what it needs."""
    workload, policy = attempt.workload, snapshot.queue(attempt.workload.queue).preemption
    own = snapshot.node(workload.queue)
    for queue in snapshot.tree.queues.values():
        allowed: str
        if queue is own:
            allowed = policy.within_cluster_queue
        elif queue.parent is not None and queue.root is own.root and not snapshot.usage.within_nominal(queue, attempt.needing):
            allowed = policy.reclaim_within_cohort
        else:
            continue
        yield from (holder for holder in snapshot.holders[queue.name].values()
                    if allowed != "Never" and may_preempt(workload, holder.workload, allowed) and uses(holder, attempt.needing))


class _Search:
    """Removes candidates until the workload fits; its own usage counts meanwhile, for shares are those with it.

    Attributes:
        removed: what has been removed, in that order.
        refused: candidates that the first strategy left.
    """

    def __init__(self, snapshot: Snapshot, attempt: Attempt) -> None:
        self._snapshot, self._attempt, self._own = snapshot, attempt, snapshot.node(attempt.workload.queue)
        self._above = set(self._own.ancestors())
        self.removed: list[Admitted] = []
        self.refused: list[Admitted] = []
        snapshot.usage.add(self._own, attempt.usage)

    def end(self) -> None:
        """Its own usage counts no more."""
        self._snapshot.usage.remove(self._own, self._attempt.usage)

    def first(self, candidates: Iterable[Admitted]) -> bool:
        """``runFirstFsStrategy``; whether it fits."""
        order = _Order(self._snapshot, self._attempt, candidates)
        entitled = self._snapshot.usage.within_nominal(self._own, self._attempt.needing)
        for queue in order:
            if queue is self._own or entitled:
                if self._remove(order.pop(queue)):
                    return True
                continue
            preemptor, target = self._branches(queue)
            mine, before = self._share(preemptor), self._share(target)
            while order.waiting[queue.name]:
                holder = order.pop(queue)
                if self._passes(mine, before, queue, target, holder):
                    if self._remove(holder):
                        return True
                    break  # shares are others now
                self.refused.append(holder)
        return False

    def second(self) -> bool:
        """``runSecondFsStrategy``: of each queue at most one more, where it is the richer one as it is; whether it fits."""
        order = _Order(self._snapshot, self._attempt, self.refused)
        for queue in order:
            preemptor, target = self._branches(queue)
            holder = order.pop(queue)
            if self._share(preemptor) < self._share(target) and self._remove(holder):
                return True
            order.drop(queue)
        return False

    def _passes(self, mine: Rank, before: Rank, queue: Node, target: Node, holder: Admitted) -> bool:
        if self._snapshot.setting.strategies[0] == "LessThanInitialShare":
            return mine < before
        self._snapshot.usage.remove(queue, holder.usage)
        after = self._share(target)
        self._snapshot.usage.add(queue, holder.usage)
        return mine <= after

    def _branches(self, queue: Node) -> tuple[Node, Node]:
        """``getAlmostLCAs``: of the preemptor and of a queue, the nodes below the lowest cohort of both."""
        common = next(node for node in queue.ancestors() if node in self._above)
        return _below(self._own, common), _below(queue, common)

    def _share(self, node: Node) -> Rank:
        return dominant_share(self._snapshot.usage, node).rank

    def _remove(self, holder: Admitted) -> bool:
        """Remove one; whether the workload fits then."""
        self._snapshot.take(holder)
        self.removed.append(holder)
        self._snapshot.usage.remove(self._own, self._attempt.usage)
        found = fits(self._snapshot, self._attempt, True)
        self._snapshot.usage.add(self._own, self._attempt.usage)
        return found


class _Order:
    """``TargetClusterQueueOrdering``: from the root down, always into the child with the highest share that has candidates.

    Between two steps a candidate has to be taken from the queue (:meth:`pop`), or the queue dropped.

    Attributes:
        waiting: candidates that are left, by queue.
    """

    def __init__(self, snapshot: Snapshot, attempt: Attempt, candidates: Iterable[Admitted]) -> None:
        self._snapshot, self._attempt, self._own = snapshot, attempt, snapshot.node(attempt.workload.queue)
        self._above = set(self._own.ancestors())
        self._pruned: set[Node] = set()
        self.waiting: dict[str, list[Admitted]] = {name: [] for name in snapshot.tree.queues}
        for holder in candidates:
            self.waiting[holder.workload.queue].append(holder)

    def __iter__(self) -> Iterator[Node]:
        if self._own.parent is None:
            while self.waiting[self._own.name] and self._own not in self._pruned:
                yield self._own
            return
        root = self._own.root
        while root not in self._pruned:
            queue = self._next(root)
            if queue is not None:
                yield queue

    def pop(self, queue: Node) -> Admitted:
        """The next candidate of a queue."""
        return self.waiting[queue.name].pop(0)

    def drop(self, queue: Node) -> None:
        """Take no more of a queue."""
        self._pruned.add(queue)

    def _next(self, cohort: Node) -> Node | None:
        """``nextTarget``; None where it only found something to prune."""
        queue, of_queue = self._richest_queue(cohort)
        below, of_below = self._richest_cohort(cohort)
        if queue is None and below is None:
            self._pruned.add(cohort)
            return None
        return self._next(below) if below is not None and of_below >= of_queue else queue

    def _richest_queue(self, cohort: Node) -> tuple[Node | None, Rank]:
        found, highest = None, LEAST
        for queue in cohort.queues:
            if queue in self._pruned:
                continue
            share = dominant_share(self._snapshot.usage, queue)
            if (not share.borrowed and queue is not self._own) or not self.waiting[queue.name]:
                self._pruned.add(queue)
            elif share.rank > highest or (found is not None and share.rank == highest and self._first(queue) < self._first(found)):
                found, highest = queue, share.rank
        return found, highest

    def _richest_cohort(self, cohort: Node) -> tuple[Node | None, Rank]:
        """Of equals the last; in Kueue whichever comes last there."""
        found, highest = None, LEAST
        for child in cohort.cohorts:
            if child in self._pruned:
                continue
            share = dominant_share(self._snapshot.usage, child)
            if not share.borrowed and child not in self._above:
                self._pruned.add(child)
            elif share.rank >= highest:
                found, highest = child, share.rank
        return found, highest

    def _first(self, queue: Node) -> tuple[object, ...]:
        return rank(self._snapshot, self._attempt, self.waiting[queue.name][0])


def _below(queue: Node, common: Node) -> Node:
    """The node on a queue's way up that is a child of the cohort."""
    return next(node for node in (queue, *queue.ancestors()) if node.parent is common)
