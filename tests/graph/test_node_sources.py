"""What our own objects of each kind of pool say to the graph."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from gpuplane.catalog import default_catalog
from gpuplane.components.karpenter_node_pool import KarpenterNodePool
from gpuplane.graph.node_sources import node_sources
from gpuplane.graph.planned_graph import PlannedGraph
from tests.components.recorded import record
from tests.components.test_karpenter_node_pool import POOL

US = replace(POOL, region="us-east-1", instance_types=("p5.48xlarge",))


@pytest.mark.parametrize(("args", "nodes"), [(US, 4), (replace(US, static_nodes=2), 4)], ids=["by GPUs", "by number"])
def test_a_karpenter_pool_has_nodes_gpus_and_a_price(args: object, nodes: int) -> None:
    source, = node_sources(PlannedGraph(record(lambda: KarpenterNodePool("h100", args))), default_catalog())  # type: ignore[arg-type]

    assert (source.max_nodes, source.gpus, source.total) == (nodes, 8, None)
    assert source.labels["gpuplane.dev/pool"] == "h100"
    assert source.usd_per_node_hour == Decimal("55.04")


def test_reserved_capacity_costs_what_is_listed_and_the_dearest_option_counts() -> None:
    def price(*types: str) -> Decimal | None:
        views = record(lambda: KarpenterNodePool("h100", replace(US, capacity_types=types)))
        return node_sources(PlannedGraph(views), default_catalog())[0].usd_per_node_hour

    assert price("reserved") == price("reserved", "spot", "on_demand") == price("on_demand") == Decimal("55.04")
    assert price("spot") is not None
    assert price("spot") < price("on_demand")  # type: ignore[operator]
