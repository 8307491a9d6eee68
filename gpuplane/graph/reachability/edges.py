"""One way from one party's work to another's: what it leads through, and which objects make it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gpuplane.graph.resource_view import ResourceView


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
    """A tenant, a part of the platform (``namespace monitoring``), or something outside (``network 10.20.0.0/16``)."""

    side: Side
    name: str

    @property
    def is_tenant(self) -> bool:
        """Whether it is a tenant."""
        return self.side is Side.TENANT

    def __str__(self) -> str:
        return f"tenant {self.name}" if self.is_tenant else self.name


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
        return (self.medium, self.source.side, self.source.name, self.target.side, self.target.name, self.sentence)


def tenant(name: str) -> Party:
    """A tenant."""
    return Party(Side.TENANT, name)


def platform(name: str) -> Party:
    """A part of the platform."""
    return Party(Side.PLATFORM, name)


def outside(name: str) -> Party:
    """Something that is neither a tenant's nor the platform's."""
    return Party(Side.OUTSIDE, name)


def maker(view: ResourceView, field: str = "") -> Maker:
    """An object, as what makes an edge."""
    return Maker(view.urn, view.kind, view.namespace, view.name, field)

