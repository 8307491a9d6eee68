"""How many replicas a service has on average: what its document says, else what its pool's says, else the minimum."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from gpuplane.planning.demand import Demand
from gpuplane.spec.node_pool import NodePool

SaidBy = Literal["service", "pool", "nobody"]


@dataclass(frozen=True)
class ExpectedReplicas:
    """The replicas of one service on average over a month.

    Attributes:
        replicas: at least min_replicas, at most max_replicas; rounded down to a thousandth where a pool's share makes it fractional.
        said_by: ``service``: ``scaling.expected_replicas``; ``pool``: ``expected_scale_percent``; ``nobody``: nobody says it, so it is
            min_replicas.
    """

    replicas: Decimal
    said_by: SaidBy


def expected_replicas(demand: Demand, pool: NodePool) -> ExpectedReplicas:
    """The expectation of one service.

    Args:
        demand: the service.
        pool: the document of the pool that it runs on.
    """
    scaling = demand.entry.document.spec.scaling
    if scaling.expected_replicas is not None:
        return ExpectedReplicas(scaling.expected_replicas, "service")
    percent = pool.spec.expected_scale_percent
    if percent is None:
        return ExpectedReplicas(Decimal(scaling.min_replicas), "nobody")
    between = Fraction(percent, 100) * (scaling.max_replicas - scaling.min_replicas)
    return ExpectedReplicas(scaling.min_replicas + Decimal(int(between * 1000)).scaleb(-3).normalize() + 0, "pool")
