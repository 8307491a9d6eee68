"""A rule about links of the wiring proof: one finding for each link that dangles, with both of its ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.wiring import Relation, dangling
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Rule


class LinkRule(Rule):
    """What all rules about links have in common; a subclass says which links, and what to do about them."""

    severity = "high"
    scope = "platform"
    relations: ClassVar[tuple[Relation, ...]]
    """Links that the rule judges."""

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for link in dangling(graph, *self.relations):
            yield self.fail(graph, link.source, link.sentence, link.field)
