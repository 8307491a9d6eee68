"""Taints of the nodes behind a pool, and which tolerations cover them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gpuplane.graph.node_sources import NODE_GROUP_TYPE
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, items, lookup, mapping, told

_EKS_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}
"""EKS spells effects its own way (``aws_eks_node_group``)."""
_HARD = ("NoSchedule", "NoExecute")


@dataclass(frozen=True)
class Taint:
    """What a taint is, and which object says that nodes bear it."""

    key: str
    value: str
    effect: str
    view: ResourceView

    def tolerated(self, tolerations: Sequence[Any]) -> bool:
        """Whether one of these tolerations covers it."""
        return any(tolerates(each, self.key, self.value, self.effect) for each in tolerations)


def hard_taints(graph: PlannedGraph, view: ResourceView, labels: Mapping[str, Any]) -> Iterator[Taint]:
    """Taints that keep pods off a pool: those of what makes its nodes, and of its flavor where nothing here makes them.

    Args:
        graph: what would be applied.
        view: the pool's ResourceFlavor or source of nodes.
        labels: labels that select the pool's nodes.
    """
    if view.kind == "ResourceFlavor":
        own = items(view.get("spec", "tolerations"))
        sources = [each for each in (*graph.of_kind("NodePool"), *graph.of_kind("NodeGroup")) if _makes(each, labels)]
        found = [taint for source in sources or [view] for taint in _of(source)]
        yield from (taint for taint in found if not taint.tolerated(own))
    else:
        yield from _of(view)


def tolerates(toleration: Any, key: str, value: str, effect: str) -> bool:
    """Whether a toleration covers a taint (``Toleration.ToleratesTaint``, k8s.io/api/core/v1)."""
    own_effect, own_key = told(toleration, "effect"), told(toleration, "key")
    if own_effect and own_effect != effect:
        return False
    exists = bool(told(toleration, "operator") == "Exists")
    if not own_key:
        return exists
    return bool(own_key == key and (exists or str(told(toleration, "value") or "") == value))


def _makes(source: ResourceView, labels: Mapping[str, Any]) -> bool:
    path = ("labels",) if source.type == NODE_GROUP_TYPE else ("spec", "template", "metadata", "labels")
    made = mapping(source.get(*path))
    return bool(labels) and all(str(made.get(key)) == str(value) for key, value in labels.items())


def _of(view: ResourceView) -> Iterator[Taint]:
    if view.type == NODE_GROUP_TYPE:
        written = items(view.get("taints"))
    elif view.kind == "NodePool":
        written = items(view.get("spec", "template", "spec", "taints"))
    else:
        written = items(told(view.props, "spec", "nodeTaints") or told(view.props, "spec", "taints"))
    for taint in written:
        effect = str(lookup(taint, "effect"))
        effect = _EKS_EFFECTS.get(effect, effect)
        if effect in _HARD:
            yield Taint(str(lookup(taint, "key")), str(told(taint, "value") or ""), effect, view)
