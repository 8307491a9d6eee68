"""Minimum and maximum load: who is admitted, who waits, and whether all of it runs."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.delivery.rehearsal.claim import Claim
from gpuplane.delivery.rehearsal.scenarios.levels import claims_of, settled
from gpuplane.delivery.rehearsal.stage import Stage

MINIMUM, MAXIMUM = "minimum load", "maximum load"


def minimum_load(stage: Stage) -> Iterator[Claim]:
    """Every service at ``min_replicas``, on the nodes that the plan keeps running."""
    with stage.step(MINIMUM, f"{sum(stage.minimum.values())} replicas of {len(stage.services)} services"):
        level = stage.scale(stage.minimum)
        settled(stage, stage.minimum, level)
        yield from claims_of(stage, MINIMUM, stage.minimum, level)


def maximum_load(stage: Stage) -> Iterator[Claim]:
    """Every service at ``max_replicas``, on all nodes that there can be."""
    with stage.step(MAXIMUM, f"{sum(stage.maximum.values())} replicas of {len(stage.services)} services"):
        stage.add_nodes(at_maximum=True)
        level = stage.scale(stage.maximum)
        settled(stage, stage.maximum, level)
        yield from claims_of(stage, MAXIMUM, stage.maximum, level)
