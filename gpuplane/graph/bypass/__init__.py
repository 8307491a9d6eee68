"""Ways round a rule in the declared system: objects and people that no enforcement reaches, each with its proof.

The rules judge objects; this looks at who and what is never asked. One file for each kind of way.
"""

from __future__ import annotations

from gpuplane.graph.bypass import autoscaling, enforcement, gitops, namespaces, rights
from gpuplane.graph.bypass.way import Way
from gpuplane.graph.planned_graph import PlannedGraph

KINDS = {"opt-out label": enforcement.opt_outs, "enforcement that lets pass": enforcement.gaps, "open namespace": namespaces.ways,
         "delivery without a gate": gitops.ways, "autoscaling": autoscaling.ways, "right to edit what enforces": rights.ways}
"""What is looked for, in the order of the report."""


def audit(graph: PlannedGraph) -> tuple[Way, ...]:
    """Every way round that the graph shows, by kind and place."""
    return tuple(way for kind, look in KINDS.items() for way in sorted(look(graph), key=lambda way: way.sort_key) if way.kind == kind)


__all__ = ["KINDS", "Way", "audit"]
