"""The planned resources as the tree they are registered in: layer, component, child."""

from __future__ import annotations

from dataclasses import dataclass

from gpuplane.delivery.changes import is_real
from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.graph.resource_view import ResourceView
from gpuplane.spec.environment_spec import LAYERS


@dataclass(frozen=True)
class Node:
    """A resource with what is below it; ``count`` is how many real resources it and they are."""

    view: ResourceView
    children: tuple[Node, ...]

    @property
    def count(self) -> int:
        """Real resources in this subtree."""
        return int(is_real(self.view)) + sum(child.count for child in self.children)


def resource_tree(report: PreviewReport) -> tuple[tuple[str, tuple[Node, ...]], ...]:
    """Roots by layer, in the order layers are applied; components first, then by kind and name. Providers are left out."""
    views = [view for view in report.resources if not view.type.startswith("pulumi:")]
    known = {view.urn for view in views}
    below: dict[str, list[ResourceView]] = {}
    for view in views:
        below.setdefault(view.parent if view.parent in known else "", []).append(view)
    roots = _nodes(below, "")
    layers = sorted({node.view.layer for node in roots}, key=lambda layer: (LAYERS.index(layer) if layer in LAYERS else 9, layer))
    return tuple((layer, tuple(node for node in roots if node.view.layer == layer)) for layer in layers)


def _nodes(below: dict[str, list[ResourceView]], parent: str) -> tuple[Node, ...]:
    found = (Node(view, _nodes(below, view.urn)) for view in below.get(parent, ()))
    return tuple(sorted(found, key=_order))


def _order(node: Node) -> tuple[object, ...]:
    view = node.view
    return view.custom, view.kind, view.namespace, view.name, view.urn
