"""``up``, ``destroy`` and ``drift``: the gate, the identity of the cluster, then layer by layer through Pulumi."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import date
from typing import TYPE_CHECKING, Any

from pulumi import automation as auto

from gpuplane.delivery import pulumi_engine
from gpuplane.delivery.exit_status import GOOD, REFUSED, CannotStart, EngineFailed
from gpuplane.delivery.live_progress import LiveProgress, short
from gpuplane.delivery.preview_report import sentence
from gpuplane.delivery.pulumi_engine import DetachedPulumi
from gpuplane.policies.finding import Verdict
from gpuplane.spec.environment_spec import EnvironmentSpec

if TYPE_CHECKING:
    from rich.console import Console

    from gpuplane.planning.environment_plan import EnvironmentPlan


def up(spec: EnvironmentSpec, as_of: date, layers: tuple[str, ...], console: Console, offboard: tuple[str, ...] = ()) -> int:
    """Apply layers in order; nothing is registered unless the whole environment passes.

    Args:
        offboard: tenants whose documents are gone, and who are to go with everything they have.

    Returns:
        0 applied, 1 refused.

    Raises:
        CannotStart, EngineFailed: exit statuses 2 and 3.
    """
    variables = require_ready(spec, layers)
    planned = _gate(spec, as_of, console)
    if planned is None:
        return REFUSED
    left = _left_behind(spec, layers, variables) - set(offboard)
    if left:
        console.print(f"[red]✗[/] {spec.name}: no document describes {', '.join(sorted(left))} any more; nothing was changed. "
                      f"To delete what such a tenant has: {' '.join(f'--offboard {name}' for name in sorted(left))}", soft_wrap=True)
        return REFUSED
    for layer in layers:
        with LiveProgress(console, f"applying {spec.stack_name(layer)}") as progress:
            _run(spec, planned, layer, variables, progress, lambda stack, progress: stack.up(on_event=progress.on_event))
        console.print(f"[green]✓[/] {spec.stack_name(layer)}: {_counts(progress)}")
    return GOOD


def destroy(spec: EnvironmentSpec, as_of: date, layers: tuple[str, ...], console: Console) -> int:
    """Delete layers, last first; what is protected is refused by Pulumi itself.

    Returns:
        0 when nothing is left.
    """
    variables = require_ready(spec, layers)
    planned = _planned(spec, as_of)
    for layer in reversed(layers):
        if not pulumi_engine.stack_exists(spec, layer, variables):
            console.print(f"{spec.stack_name(layer)}: there is no such stack, nothing to destroy")
            continue
        with LiveProgress(console, f"destroying {spec.stack_name(layer)}") as progress:
            _run(spec, planned, layer, variables, progress,
                 lambda stack, progress: stack.destroy(on_event=progress.on_event, remove=True))
        console.print(f"[green]✓[/] {spec.stack_name(layer)}: {_counts(progress)}")
    return GOOD


def drift(spec: EnvironmentSpec, as_of: date, layers: tuple[str, ...], console: Console, report: Callable[[str], None]) -> int:
    """What differs between the state and what is really there; nothing is changed.

    Args:
        report: called with each line of the result (stdout).

    Returns:
        0 no drift, 1 drift.
    """
    variables = require_ready(spec, layers)
    planned = _planned(spec, as_of)
    drifted = False
    for layer in layers:
        if not pulumi_engine.names_in_state(spec, layer, variables):
            report(f"{spec.stack_name(layer)}: not applied yet")
            continue
        with LiveProgress(console, f"comparing {spec.stack_name(layer)} with the cluster", dry=True) as progress:
            _run(spec, planned, layer, variables, progress,
                 lambda stack, progress: stack.refresh(on_event=progress.on_event, preview_only=True))
        drifted = drifted or bool(progress.changed)
        for urn, (operation, fields) in sorted(progress.changed.items()):
            what = "is gone" if operation == "delete" else f"differs: {', '.join(fields)}" if fields else "differs"
            report(f"{spec.stack_name(layer)}: {short(urn)} {what}")
        if not progress.changed:
            report(f"{spec.stack_name(layer)}: no drift")
    return REFUSED if drifted else GOOD


def preview(spec: EnvironmentSpec, as_of: date, layers: tuple[str, ...], console: Console, report: Callable[[str], None]) -> int:
    """What Pulumi itself would do, against real state; a layer whose upstream is not applied yet is only checked offline."""
    variables = require_ready(spec, layers)
    planned = _gate(spec, as_of, console)
    if planned is None:
        return REFUSED
    for layer in layers:
        position = spec.layers.index(layer)
        below = spec.layers[position - 1] if position else None
        if below is not None and not pulumi_engine.names_in_state(spec, below, variables):
            report(f"{spec.stack_name(layer)}: offline only, until {spec.stack_name(below)} is applied")
            continue
        is_new = not pulumi_engine.stack_exists(spec, layer, variables)
        try:
            with LiveProgress(console, f"previewing {spec.stack_name(layer)}", dry=True) as progress:
                _run(spec, planned, layer, variables, progress, lambda stack, progress: stack.preview(on_event=progress.on_event))
        finally:
            if is_new:
                pulumi_engine.remove_empty(spec, layer, variables)
        for urn, (operation, fields) in sorted(progress.changed.items()):
            report(f"{spec.stack_name(layer)}: {operation} {short(urn)}{': ' + ', '.join(fields) if fields else ''}")
        if not progress.changed:
            report(f"{spec.stack_name(layer)}: no changes")
    return GOOD


def _left_behind(spec: EnvironmentSpec, layers: tuple[str, ...], variables: dict[str, str]) -> set[str]:
    """Tenants that the state holds and no document describes."""
    if "tenants" not in layers:
        return set()
    return pulumi_engine.names_in_state(spec, "tenants", variables, "gpuplane:index:Tenant") - spec.tenants.keys()


def require_ready(spec: EnvironmentSpec, layers: tuple[str, ...]) -> dict[str, str]:
    """Environment variables for Pulumi, once tools, backend and cluster are there.

    Raises:
        CannotStart: one of them is not; nothing was touched.
    """
    unknown = [layer for layer in layers if layer not in spec.layers]
    if unknown:
        raise CannotStart(f"{spec.name} has no layer {', '.join(unknown)}; it has: {', '.join(spec.layers)}.")
    variables = pulumi_engine.require_tools(spec)
    pulumi_engine.require_cluster(spec, layers)
    return variables


def _planned(spec: EnvironmentSpec, as_of: date) -> EnvironmentPlan:
    from gpuplane.catalog import catalog_of
    from gpuplane.planning import plan

    return plan(spec, catalog_of(spec), as_of)


def _gate(spec: EnvironmentSpec, as_of: date, console: Console) -> EnvironmentPlan | None:
    """The environment's plan if plan and rules pass, None after saying why not."""
    from gpuplane.delivery.preview import preview as offline_preview

    with console.status("planning and judging") if console.is_terminal else nullcontext():
        report = offline_preview(spec, as_of)
    if report.verdict is Verdict.PASS:
        console.print(f"[green]✓[/] {spec.name}: {len(report.real_resources)} resources pass {len(report.rules)} rules")
        return report.plan
    console.print(f"[red]✗[/] {spec.name} is refused; nothing is registered:")
    for finding in report.blocking:
        console.print(f"  {sentence(finding)}", soft_wrap=True, markup=False, highlight=False)
    return None


