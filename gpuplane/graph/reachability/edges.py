"""One way from one party's work to another's: what it leads through, and which objects make it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from gpuplane.graph.resource_view import ResourceView

MOST_APART = 12
"""Tenants whose paths among each other are said one by one; those of more are one edge, for there would be their square of them."""


class Medium(StrEnum):
    """What a way leads through; the words of ``reachable_from`` in a tenant's file."""

    NETWORK = "network"
    API = "kubernetes-api"
    SECRETS = "secrets"
    VOLUMES = "volumes"
    CLOUD = "cloud"
    DEVICES = "devices"
    QUEUES = "queues"
    CACHES = "caches"
    TELEMETRY = "telemetry"


class Side(StrEnum):
    """Whose a party is."""

    TENANT = "tenant"
    PLATFORM = "platform"
    OUTSIDE = "outside"


@dataclass(frozen=True, order=True)
class Party:
    """A tenant, a part of the platform (``namespace monitoring``), or something outside (``network 10.20.0.0/16``).

    Attributes:
        side: whose it is.
        name: of the tenant or the part; how many there are of several tenants.
        members: several tenants, sorted, each of which is meant; empty for one.
    """

    side: Side
    name: str
    members: tuple[str, ...] = ()

    @property
    def is_tenant(self) -> bool:
        """Whether it is a tenant, or several."""
        return self.side is Side.TENANT

    @property
    def names(self) -> tuple[str, ...]:
        """Itself, or each of the tenants that it stands for."""
        return self.members or (self.name,)

    def __str__(self) -> str:
        return f"any of {self.name}" if self.members else f"tenant {self.name}" if self.is_tenant else self.name


@dataclass(frozen=True, order=True)
class Maker:
    """An object that makes an edge.

    Attributes:
        urn, kind, namespace, name: of the object.
        field: dotted path of what makes it; empty where it is the whole object, or that something is not in it.
    """

    urn: str
    kind: str
    namespace: str
    name: str
    field: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace + '/' if self.namespace else ''}{self.name}"


@dataclass(frozen=True)
class Edge:
    """One way.

    Attributes:
        medium: what it leads through.
        source: who can reach.
        target: whose work, data or right is reached.
        sentence: what can be done, with both ends.
        objects: what makes it, first the one to look at first; never empty.
        certain: False where a value that only apply knows decides it: then it cannot be excluded.
        allowed: why it may be; empty where nobody said so.
    """

    medium: Medium
    source: Party
    target: Party
    sentence: str
    objects: tuple[Maker, ...]
    certain: bool = True
    allowed: str = ""

    @property
    def refused(self) -> bool:
        """Whether nobody allows it."""
        return not self.allowed

    @property
    def between_tenants(self) -> bool:
        """Whether both ends are tenants."""
        return self.source.is_tenant and self.target.is_tenant

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes it the same edge at another ref: medium, both ends, and what can be done."""
        return (self.medium, self.source.side, *self.source.names, self.target.side, *self.target.names, self.sentence)

    @property
    def ends(self) -> str:
        """From whom to whom, in words."""
        return f"{self.source} to {self.target if self.source != self.target else 'any other'}"

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Names of both ends, for each pair that it stands for: nobody's way to himself."""
        ends = product(self.source.names, self.target.names)
        return (pair for pair in ends if pair[0] != pair[1] or self.source.side is not self.target.side)


def tenant(name: str) -> Party:
    """A tenant."""
    return Party(Side.TENANT, name)


def parties(names: Iterable[str]) -> tuple[Party, ...]:
    """Tenants one by one, sorted; many are one party."""
    every = tuple(sorted(names))
    return tuple(map(tenant, every)) if len(every) <= MOST_APART else (Party(Side.TENANT, f"{len(every)} tenants", every),)


def platform(name: str) -> Party:
    """A part of the platform."""
    return Party(Side.PLATFORM, name)


def outside(name: str) -> Party:
    """Something that is neither a tenant's nor the platform's."""
    return Party(Side.OUTSIDE, name)


def maker(view: ResourceView, field: str = "") -> Maker:
    """An object, as what makes an edge."""
    return Maker(view.urn, view.kind, view.namespace, view.name, field)

