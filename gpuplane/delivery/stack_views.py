"""Resources of several stacks in one order."""

from __future__ import annotations

from collections.abc import Iterable

from gpuplane.graph.resource_view import ResourceView
from gpuplane.spec.environment_spec import EnvironmentSpec


def together(spec: EnvironmentSpec, views: Iterable[Iterable[ResourceView]]) -> tuple[ResourceView, ...]:
    """Resources of stacks, each once (every stack has the same provider), by layer and URN."""
    return tuple(sorted(each_once(views), key=lambda view: (spec.layers.index(view.layer), view.urn)))


def each_once(views: Iterable[Iterable[ResourceView]]) -> tuple[ResourceView, ...]:
    """Resources by URN; of several of one URN, the last."""
    by_urn = {view.urn: view for some in views for view in some}
    return tuple(by_urn[urn] for urn in sorted(by_urn))
