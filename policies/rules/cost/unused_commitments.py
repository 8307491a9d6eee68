"""CB-10: reserved capacity is paid for whether it is used or not, and what always runs without it is paid for dearly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gpuplane.graph.node_sources import NODE_GROUP_TYPE
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.quantities import quantity
from gpuplane.graph.resource_view import ResourceView, items
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_RESERVATION = "aws:ec2/capacityReservation:CapacityReservation"


class UnusedCommitments(Rule):
    """Reservations beyond what may ever run are lost money; policies.least_reserved_percent says how much of what always runs must be one.

    Judged are EC2 capacity reservations against the node groups of the same instance type: their maximum, and their minimum.
    """

    id = "CB-10"
    title = "Reserved capacity covers what always runs, and no more than may ever run"
    severity = "medium"
    remedy = "Lower the reservation's instanceCount, or reserve what the node groups' minimum needs."
    references = ("FinOps Framework: Rate Optimization", "Amazon EC2 User Guide: On-Demand Capacity Reservations, pricing and billing")
    scope = "platform"
    looks_at = "outlines"
    context = ("NodeGroup",)

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        groups = [view for view in graph.resources if view.type == NODE_GROUP_TYPE and len(items(view.get("instanceTypes"))) == 1]
        least, most = (_nodes(groups, bound) for bound in ("minSize", "maxSize"))
        reservations = [view for view in graph.resources if view.type == _RESERVATION]
        reserved: Counter[str] = Counter()
        for view in reservations:
            reserved[str(view.get("instanceType"))] += int(quantity(view.get("instanceCount")) or 0)
        for view in reservations:
            name = str(view.get("instanceType"))
            if reserved[name] > most[name]:
                yield self.fail(graph, view, f"{reserved[name]} instances of {name} are reserved, and at most {most[name]} may ever run.",
                                "instanceCount")
        wanted = graph.parameters.least_reserved_percent
        for view in groups:
            name = str(view.get("instanceTypes", 0))
            if least[name] and reserved[name] * 100 < least[name] * wanted:
                yield self.fail(
                    graph, view, f"{reserved[name]} of {least[name]} instances of {name} that always run are reserved, not {wanted} %.",
                    "scalingConfig.minSize")

    PASSES = (
        Example("as much as always runs", """
resources:
  h100: {type: "aws:eks/nodeGroup:NodeGroup", properties: {instanceTypes: [p5.48xlarge], scalingConfig: {minSize: 2, maxSize: 4}}}
  reserved: {type: "aws:ec2/capacityReservation:CapacityReservation", properties: {instanceType: p5.48xlarge, instanceCount: 2}}
"""),
    )
    FAILS = (
        Example("more than may ever run", """
resources:
  h100: {type: "aws:eks/nodeGroup:NodeGroup", properties: {instanceTypes: [p5.48xlarge], scalingConfig: {minSize: 2, maxSize: 4}}}
  reserved: {type: "aws:ec2/capacityReservation:CapacityReservation", properties: {instanceType: p5.48xlarge, instanceCount: 8}}
""", "8 instances of p5.48xlarge are reserved, and at most 4 may ever run"),
    )


def _nodes(groups: list[ResourceView], bound: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for view in groups:
        found[str(view.get("instanceTypes", 0))] += int(quantity(view.get("scalingConfig", bound)) or 0)
    return found
