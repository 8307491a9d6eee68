"""``gpuplane up``: the gate, then stacks in waves, each with an approval where one is wanted, and a record of all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gpuplane.delivery.applying import states
from gpuplane.delivery.applying.apply_stack import Applier, Patience
from gpuplane.delivery.applying.approval import Approval
from gpuplane.delivery.applying.digest import StackDigest
from gpuplane.delivery.applying.drifted import drift_before, held_by, said_of
from gpuplane.delivery.applying.gate import passed, require_migrated, require_ready
from gpuplane.delivery.applying.offboarding import Offboarding, left_behind
from gpuplane.delivery.applying.outcome import Outcome, exit_status, print_summary
from gpuplane.delivery.applying.protection import lift
from gpuplane.delivery.applying.record_events import record_begin, record_drift, record_end
from gpuplane.delivery.applying.remedies import helped
from gpuplane.delivery.applying.run_record import RunRecord, last_unfinished, new_record
from gpuplane.delivery.applying.stack_run import Interrupts
from gpuplane.delivery.applying.unsure import unsure_before
from gpuplane.delivery.applying.waves import Wave, run_waves, waves_of
from gpuplane.delivery.exit_status import REFUSED, CannotStart
from gpuplane.delivery.pulumi_engine import name_of
from gpuplane.delivery.state_backend import state_home
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey

if TYPE_CHECKING:
    from rich.console import Console

    from gpuplane.planning.environment_plan import EnvironmentPlan


@dataclass(frozen=True)
class UpOptions:
    """How to apply.

    Attributes:
        layers, tenants: what; no tenants are all of them.
        offboard: tenants whose documents are gone, and who are to go with everything they have.
        parallel: how many stacks at once.
        patience: how long to wait, how often to try.
        resume: leave out what the last run, which did not get done, had finished.
        approval: what is approved; None where nobody asked for one.
        glass: the reason for breaking the glass; empty where it is whole.
        actor: who runs this.
        runs: folder of the records; None for the usual one.
    """

    layers: tuple[str, ...]
    tenants: tuple[str, ...] = ()
    offboard: tuple[str, ...] = ()
    parallel: int = 4
    patience: Patience = field(default_factory=Patience)
    resume: bool = False
    approval: Approval | None = None
    glass: str = ""
    actor: str = ""
    runs: Path | None = None


def up(spec: EnvironmentSpec, as_of: date, console: Console, options: UpOptions) -> int:
    """Apply stacks; nothing is registered unless the whole environment passes.

    Returns:
        0 applied; 1 refused, or a stack is held; 3 a stack failed, and the table says which.

    Raises:
        CannotStart, EngineFailed: before the first stack; nothing was changed.
    """
    _require_tenants(spec, options)
    variables = require_ready(spec, options.layers)
    report = passed(spec, as_of, console, glass_broken=bool(options.glass), recorded=True)
    if report is None:
        return REFUSED
    with helped(spec, variables):
        names = states.stack_names(variables)
        require_migrated(spec, names, variables)
        leaving = left_behind(spec, options.layers, names, variables) if not options.tenants else Offboarding()
    unsaid = leaving.tenants - set(options.offboard)
    if unsaid:
        console.print(f"[red]✗[/] {spec.name}: no document describes {', '.join(sorted(unsaid))} any more; nothing was changed. "
                      f"To delete what such a tenant has: {' '.join(f'--offboard {name}' for name in sorted(unsaid))}", soft_wrap=True)
        return REFUSED
    waves = waves_of(spec, options.layers, options.tenants)
    digests = {one.key: one for one in report.stacks if one.key.layer in options.layers}
    if options.glass:
        console.print(f"[red]the glass is broken[/] by {options.actor}: ", end="")
        console.print(options.glass, markup=False, highlight=False)
    record_begin(spec, digests.values(), options.approval, options.glass)
    run = _Run(spec, report.plan, variables, console, options, digests)
    status = run.waves(waves, tuple(key for key in leaving.stacks if key.tenant in options.offboard))
    record_end(spec, run.outcomes, digests)
    return status


class _Run:
    """One run over stacks."""

    def __init__(self, spec: EnvironmentSpec, planned: EnvironmentPlan, variables: dict[str, str], console: Console, options: UpOptions,
                 digests: Mapping[StackKey, StackDigest]) -> None:
        self.spec, self.console, self.options, self.digests = spec, console, options, digests
        self.outcomes: tuple[Outcome, ...] = ()
        self.interrupts = Interrupts()
        self.applier = Applier(spec, planned, variables, console, self.interrupts, options.patience, before=self._held)
        self.destroyed: frozenset[StackKey] = frozenset()
        folder = options.runs or state_home() / "runs"
        self.applier.unsure = unsure_before(folder, spec.name)
        former = last_unfinished(folder, spec.name) if options.resume else None
        self.finished: Mapping[str, str] = former.finished if former is not None else {}
        self.record: RunRecord = new_record(folder, spec.name, _now())
        if former is not None:
            console.print(f"goes on from {former.path.name}: {len(former.finished)} stacks were done")

    def waves(self, waves: tuple[Wave, ...], leaving: Wave) -> int:
        """Apply waves, then destroy the stacks of those who leave; returns the exit status."""
        self.destroyed = frozenset(leaving)
        everything = (*waves, *([leaving] if leaving else []))
        self.applier.alone = self.options.parallel == 1 or all(len(wave) == 1 for wave in everything)
        with self.interrupts.handled():
            self.outcomes = run_waves(everything, self._work, self._not_begun, self.options.parallel, self.interrupts.stopped.is_set,
                                      self._done)
        if len(self.outcomes) > 1 or any(outcome.reason for outcome in self.outcomes):
            print_summary(self.outcomes, self.console)
        status = exit_status(self.outcomes)
        self.record.close(status, _now())
        if self.record.lost:
            self.console.print(f"[yellow]![/] {self.record.path} is not whole: {self.record.lost}; --resume does everything again",
                               soft_wrap=True, highlight=False)
        return status

    def _work(self, key: StackKey) -> Outcome:
        name, digest = name_of(self.spec, key), self._digest(key)
        if self.finished.get(name) == digest:
            return Outcome(key, name, "done before")
        self.record.began(name, digest, _now())
        return self.applier.destroy(key) if key in self.destroyed else self.applier.apply(key)

    def _digest(self, key: StackKey) -> str:
        return self.digests[key].digest if key in self.digests else ""

    def _done(self, outcome: Outcome) -> None:
        self.record.ended(outcome, self._digest(outcome.key), _now())
        if self.applier.unsure.get(outcome.name):
            self.record.unsure(outcome.name, self.applier.unsure[outcome.name], _now())
        if outcome.is_done:
            self.console.print(f"[green]✓[/] {outcome.name}: {outcome.changes if outcome.attempts else outcome.result}")
        else:
            self.console.print(f"[red]✗[/] {outcome.name}: {outcome.result}")

    def _not_begun(self, key: StackKey, why: str) -> Outcome:
        return Outcome(key, name_of(self.spec, key), "not begun", reason=why or "the run was stopped")

    def _held(self, key: StackKey) -> str:
        """Why a stack is not to be touched; protection is lifted from what is approved to go."""
        approval, wanted, leaves = self.options.approval, self.spec.environment.spec.applying, key in self.destroyed
        if not self.options.glass and (approval is not None or wanted.approval is not None):
            found = approval or Approval(self.spec.name, {}, {})
            why = found.stays(key) if leaves else found.held(self.digests[key]) or held_by(self.spec, drift_before(self.applier, key))
            if why:
                return why
        elif not self.options.glass and wanted.drift != "conflict" and not leaves:
            touched = drift_before(self.applier, key)
            record_drift(self.spec, touched, repaired=False)
            if touched and wanted.drift == "stop":
                return held_by(self.spec, touched)
            if touched:
                self.applier.take_back.add(key)
                self.console.print(f"  {name_of(self.spec, key)}: {said_of(touched)}; it is taken back", soft_wrap=True, markup=False,
                                   highlight=False)
        if approval is not None and approval.lift:
            lift(name_of(self.spec, key), approval.lift, self.applier.variables)
        return ""


def _require_tenants(spec: EnvironmentSpec, options: UpOptions) -> None:
    if not options.tenants:
        return
    if not spec.environment.spec.tenant_stacks:
        place = spec.places[("Environment", spec.name)]
        raise CannotStart(f"--tenant needs a stack for each tenant; {place.file} has no tenant_stacks: true. Leave --tenant out.")
    unknown = sorted(set(options.tenants) - spec.tenants.keys())
    if unknown:
        raise CannotStart(f"--tenant {', '.join(unknown)}: {spec.name} has no such tenant; it has: {', '.join(spec.tenants)}.")


def _now() -> datetime:
    return datetime.now(UTC)


