"""Work on many names by all processors: each child process takes a share and hands back bytes.

A child is a fork, so it has all that this process has read and planned, and what it does to the process stays in it. Where
there is no safe fork, one processor or little to do, nobody is asked; of a child that fails, nothing is believed.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

_LEAST = 24
"""Names below which a child is not worth its start."""


@contextmanager
def shared_out(names: Sequence[str], work: Callable[[str], bytes],
               least: int = _LEAST) -> Iterator[tuple[Sequence[str], Callable[[], Mapping[str, bytes]]]]:
    """Share work out to children.

    Args:
        names: of what is to be done.
        work: does one.
        least: names below which nothing is shared out.

    Yields:
        Names that are left to this process, and what waits for the children's answers: by name, those that came.
    """
    processors = len(os.sched_getaffinity(0)) if len(names) >= least and _can_fork() else 1
    shares = [names[number::processors] for number in range(processors)]
    children = [_child(share, work) for share in shares[1:]]
    try:
        yield shares[0], lambda: {name: data for _, pipe in children for name, data in _answer(pipe).items()}
    finally:
        for process, pipe in children:
            pipe.close()
            process.kill()
            process.join()


def _can_fork() -> bool:
    """Only Linux's fork is safe with what has been imported, and only while nothing else runs in this process."""
    return sys.platform == "linux" and threading.active_count() == 1


def _child(names: Sequence[str], work: Callable[[str], bytes]) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_run, args=(names, work, theirs), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def _run(names: Sequence[str], work: Callable[[str], bytes], pipe: Connection) -> None:
    """In the child: one answer, or none."""
    with suppress(Exception):
        pipe.send({name: work(name) for name in names})


def _answer(pipe: Connection) -> Mapping[str, bytes]:
    try:
        found: Mapping[str, bytes] = pipe.recv()
    except (EOFError, OSError):
        return {}
    return found
