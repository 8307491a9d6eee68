"""Work on many names by all processors: each child process takes the next name while there are some, and hands back bytes.

A child is a fork, so it has all that this process has read and planned, and what it does to the process stays in it. Where
there is no safe fork, one processor or little to do, nobody is asked; of a child that fails, nothing is believed.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

Found = TypeVar("Found")
LEAST = 24
"""Names below which a child is not worth its start."""


_MOST_BLOCKS = 2_048
"""Numbers of two bytes that every pipe holds unread: a page, which is left to a user with many pipes."""


@contextmanager
def shared_out(names: Sequence[str], work: Callable[[str], bytes], least: int = LEAST,
               most: int | None = None) -> Iterator[tuple[Iterator[str], Callable[[], Mapping[str, bytes]]]]:
    """Share work out to children.

    Args:
        names: of what is to be done; the first is left to this process.
        work: does one.
        least: names below which nothing is shared out.
        most: processes, this one too; as many as there are processors where it is left out.

    Yields:
        Names that are left to this process, each taken when it is asked for, and what waits for the children's answers: by name, those
        that came. What neither did is to be done then.
    """
    processors = len(os.sched_getaffinity(0)) if len(names) >= least and _can_fork() else 1
    processors = processors if most is None else min(processors, most)
    if processors <= 1:
        yield iter(names), dict
        return
    with _queue(names[1:]) as waiting, _children([lambda: {name: work(name) for name in waiting()}] * (processors - 1)) as answers:
        yield chain(names[:1], waiting()), lambda: {name: data for found in answers() for name, data in (found or {}).items()}


def done_by_all(names: Sequence[str], work: Callable[[str], Found], least: int = LEAST, most: int | None = None) -> dict[str, Found]:
    """What the work comes to for each name; what a child does not answer for is done here.

    Args:
        names: of what is to be done; the first is left to this process.
        work: does one; what it comes to can be pickled.
        least: names below which nothing is shared out.
        most: processes, this one too; as many as there are processors where it is left out.
    """
    with shared_out(names, lambda name: pickle.dumps(work(name)), least, most) as (own, others):
        found = {name: work(name) for name in own}
        found |= {name: pickle.loads(data) for name, data in others().items()}  # noqa: S301 from a fork of this process, by a pipe
    return found | {name: work(name) for name in names if name not in found}


@contextmanager
def beside(work: Callable[[], bytes]) -> Iterator[Callable[[], bytes | None]]:
    """Do something in a child while this process goes on.

    Yields:
        What waits for its answer; None where there was no child, or it failed.
    """
    with _children([work] if _can_fork() and len(os.sched_getaffinity(0)) > 1 else []) as answers:
        yield lambda: next(iter(answers()), None)


@contextmanager
def _queue(names: Sequence[str]) -> Iterator[Callable[[], Iterator[str]]]:
    """Names of which every process takes the next ones: they wait as numbers in a pipe that all read from."""
    blocks = min(len(names), _MOST_BLOCKS)
    out, into = os.pipe()
    os.write(into, b"".join(number.to_bytes(2, "big") for number in range(blocks)))
    os.close(into)  # before there are children: where it is empty, it ends

    def waiting() -> Iterator[str]:
        while number := os.read(out, 2):
            yield from names[int.from_bytes(number, "big")::blocks]

    try:
        yield waiting
    finally:
        os.close(out)


@contextmanager
def _children(works: Sequence[Callable[[], Any]]) -> Iterator[Callable[[], list[Any]]]:
    """A child for each work; they end with the context."""
    children = [_child(work) for work in works]
    try:
        yield lambda: [_answer(pipe) for _, pipe in children]
    finally:
        for process, pipe in children:
            pipe.close()
            process.kill()
            process.join()


def resident_bytes() -> int | None:
    """Memory that this process has, of which a child that touches all of it gets a copy; None where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def _can_fork() -> bool:
    """Only Linux's fork is safe with what has been imported, and only while nothing else runs in this process."""
    return sys.platform == "linux" and threading.active_count() == 1


def _child(work: Callable[[], Any]) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_run, args=(work, theirs), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def _run(work: Callable[[], Any], pipe: Connection) -> None:
    """In the child: one answer, or none."""
    with suppress(Exception):
        pipe.send(work())


def _answer(pipe: Connection) -> Any:
    try:
        return pipe.recv()
    except (EOFError, OSError):
        return None
