"""CB-12: a budget that is held against last year's prices holds nothing."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.node_sources import node_sources
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule


class StalePrices(Rule):
    """Clouds change prices without a word: in June 2025 p5.48xlarge fell from 98.32 to 55.04 US dollars an hour.

    Judged is the day that the price of each node group, NodePool and Node speaks of, against policies.stale_prices_after_days (a year).
    A price that is missing for the region is CB-05's.
    """

    id = "CB-12"
    title = "Prices that nodes are reckoned with are not older than the environment allows"
    severity = "medium"
    remedy = "Refresh the price book (gpuplane prices), or state the agreed price in the environments' catalog.yaml."
    references = ("FinOps Framework: Data Ingestion", "AWS Price List Bulk API")
    scope = "platform"
    looks_at = "outlines"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        most = graph.parameters.stale_prices_after_days
        for source in node_sources(graph, graph.catalog):
            age = (graph.as_of - source.price_as_of).days if graph.as_of is not None and source.price_as_of is not None else 0
            if age > most:
                yield self.fail(graph, source.view, f"The price of a node of {source.view} is {age} days old, more than {most}: "
                                                    f"{source.price_basis}.")

    PASSES = (
        Example("a price that nobody knows is another rule's", """
resources:
  l40s:
    type: aws:eks/nodeGroup:NodeGroup
    properties: {instanceTypes: [g6e.4xlarge], region: xx-nowhere-1, capacityType: ON_DEMAND}
"""),
    )
    FAILS = (
        Example("a price of last year", """
resources:
  l40s:
    type: aws:eks/nodeGroup:NodeGroup
    properties: {instanceTypes: [g6e.4xlarge], region: eu-central-1, capacityType: ON_DEMAND}
""", "The price of a node of NodeGroup l40s is 542 days old, more than 365"),
    )
