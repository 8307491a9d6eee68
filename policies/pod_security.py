"""The Kubernetes Pod Security Standards as a set of our rules: what the API server's own admission refuses, before there is a server.

A namespace that enforces a level refuses a pod exactly where a rule of that level has a finding; an integration test compares the two,
object by object (k8s.io/pod-security-admission v0.37, ``policy/checks.go``).
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.policies.finding import Finding, Verdict
from gpuplane.policies.registry import all_rules


class Level(StrEnum):
    """A level of the Pod Security Standards that refuses anything."""

    BASELINE = "baseline"
    RESTRICTED = "restricted"


BASELINE = ("WS-01", "WS-02", "WS-03", "WS-04", "WS-09", "WS-10", "WS-12", "WS-13", "WS-14", "WS-16", "WS-17")
"""Rules of level baseline; a finding that is milder than :data:`_MILDEST` is restricted's alone."""
_MILDEST = {"WS-10": "critical", "WS-12": "high"}
"""A seccomp profile that is left out, and an unmasked /proc in a user namespace, are allowed at level baseline."""
RESTRICTED = tuple(sorted((*BASELINE, "WS-05", "WS-06", "WS-07", "WS-08", "WS-15")))
"""Rules of level restricted."""


def violations(graph: PlannedGraph, level: Level) -> Iterator[Finding]:
    """Findings for which a namespace that enforces ``level`` refuses a pod."""
    wanted = BASELINE if level is Level.BASELINE else RESTRICTED
    for rule in all_rules():
        if rule.id in wanted:
            yield from (finding for finding in rule.check(graph)
                        if level is Level.RESTRICTED or finding.verdict is Verdict.UNKNOWN
                        or finding.severity == _MILDEST.get(rule.id, finding.severity))
