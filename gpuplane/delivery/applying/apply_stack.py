"""One stack from its wish to what runs: locks waited for, a killed run recovered from, what passes by itself tried again."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gpuplane.delivery.applying import locks, pending
from gpuplane.delivery.applying.kept_states import keep
from gpuplane.delivery.applying.outcome import Outcome, Result
from gpuplane.delivery.applying.protection import is_refusal, what_to_do
from gpuplane.delivery.applying.remedies import helped_failure
from gpuplane.delivery.applying.stack_run import TAKE_BACK, Interrupts, Operation, StackFailed, Stopped, run_stack
from gpuplane.delivery.applying.transient import is_transient, pause_seconds
from gpuplane.delivery.applying.unsure import Begun
from gpuplane.delivery.exit_status import EngineFailed
from gpuplane.delivery.live_progress import LiveProgress
from gpuplane.delivery.pulumi_engine import name_of
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey

if TYPE_CHECKING:
    from rich.console import Console

    from gpuplane.planning.environment_plan import EnvironmentPlan

_LOCK_PAUSE_SECONDS = 3.0


@dataclass(frozen=True)
class Patience:
    """How long a run waits, and how often it tries again.

    Attributes:
        attempts: tries of one stack at most, the first included.
        lock_seconds: how long to wait for another run on the same stack.
        take_over: whoever runs this answers for it that no other run lives.
    """

    attempts: int = 4
    lock_seconds: float = 0.0
    take_over: bool = False


@dataclass
class Applier:
    """What all stacks of one run have in common.

    Attributes:
        spec, planned, variables: the wish, its plan, the variables for Pulumi.
        console: stderr.
        interrupts: signals, and what they stop.
        patience: waiting.
        alone: whether stacks go one by one, so that the terminal is theirs.
        unsure: by stack, creates of which nobody knows whether they were done.
        before: called with a stack before anything is done to it; a text is why it is held.
        take_back: stacks in which fields that somebody else owns now become the wish's again.
        sleep: waits so many seconds.
    """

    spec: EnvironmentSpec
    planned: EnvironmentPlan
    variables: Mapping[str, str]
    console: Console
    interrupts: Interrupts
    patience: Patience = Patience()
    alone: bool = True
    before: Callable[[StackKey], str] = lambda _: ""
    options: Mapping[str, Any] = field(default_factory=dict)
    unsure: dict[str, tuple[Begun, ...]] = field(default_factory=dict)
    take_back: set[StackKey] = field(default_factory=set)
    sleep: Callable[[float], object] = time.sleep

    def apply(self, key: StackKey) -> Outcome:
        """Bring one stack to what is wished."""
        return self.work(key, lambda stack, progress: stack.up(on_event=progress.on_event, **self.options), "applying")

    def destroy(self, key: StackKey) -> Outcome:
        """Delete what a stack holds, and the stack."""
        done = self.work(key, lambda stack, progress: stack.destroy(on_event=progress.on_event, remove=True), "destroying")
        return done if not done.is_done else Outcome(key, done.name, "destroyed", done.counts, done.attempts, done.seconds)

    def work(self, key: StackKey, operation: Operation, verb: str) -> Outcome:
        """Do one thing with a stack, with the patience that it takes."""
        attempt, counts, began, waited = 1, Counter[str](), time.monotonic(), 0.0

        def ended(result: Result, reason: str = "") -> Outcome:
            return Outcome(key, name_of(self.spec, key), result, counts, attempt, time.monotonic() - began, reason)

        while True:
            try:
                held = self.before(key)
                if held:
                    return ended("held", held)
                self._recover(key)
                self._once(key, operation, verb, counts)
                return ended("applied" if counts.keys() - {"same"} else "unchanged")
            except Stopped as error:
                self._note_unsure(key, error)
                return ended("stopped", str(error))
            except EngineFailed as error:
                said = error.said if isinstance(error, StackFailed) else str(error)
                if locks.is_locked(said):
                    if not self._lock_goes(key, said, waited):
                        return ended("failed", locks.locked_sentence(name_of(self.spec, key), said, waited))
                    waited += _LOCK_PAUSE_SECONDS
                    continue
                if is_refusal(str(error)):
                    return ended("refused", f"{error}\n{what_to_do(self.spec.name, name_of(self.spec, key), self.variables)}")
                messages = error.messages if isinstance(error, StackFailed) else (str(error),)
                self._note_unsure(key, error)
                if attempt >= self.patience.attempts or not is_transient(messages) or self.interrupts.stopped.is_set():
                    return ended("failed", helped_failure(self.spec, name_of(self.spec, key), self.variables, str(error), said))
                self._pause(key, attempt, error)
                attempt += 1

    def _once(self, key: StackKey, operation: Operation, verb: str, counts: Counter[str]) -> None:
        """One try; what it got done counts, however it ends."""
        name, variables = name_of(self.spec, key), {**self.variables, **(TAKE_BACK if key in self.take_back else {})}
        with LiveProgress(self.console, f"{verb} {name}", among="" if self.alone else name) as progress:
            try:
                run_stack(self.spec, self.planned, key, variables, self.interrupts, progress, operation, self.keeping(key))
            finally:
                counts.pop("same", None)
                counts.update(progress.real_steps)

    def keeping(self, key: StackKey) -> Callable[[Mapping[str, Any]], None]:
        """What keeps the state of a stack before anything is done to it."""
        return lambda state: keep(self.spec, name_of(self.spec, key), state, self.variables, datetime.now(UTC))

    def _recover(self, key: StackKey) -> None:
        name = name_of(self.spec, key)
        for line in pending.recover(self.spec, name, self.variables, self.unsure.get(name, ())):
            self.console.print(f"  {name}: {line}", soft_wrap=True, markup=False, highlight=False)
        self.unsure.pop(name, None)

    def _note_unsure(self, key: StackKey, error: EngineFailed) -> None:
        name = name_of(self.spec, key)
        if isinstance(error, (StackFailed, Stopped)) and error.unsure:
            known = {one["urn"]: one for one in (*self.unsure.get(name, ()), *error.unsure)}
            self.unsure[name] = tuple(known.values())

    def _lock_goes(self, key: StackKey, said: str, waited: float) -> bool:
        """Whether trying again makes sense: the lock was taken away, or there is time left to wait."""
        name = name_of(self.spec, key)
        if locks.may_be_taken(said, self.patience.take_over, self.variables["PULUMI_BACKEND_URL"]):
            gone = ", ".join(map(str, locks.holders(said)))
            self.console.print(f"  {name}: the run that locked it is gone ({gone}); taking its lock away", soft_wrap=True, highlight=False)
            locks.take(name, self.variables)
            return True
        if waited >= self.patience.lock_seconds or self.interrupts.stopped.is_set():
            return False
        if not waited:
            self.console.print(f"  {name}: waits for {', '.join(map(str, locks.holders(said))) or 'another update'}", soft_wrap=True,
                               highlight=False)
        self.sleep(_LOCK_PAUSE_SECONDS)
        return True

    def _pause(self, key: StackKey, attempt: int, error: EngineFailed) -> None:
        seconds = pause_seconds(attempt, random.random())  # noqa: S311 spreads load, keeps no secret
        line = str(error).splitlines()[0][:300] if str(error) else ""
        self.console.print(f"  {name_of(self.spec, key)}: attempt {attempt} failed, again in {seconds:.0f} s: {line}", soft_wrap=True,
                           markup=False, highlight=False)
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.interrupts.stopped.is_set():
            self.sleep(min(0.2, seconds))
