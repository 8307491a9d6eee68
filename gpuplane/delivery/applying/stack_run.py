"""One Pulumi operation on one stack, in any thread; an interrupt reaches all that are under way, once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from pulumi import automation as auto

from gpuplane.delivery import pulumi_engine
from gpuplane.delivery.applying.unsure import Begun, unsure_creates
from gpuplane.delivery.ending_signals import heard
from gpuplane.delivery.exit_status import EngineFailed
from gpuplane.delivery.live_progress import LiveProgress
from gpuplane.delivery.pulumi_engine import DetachedPulumi, name_of
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey

if TYPE_CHECKING:
    from gpuplane.planning.environment_plan import EnvironmentPlan

Operation = Callable[[auto.Stack, LiveProgress], Any]
TAKE_BACK: Mapping[str, str] = {"PULUMI_K8S_ENABLE_PATCH_FORCE": "true"}
"""Variables for Pulumi with which fields that somebody else owns now are taken back: server-side apply would call that a conflict."""


class StackFailed(EngineFailed):
    """Pulumi stopped with errors on one stack.

    Attributes:
        messages: one for each error.
        said: all that it printed.
        unsure: creates that failed without a clear no: the object may be there all the same.
    """

    def __init__(self, messages: tuple[str, ...], said: str = "", unsure: tuple[Begun, ...] = ()) -> None:
        super().__init__("\n".join(messages))
        self.messages, self.said, self.unsure = messages, said, unsure


class Stopped(EngineFailed):
    """An interrupt came; what was done is in the state.

    Attributes:
        unsure: creates that were under way: the object may be there all the same.
    """

    def __init__(self, message: str, unsure: tuple[Begun, ...] = ()) -> None:
        super().__init__(message)
        self.unsure = unsure


class Interrupts:
    """What is under way, so that Ctrl-C, a cancelled CI job and a closed terminal ask all of it, once, to end in good order.

    Attributes:
        stopped: whether a signal came; nothing new begins after one.
    """

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._commands: set[DetachedPulumi] = set()
        self._lock = threading.RLock()

    @contextmanager
    def command(self) -> Iterator[DetachedPulumi]:
        """The Pulumi CLI for one operation.

        Raises:
            Stopped: a signal came before.
        """
        found = DetachedPulumi()
        with self._lock:
            if self.stopped.is_set():
                raise Stopped("stopped by an interrupt before it began.")
            self._commands.add(found)
        try:
            yield found
        finally:
            with self._lock:
                self._commands.discard(found)

    def handled(self) -> AbstractContextManager[None]:
        """Take signals while this lasts; only in the main thread."""
        return heard(self._stop)

    def _stop(self, _number: int, _frame: object) -> None:
        if not self.stopped.is_set():
            self.stopped.set()
            for command in tuple(self._commands):
                command.interrupt()


def run_stack(spec: EnvironmentSpec, planned: EnvironmentPlan, key: StackKey, variables: Mapping[str, str], interrupts: Interrupts,
              progress: LiveProgress, operation: Operation, found: Callable[[Mapping[str, Any]], object] = lambda _: None) -> None:
    """Open a stack and do one thing with it.

    Args:
        found: called with the state as it is, before anything is done.

    Raises:
        Stopped: an interrupt came.
        StackFailed: Pulumi failed.
    """
    with interrupts.command() as command:
        try:
            with pulumi_engine.opened(spec, planned, key, variables, command, found) as stack:
                operation(stack, progress)
        except (auto.CommandError, EngineFailed) as error:
            if interrupts.stopped.is_set():
                raise Stopped("stopped by an interrupt; what was done is in the state, run the command again to go on.",
                              unsure_creates(progress)) from None
            raise StackFailed(_messages(error, progress), str(error), unsure_creates(progress)) from None


def run_alone(spec: EnvironmentSpec, planned: EnvironmentPlan, key: StackKey, variables: Mapping[str, str], progress: LiveProgress,
              operation: Operation) -> None:
    """The same in a thread of its own while this one, the main thread, takes signals.

    Raises:
        EngineFailed: with the stack's name.
    """
    interrupts, failed = Interrupts(), list[Exception]()

    def work() -> None:
        try:
            run_stack(spec, planned, key, variables, interrupts, progress, operation)
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=work, name=f"pulumi-{name_of(spec, key)}")
    with interrupts.handled():
        thread.start()
        while thread.is_alive():
            thread.join(0.2)
    if failed and isinstance(failed[0], EngineFailed):
        raise EngineFailed(f"{name_of(spec, key)}: {failed[0]}")
    if failed:
        raise failed[0]


def _messages(error: Exception, progress: LiveProgress) -> tuple[str, ...]:
    if progress.errors:
        return tuple(progress.errors)
    return (str(error) if isinstance(error, EngineFailed) else pulumi_engine.reason(error),)
