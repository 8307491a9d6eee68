"""Resources of a report of which most are read when somebody first looks: a terminal tells how many there are, and what changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from gpuplane.delivery.changes import is_real
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning.later import Later


class ReportedViews(Later[ResourceView]):
    """Every resource of a side.

    Args:
        make: all of them.
        real: how many of them are more than components and providers.
        outline: those that are at hand, all namespaces among them.
        apart_from: all but those of tenants whose renders have one of these digests.
    """

    def __init__(self, make: Callable[[], Sequence[ResourceView]], real: int, outline: Sequence[ResourceView],
                 apart_from: Callable[[Collection[str]], Sequence[ResourceView]]) -> None:
        super().__init__(make)
        self.real: Sequence[ResourceView] = Later(lambda: tuple(view for view in self if is_real(view)), real)
        self.outline, self.apart_from = outline, apart_from
