"""What the plan says of one workload: whether it will be scheduled, and which link of its chain breaks where it will not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gpuplane.planning.placement.claims import Verdict

LinkName = Literal["LocalQueue", "ClusterQueue", "ResourceFlavor", "node pool", "node", "room for all"]
At = Literal["minimum", "maximum"]
SchedulingVerdict = Literal["always", "packable", "not schedulable", "unproven"]


@dataclass(frozen=True)
class PlacedLevel:
    """A pool's services at one level.

    Attributes:
        verdict: of all their pods together on ``available_nodes``.
        pods: how many there are.
        nodes: nodes of the best packing, also where it takes more than there are; None where a pod fits no node.
        lower_bound: no packing takes fewer nodes; equal to ``nodes`` where that is proven the fewest.
        available_nodes: nodes that there can be.
        method: how the packing was found.
        stranded: devices on running nodes that no declared service could use, by resource.
    """

    verdict: Verdict
    pods: int
    nodes: int | None
    lower_bound: int
    available_nodes: int
    method: str
    stranded: Mapping[str, int]


@dataclass(frozen=True)
class LayoutAdvice:
    """Whether a MIG pool is cut right for what its quotas promise.

    Attributes:
        gpus: GPUs that the pool can have.
        short: devices by profile that the declared layout lacks.
        unused: devices by profile that nothing promised asks for.
        fewest_gpus: how few GPUs would serve it, each cut as it suits; None where a profile cannot be cut on this GPU.
        better: how to cut the GPUs instead, ``layout`` and how many GPUs; empty where nothing is short, or nothing helps.
    """

    gpus: int
    short: Mapping[str, int]
    unused: Mapping[str, int]
    fewest_gpus: int | None
    better: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class PoolPlacement:
    """What runs where in one pool.

    Attributes:
        minimum: every service at ``min_replicas``.
        guaranteed: services that may not borrow at their maximum with surge, the others at their minimum.
        maximum: all services at their maximum with surge at once.
        running_nodes: nodes at the minimum, ``min_nodes`` counted.
        layout: of a MIG pool; None for others.
    """

    pool: str
    minimum: PlacedLevel
    guaranteed: PlacedLevel
    maximum: PlacedLevel
    running_nodes: int
    layout: LayoutAdvice | None = None


@dataclass(frozen=True)
class Link:
    """One step from a workload to the nodes.

    Attributes:
        name: what kind of step.
        subject: which object, e.g. ``acme/gpu``.
        holds: None: not known.
        inputs: what was compared, name and value.
    """

    name: LinkName
    subject: str
    holds: bool | None
    inputs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Schedulability:
    """One workload at its minimum or maximum.

    Attributes:
        workload: ``tenant/service``.
        at: ``minimum``, or ``maximum`` with the surge of a rollout, the other services at their minimum.
        replicas: how many that is.
        verdict: ``always``: whatever the scheduler does; ``packable``: an assignment exists, the scheduler may miss it.
        links: the chain, in order, as far as it was followed.
        broken_link: the first that breaks; empty where none does.
        remedy: the cheapest way to mend it; empty where none breaks.
    """

    workload: str
    at: At
    replicas: int
    verdict: SchedulingVerdict
    links: tuple[Link, ...]
    broken_link: str
    remedy: str