def _run(spec: EnvironmentSpec, planned: EnvironmentPlan, layer: str, variables: dict[str, str], progress: LiveProgress,
         operation: Callable[[auto.Stack, LiveProgress], Any]) -> None:
    """One Pulumi operation in a thread, so that an interrupt is handed on and the state is closed in good order."""
    command = DetachedPulumi()
    failed: list[Exception] = []

    def work() -> None:
        try:
            with pulumi_engine.opened(spec, planned, layer, variables, command) as stack:
                operation(stack, progress)
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=work, name=f"pulumi-{layer}")
    with _stoppable(command) as stopped:
        thread.start()
        while thread.is_alive():
            thread.join(0.2)
    if stopped:
        raise EngineFailed(f"{spec.stack_name(layer)}: stopped by an interrupt; what was done is in the state, "
                           "run the command again to go on.")
    if failed:
        error = failed[0]
        said = "\n".join(progress.errors) or (str(error) if isinstance(error, EngineFailed) else pulumi_engine.reason(error))
        raise EngineFailed(f"{spec.stack_name(layer)}: {said}")


@contextmanager
def _stoppable(command: DetachedPulumi) -> Iterator[list[int]]:
    """While Pulumi works, Ctrl-C, a cancelled CI job and a closed terminal ask it, once, to end in good order.

    Yields:
        The signals that came; empty for none.
    """
    stopped: list[int] = []

    def stop(number: int, _: object) -> None:
        if not stopped:
            command.interrupt()
        stopped.append(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _counts(progress: LiveProgress) -> str:
    words = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted", "same": "unchanged"}
    counted = [f"{progress.steps[key]} {word}" for key, word in words.items() if progress.steps[key]]
    return ", ".join(counted) or "no changes"
