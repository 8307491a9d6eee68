"""The two sides of a packing: node groups that offer amounts, and claims that ask for them.

Amounts are integers by resource name, as the scheduler counts them: ``cpu`` in millicores, ``memory`` and
``ephemeral-storage`` in MiB, ``pods`` and devices (``nvidia.com/gpu``, ``nvidia.com/mig-1g.10gb``) by number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["always", "packable", "not packable", "unproven"]
"""``always``: no order and no choice of nodes can strand a pod; ``packable``: an assignment exists, the scheduler may
miss it; ``not packable``: there is none; ``unproven``: the search gave up before it knew."""

Amounts = tuple[tuple[str, int], ...]
"""Resource to amount, sorted by name, none of them 0."""


def amounts(of: Mapping[str, int]) -> Amounts:
    """Amounts in their one form."""
    return tuple(sorted((name, amount) for name, amount in of.items() if amount > 0))


@dataclass(frozen=True, order=True)
class NodeGroup:
    """Identical nodes.

    Attributes:
        name: unique among the groups.
        free: what one of them has left.
        count: how many there are.
        domains: topology key to this group's value (``zone``, ``nvlink``).
    """

    name: str
    free: Amounts
    count: int
    domains: tuple[tuple[str, str], ...] = ()

    def domain(self, key: str) -> str | None:
        """The group's value of a topology key, None where it has none."""
        return dict(self.domains).get(key)


@dataclass(frozen=True)
class Claim:
    """Identical replicas.

    Attributes:
        pod: what one pod asks for.
        replicas: how many.
        pods_per_replica: pods of one replica, all of this shape (leader and workers); they are placed whole.
        within: topology key whose one value holds all the pods of a replica; ``node``: one node; None: anywhere.
        allowed: names of the groups it may run on; None: all.
        spread: topology key that its pods are spread over, None for none.
        max_skew: most pods that one domain may be ahead of another (``whenUnsatisfiable: DoNotSchedule``).
    """

    pod: Amounts
    replicas: int
    pods_per_replica: int = 1
    within: str | None = None
    allowed: tuple[str, ...] | None = None
    spread: str | None = None
    max_skew: int = 1

    @property
    def pods(self) -> int:
        """All its pods."""
        return self.replicas * self.pods_per_replica

    @property
    def sort_key(self) -> tuple[object, ...]:
        """One order for all claims; None comes before any value."""
        return (self.pod, self.pods_per_replica, self.within or "", self.allowed is not None, self.allowed or (), self.spread or "",
                self.max_skew, self.replicas)

    @property
    def free_to_roam(self) -> bool:
        """Whether each pod may take any node that has room: no gang, no spreading."""
        return self.spread is None and (self.pods_per_replica == 1 or self.within is None)

    def may_use(self, group: NodeGroup) -> bool:
        """Whether its pods may run there at all; room is another question."""
        return self.allowed is None or group.name in self.allowed


def merged(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Claims that differ in nothing but their number, as one; sorted, and none of 0 replicas.

    A replica that lies on one node is one pod of all its amounts.
    """
    found: dict[Claim, int] = {}
    for claim in claims:
        key = _alike(claim)
        found[key] = found.get(key, 0) + (claim.replicas if claim.within is not None or claim.pods_per_replica == 1 else claim.pods)
    return tuple(sorted((_counted(key, count) for key, count in found.items() if count), key=lambda claim: claim.sort_key))


def _alike(claim: Claim) -> Claim:
    allowed = None if claim.allowed is None else tuple(sorted(set(claim.allowed)))
    pod, each, within = claim.pod, claim.pods_per_replica, claim.within
    if within == "node":
        pod, each, within = tuple((name, amount * each) for name, amount in pod), 1, None
    elif each == 1 or within is None:
        each, within = 1, None
    return Claim(pod, 0, each, within, allowed, claim.spread, claim.max_skew if claim.spread else 1)


def _counted(claim: Claim, replicas: int) -> Claim:
    return Claim(claim.pod, replicas, claim.pods_per_replica, claim.within, claim.allowed, claim.spread, claim.max_skew)


def room_for(pod: Amounts, free: Amounts) -> bool:
    """Whether one pod fits so much room."""
    there = dict(free)
    return all(amount <= there.get(name, 0) for name, amount in pod)


def lacking(pod: Amounts, free: Amounts) -> tuple[str, ...]:
    """The resources that a pod asks more of than there is, sorted."""
    there = dict(free)
    return tuple(name for name, amount in pod if amount > there.get(name, 0))


def rest(free: Amounts, used: Iterable[tuple[Amounts, int]]) -> Amounts:
    """What is left after so many pods of each shape."""
    left = dict(free)
    for pod, count in used:
        for name, amount in pod:
            left[name] = left.get(name, 0) - amount * count
    return amounts(left)
