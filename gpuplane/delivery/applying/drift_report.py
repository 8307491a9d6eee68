"""``gpuplane drift``: who changed what, by tenant; and the way back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from gpuplane.delivery.applying import states
from gpuplane.delivery.applying.apply_stack import Applier, Patience
from gpuplane.delivery.applying.approval import Approval
from gpuplane.delivery.applying.digest import stack_digest
from gpuplane.delivery.applying.drifted import Drift, drift_of
from gpuplane.delivery.applying.gate import judged, planned_of, require_ready
from gpuplane.delivery.applying.outcome import Outcome, exit_status, print_summary
from gpuplane.delivery.applying.record_events import record_drift, record_no_drift
from gpuplane.delivery.applying.stack_run import TAKE_BACK, Interrupts
from gpuplane.delivery.applying.waves import waves_of
from gpuplane.delivery.exit_status import GOOD, REFUSED
from gpuplane.delivery.live_progress import short
from gpuplane.delivery.pulumi_engine import name_of
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey

if TYPE_CHECKING:
    from rich.console import Console

    from gpuplane.planning.environment_plan import EnvironmentPlan

SCHEMA_VERSION = 1


def drift(spec: EnvironmentSpec, as_of: date, layers: tuple[str, ...], console: Console, report: Callable[[str], None], *,
          tenants: tuple[str, ...] = (), as_json: bool = False, repair: bool = False, approval: Approval | None = None) -> int:
    """What differs between the state and what is really there; nothing is changed, except with ``repair``.

    Args:
        report: called with each line of the result (stdout).

    Returns:
        0 no drift, or repaired; 1 drift; 3 a repair failed.
    """
    variables = require_ready(spec, layers)
    planned = judged(spec, as_of, console) if repair else planned_of(spec, as_of)
    if planned is None:
        return REFUSED
    names, interrupts = states.stack_names(variables), Interrupts()
    found: dict[StackKey, tuple[Drift, ...] | None] = {}
    with interrupts.handled():
        for key in (key for wave in waves_of(spec, layers, tenants) for key in wave):
            applied = name_of(spec, key) in names and bool(states.resources(name_of(spec, key), variables))
            found[key] = drift_of(spec, planned, key, variables, interrupts, console) if applied else None
    whole = not tenants and set(layers) >= set(spec.layers)
    for line in [drift_json(spec, as_of, found, whole=whole)] if as_json else drift_lines(spec, found):
        report(line)
    drifted = {key: each for key, each in found.items() if each}
    everything = [one for each in drifted.values() for one in each]
    if not drifted and whole:
        record_no_drift(spec, [name_of(spec, key) for key, each in found.items() if each is None])
    if not drifted or not repair:
        record_drift(spec, everything, repaired=False, whole=whole)
        return REFUSED if drifted else GOOD
    applier = Applier(spec, planned, {**variables, **TAKE_BACK}, console, interrupts, Patience(),
                      before=lambda key: _held(spec, planned, key, approval))
    with interrupts.handled():
        outcomes = [_repaired(applier, key, each) for key, each in drifted.items()]
    record_drift(spec, everything, repaired=exit_status(outcomes) == GOOD, whole=whole)
    print_summary(outcomes, console)
    return exit_status(outcomes)


def _held(spec: EnvironmentSpec, planned: EnvironmentPlan, key: StackKey, approval: Approval | None) -> str:
    """Why a stack is not repaired: a repair applies the wish of now, which is approved or not."""
    if approval is None and spec.environment.spec.applying.approval is None:
        return ""
    return (approval or Approval(spec.name, {}, {})).held(stack_digest(spec, planned, key))


def _repaired(applier: Applier, key: StackKey, found: Sequence[Drift]) -> Outcome:
    """Bring what drifted, and nothing else, back to the wish."""
    urns = [each.urn for each in found]
    return applier.work(key, lambda stack, progress: stack.up(on_event=progress.on_event, refresh=True, target=urns), "repairing")


def drift_lines(spec: EnvironmentSpec, found: Mapping[StackKey, Sequence[Drift] | None]) -> list[str]:
    """One line for each object, and one for a stack without any."""
    lines: list[str] = []
    for key, each in found.items():
        name = name_of(spec, key)
        if each is None:
            lines.append(f"{name}: not applied yet")
        elif not each:
            lines.append(f"{name}: no drift")
        else:
            by_tenant = sorted(each, key=lambda one: (one.tenant, one.urn))
            lines += [f"{name}: {f'[{one.tenant}] ' if one.tenant else ''}{one}" for one in by_tenant]
    return lines


def drift_json(spec: EnvironmentSpec, as_of: date, found: Mapping[StackKey, Sequence[Drift] | None], *, whole: bool) -> str:
    """The same as JSON text: keys sorted; ``whole`` says that every stack was looked at."""
    stacks: list[dict[str, Any]] = [{
        "stack": name_of(spec, key), "layer": key.layer, "tenant": key.tenant, "applied": each is not None,
        "drift": [_row(one) for one in each or ()]} for key, each in found.items()]
    value = {"schema_version": SCHEMA_VERSION, "environment": spec.name, "as_of": as_of.isoformat(),
             "drifted": any(each for each in found.values()), "whole": whole, "stacks": stacks}
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


def _row(one: Drift) -> dict[str, Any]:
    return {"urn": one.urn, "object": short(one.urn), "tenant": one.tenant, "gone": one.gone, "fields": [
        {"path": each.path, "certain": each.certain, "writers": [
            {"manager": writer.manager, "at": writer.at, "operation": writer.operation, "subresource": writer.subresource}
            for writer in each.writers]} for each in one.fields]}
