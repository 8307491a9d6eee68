"""A rule about literals that must not stand in what is kept in git, in Pulumi's state and in the cluster's events."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.text_leaves import Leaf
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Rule


class LiteralRule(Rule):
    """What such rules have in common: one finding for each place and kind, which says the place and never the value."""

    scope = "object"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view, leaves in graph.texts:
            found = [(leaf.path, what) for leaf in leaves for what in self.found(graph, leaf)]
            for path, what in dict.fromkeys(found) if found else ():
                yield self.fail(graph, view, f"{path} of {view} holds {what}.", path)

    @abstractmethod
    def found(self, graph: PlannedGraph, leaf: Leaf) -> Iterable[str]:
        """What a text holds, in words; never the value."""
