"""In which order a cycle's heads get their turn where queues share by weights.

``pkg/scheduler/fair_sharing_iterator.go`` of Kueue v0.19.2. In every Cohort the children's nominees compete, each by the share that its
child would have with it, and the winner competes one level up. After each turn all of it is done again, for the turn has changed what
is in use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from gpuplane.planning.cohorts.dominant_share import dominant_share
from gpuplane.planning.cohorts.quota_tree import Node
from gpuplane.planning.cohorts.snapshot import Snapshot
from gpuplane.planning.cohorts.usage import Amounts
from gpuplane.planning.cohorts.workloads import Workload


class Nominee(Protocol):
    """The head of a queue, and what it would use."""

    @property
    def workload(self) -> Workload:
        """The head."""
        ...

    @property
    def usage(self) -> Amounts:
        """What it would use."""
        ...


One = TypeVar("One", bound=Nominee)
_Rank = tuple[object, ...]


def fair_order(snapshot: Snapshot, nominees: Iterable[One]) -> Iterator[One]:
    """``fairSharingIterator``: at most one nominee of each queue; usage in the snapshot may change between any two.

    Which of several trees comes first is open in Kueue, and changes nothing.
    """
    waiting = {each.workload.queue: each for each in nominees}
    while waiting:
        queue = snapshot.node(next(iter(waiting)))
        if queue.parent is None:
            yield waiting.pop(queue.name)
            continue
        ranks = {key: found for each in waiting.values() for key, found in _ranks(snapshot, each)}
        winner = _winner(queue.root, ranks, waiting)
        assert winner is not None, queue.name
        yield waiting.pop(winner.workload.queue)


def _ranks(snapshot: Snapshot, nominee: Nominee) -> Iterator[tuple[tuple[int, str], _Rank]]:
    """``computeDRS`` and ``entryComparer.less``: how it competes in each cohort above it, lowest first."""
    node, workload = snapshot.node(nominee.workload.queue), nominee.workload
    snapshot.usage.add(node, nominee.usage)
    child = node
    for cohort in node.ancestors():
        share = dominant_share(snapshot.usage, child)
        yield (cohort.index, workload.queue), (share.borrows_of(nominee.usage), share.rank, -workload.priority, workload.created)
        child = cohort
    snapshot.usage.remove(node, nominee.usage)


def _winner(cohort: Node, ranks: dict[tuple[int, str], _Rank], waiting: dict[str, One]) -> One | None:
    """``runTournament``: the first of the best, cohorts' nominees before queues'."""
    below = [_winner(child, ranks, waiting) for child in cohort.cohorts]
    found = [each for each in below if each is not None] + [waiting[queue.name] for queue in cohort.queues if queue.name in waiting]
    return min(found, key=lambda each: ranks[cohort.index, each.workload.queue], default=None)
