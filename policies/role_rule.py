"""A rule about rights: over every Role and ClusterRole that somebody here wrote, with what only apply can know made a finding."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.rbac import Grant, Role, reserved, roles
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Rule


class RoleRule(Rule):
    """A rule that looks at one rule of a role at a time; Kubernetes' own roles are judged by who is bound to them."""

    severity = "high"
    scope = "object"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for role in roles(graph):
            if not reserved(graph, role):
                for path in role.unknown:
                    yield self.unknown(graph, role.view, f"Rights of {role.view} are only known after apply.", path)
                for grant in role.grants:
                    yield from self.grant(graph, role, grant)

    @abstractmethod
    def grant(self, graph: PlannedGraph, role: Role, grant: Grant) -> Iterator[Finding]:
        """Findings about one rule of a role."""


def listed(words: Iterable[str]) -> str:
    """``a, b and c``."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
