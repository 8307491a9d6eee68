"""``gpuplane destroy``: stacks go, last layer first; what is protected goes only by name."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from gpuplane.delivery.applying import states
from gpuplane.delivery.applying.apply_stack import Applier, Patience
from gpuplane.delivery.applying.approval import Approval
from gpuplane.delivery.applying.gate import planned_of, require_ready
from gpuplane.delivery.applying.outcome import exit_status, print_summary
from gpuplane.delivery.applying.protection import lift
from gpuplane.delivery.applying.record_events import record_end
from gpuplane.delivery.applying.stack_run import Interrupts
from gpuplane.delivery.applying.waves import run_waves
from gpuplane.delivery.pulumi_engine import name_of
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey

if TYPE_CHECKING:
    from rich.console import Console

    from gpuplane.delivery.applying.outcome import Outcome


def destroy(spec: EnvironmentSpec, as_of: date, layers: tuple[str, ...], console: Console, approval: Approval | None = None,
            parallel: int = 4, patience: Patience | None = None) -> int:
    """Delete layers, last first; what is protected is refused by Pulumi itself, unless an approval names it.

    Returns:
        0 when nothing is left; 1 or 3 where something stays.
    """
    variables = require_ready(spec, layers)
    names = states.stack_names(variables)
    there = {key: name_of(spec, key) for key in states.tenant_stacks_there(spec, names, variables)} if "tenants" in layers else {}
    waves = []
    for layer in reversed(layers):
        whole = StackKey(layer)
        if name_of(spec, whole) in names:
            there[whole] = name_of(spec, whole)
        wave = tuple(sorted(key for key in there if key.layer == layer))
        if not wave:
            console.print(f"{spec.stack_name(layer)}: there is no such stack, nothing to destroy")
        waves += [wave] if wave else []

    def lifted(key: StackKey) -> str:
        if approval is not None:
            lift(there[key], approval.lift, variables)
        return ""

    def not_begun(key: StackKey, why: str) -> Outcome:
        from gpuplane.delivery.applying.outcome import Outcome

        return Outcome(key, there[key], "not begun", reason=why or "the run was stopped")

    interrupts = Interrupts()
    applier = Applier(spec, planned_of(spec, as_of), variables, console, interrupts, patience or Patience(), before=lifted,
                      alone=all(len(wave) == 1 for wave in waves))
    with interrupts.handled():
        outcomes = run_waves(waves, applier.destroy, not_begun, parallel, interrupts.stopped.is_set,
                             lambda one: console.print(f"{'[green]✓[/]' if one.is_done else '[red]✗[/]'} {one.name}: "
                                                       f"{one.changes if one.is_done else one.result}"))
    record_end(spec, outcomes, {}, "destroy")
    if any(not outcome.is_done for outcome in outcomes):
        print_summary(outcomes, console)
    return exit_status(outcomes)
