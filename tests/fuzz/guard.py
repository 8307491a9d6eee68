"""Bounds on one input: processor time, wall time and memory."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.fuzz.invariants import Defect

CPU_SECONDS = 20
"""For one input of at most a few hundred thousand bytes, reports included."""
WALL_SECONDS = 300
"""For what waits: a pipe, a lock, a socket. Long, for the machine may be busy."""
MEMORY_BYTES = 1 << 30
"""How much one input may need beyond what the program has."""


class TooLongError(BaseException):
    """The time is up; no exception of the kinds that a program catches."""


@contextmanager
def bounded() -> Iterator[None]:
    """Run one input within its bounds.

    Raises:
        Defect: a bound was met.
    """
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    former = [(number, signal.signal(number, _stop)) for number in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, WALL_SECONDS)
    try:
        yield
    except TooLongError as error:
        raise Defect(f"{error} seconds are not enough", _place(error)) from None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in former:
            signal.signal(number, handler)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    if grown > MEMORY_BYTES // 2:
        raise Defect("memory grows", f"{grown >> 20} MiB")


def limit_memory() -> None:
    """The whole process may have :data:`MEMORY_BYTES` more than now; to be called in a process of its own."""
    with Path("/proc/self/statm").open(encoding="ascii") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY_BYTES, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, resource.RLIM_INFINITY))


def _stop(number: int, _frame: Any) -> None:
    raise TooLongError(f"{CPU_SECONDS} processor" if number == signal.SIGPROF else f"{WALL_SECONDS} wall")


def _place(error: BaseException) -> str:
    """Where it was when the time was up, ours innermost."""
    import traceback

    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    return "\n".join(frames[-25:])
