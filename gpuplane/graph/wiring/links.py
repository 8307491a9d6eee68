"""One link between two planned objects: what points, what it points at, and whether anything is there."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from gpuplane.graph.resource_view import ResourceView


class State(StrEnum):
    """What is known about the far end of a link."""

    FOUND = "found"
    DANGLING = "dangling"
    """The objects speak of the place that it points at, and what it needs is not there: proven broken."""
    OUTSIDE = "outside"
    """The objects say nothing about that place: it may well be in the cluster already."""


class Relation(StrEnum):
    """Kinds of links, in the order in which a request, and then its measurements, pass them."""

    GATEWAY = "route to gateway listener"
    BACKEND = "route to backend"
    SELECTOR = "selector to pods"
    PORT = "port to container"
    MODEL = "model name to served name"
    NETWORK = "network path to pods"
    REFERENCE = "reference to object"
    IDENTITY = "identity to model storage"
    PLACEMENT = "pods to nodes"
    QUEUE = "queue label to quota"
    TARGET = "autoscaler to target"
    QUERY = "autoscaler query to metric"
    MONITOR = "monitor to metrics port"
    ALERT = "rule expression to metric"
    DASHBOARD = "dashboard to variable and metric"
    TEMPLATE = "workload selector to its own template"
    POLICY = "network policy to pods"


class Link(NamedTuple):
    """One link.

    Attributes:
        relation: what kind of link.
        source: the object that points.
        start: its end in words, e.g. ``backendRef of HTTPRoute support/chat``.
        field: dotted path in the source where the link stands; empty where it follows from the whole object.
        target: the far end in words, e.g. ``Service support/chat port 80``.
        state: whether the far end is there.
        why: for a link that is not found, what is wrong, as the rest of a sentence; else how it was found.
        workloads: URNs of the workloads that it is about.
        serving: whether it is a link that models are served by; others are ordinary references.
    """

    relation: Relation
    source: ResourceView
    start: str
    field: str
    target: str
    state: State
    why: str = ""
    workloads: tuple[str, ...] = ()
    serving: bool = True

    @property
    def sentence(self) -> str:
        """Both ends and what is between them."""
        return f"{self.start} points at {self.target}: {self.why}."
