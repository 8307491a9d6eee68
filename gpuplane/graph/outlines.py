"""What of a tenant's resources others see: all but leaves, which are about their own namespace, and most of what there is to read.

Rules that look across tenants see no more (``Rule.sight``; docs/adr/0042).
"""

from __future__ import annotations

from dataclasses import replace

from gpuplane.graph.resource_view import ResourceView, items, lookup

LEAVES = frozenset({"PodDisruptionBudget", "LimitRange"})
"""Kinds of objects of which others see nothing, as of components."""
_RULES = "PrometheusRule"
"""Kind of objects of which others see which series they record."""


def outlined(view: ResourceView) -> ResourceView | None:
    """What others see of a resource: the view without what it waits for in an apply, less of it, or None."""
    if not view.custom or view.kind in LEAVES:
        return None
    return _recorded(view) if view.kind == _RULES else replace(view, dependencies=())


def _recorded(view: ResourceView) -> ResourceView | None:
    names = {record for group in items(view.get("spec", "groups")) for rule in items(lookup(group, "rules"))
             if isinstance(record := lookup(rule, "record"), str)}
    if not names:
        return None
    groups = [{"rules": [{"record": name} for name in sorted(names)]}]
    return replace(view, dependencies=(), props={**view.props, "spec": {"groups": groups}})
