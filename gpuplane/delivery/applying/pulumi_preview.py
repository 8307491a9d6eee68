"""``gpuplane preview --engine pulumi``: what Pulumi itself would do, against real state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from gpuplane.delivery.applying import states
from gpuplane.delivery.applying.gate import judged, require_migrated, require_ready
from gpuplane.delivery.applying.stack_run import run_alone
from gpuplane.delivery.applying.waves import waves_of
from gpuplane.delivery.exit_status import GOOD, REFUSED
from gpuplane.delivery.live_progress import LiveProgress, short
from gpuplane.delivery.pulumi_engine import name_of, require_tools
from gpuplane.spec.environment_spec import LAYERS, EnvironmentSpec, StackKey

if TYPE_CHECKING:
    from rich.console import Console

    from gpuplane.planning.environment_plan import EnvironmentPlan


def preview(spec: EnvironmentSpec, as_of: date, layers: tuple[str, ...], console: Console, report: Callable[[str], None],
            tenants: tuple[str, ...] = ()) -> int:
    """Preview stacks; one whose upstream is not applied yet is only checked offline.

    Args:
        report: called with each line of the result (stdout).
    """
    variables = require_ready(spec, _reachable(spec, layers))
    planned = judged(spec, as_of, console)
    if planned is None:
        return REFUSED
    names = states.stack_names(variables)
    require_migrated(spec, names, variables)
    for key in (key for wave in waves_of(spec, layers, tenants) for key in wave):
        position = spec.layers.index(key.layer)
        below = spec.layers[position - 1] if position else None
        if below is not None and not states.is_applied(spec, below, variables, names):
            report(f"{name_of(spec, key)}: offline only, until {spec.stack_name(below)} is applied")
            continue
        _preview_stack(spec, planned, key, variables, names, console, report)
    return GOOD


def _reachable(spec: EnvironmentSpec, layers: tuple[str, ...]) -> tuple[str, ...]:
    """Layers that need their tools and cluster now: of a cluster that gpuplane is still to create, its own layer alone."""
    if not spec.environment.spec.known_by_export or LAYERS[0] not in layers:
        return layers
    variables = require_tools(spec)
    return layers if states.is_applied(spec, LAYERS[0], variables, states.stack_names(variables)) else LAYERS[:1]


def _preview_stack(spec: EnvironmentSpec, planned: EnvironmentPlan, key: StackKey, variables: dict[str, str], names: frozenset[str],
                   console: Console, report: Callable[[str], None]) -> None:
    name = name_of(spec, key)
    try:
        with LiveProgress(console, f"previewing {name}", dry=True) as progress:
            run_alone(spec, planned, key, variables, progress, lambda stack, progress: stack.preview(on_event=progress.on_event))
    finally:
        if name not in names:
            states.remove_empty(name, variables)
    for urn, (operation, fields) in sorted(progress.changed.items()):
        report(f"{name}: {operation} {short(urn)}{': ' + ', '.join(fields) if fields else ''}")
    if not progress.changed:
        report(f"{name}: no changes")
