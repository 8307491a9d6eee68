"""A rule about rights: over every Role and ClusterRole that somebody here wrote, with what only apply can know made a finding."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import ClassVar, Literal

from gpuplane.graph.access import AccessRule
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.rbac import Role, reserved, roles
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Rule


class RoleRule(Rule):
    """A rule that looks at one rule of a role at a time; Kubernetes' own roles are judged by who is bound to them."""

    severity = "high"
    scope: ClassVar[Literal["object", "platform"]] = "object"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for role in roles(graph):
            if not reserved(graph, role):
                for path in role.unknown:
                    yield self.unknown(graph, role.view, f"Rights of {role.view} are only known after apply.", path)
                for rule in role.rules:
                    yield from self.right(graph, role, rule)

    @abstractmethod
    def right(self, graph: PlannedGraph, role: Role, rule: AccessRule) -> Iterator[Finding]:
        """Findings about one rule of a role."""


def listed(words: Iterable[str]) -> str:
    """``a, b and c``."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
