"""Access for an emergency: a binding that says why, who allowed it and on which day it ends."""

from __future__ import annotations

from datetime import date, timedelta

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.spec.vocabulary import BREAK_GLASS_APPROVER, BREAK_GLASS_EXPIRES, BREAK_GLASS_REASON

_SAID = {"reason": BREAK_GLASS_REASON, "approver": BREAK_GLASS_APPROVER, "last day": BREAK_GLASS_EXPIRES}


def is_break_glass(view: ResourceView) -> bool:
    """Whether a binding says that it is for an emergency, however badly."""
    return any(key in view.annotations for key in _SAID.values())


def objection(graph: PlannedGraph, view: ResourceView) -> str:
    """Why such a binding does not hold, as the end of a sentence about it; empty where it does.

    What it says is complete, and its last day is neither over nor further away than the environment's ``break_glass_days``.
    """
    missing = [what for what, key in _SAID.items() if not str(view.annotations.get(key, "")).strip()]
    if missing:
        return f"does not say its {' and '.join(missing)}"
    try:
        last = date.fromisoformat(str(view.annotations[BREAK_GLASS_EXPIRES]))
    except ValueError:
        return "has no date for its last day"
    most = graph.parameters.break_glass_days
    if graph.as_of is not None and last < graph.as_of:
        return f"ended on {last}"
    if graph.as_of is not None and last > graph.as_of + timedelta(days=most):
        return f"lasts until {last}, which is more than {most} days"
    return ""
