"""What a component registers, recorded by the offline engine's own monitor."""

from __future__ import annotations

from collections.abc import Callable

from gpuplane.delivery.offline_engine import RecordingMonitor, run_program
from gpuplane.graph.resource_view import ResourceView


def record(program: Callable[[], object]) -> list[ResourceView]:
    """Run a program under the mock monitor; views sorted by URN."""
    monitor = RecordingMonitor()
    run_program(lambda: program() and None, monitor, "test")
    return sorted(monitor.views, key=lambda view: view.urn)


def one(views: list[ResourceView], kind: str, name: str = "") -> ResourceView:
    """The only view of a kind (and name)."""
    found = [view for view in views if view.kind == kind and view.custom and name in ("", view.name)]
    assert len(found) == 1, f"{kind} {name}: {[str(view) for view in found]}"
    return found[0]
