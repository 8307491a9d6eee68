"""``python -m tests.fuzz.campaign``: so many inputs, on all cores, in processes that may die.

One thread begins all of them and waits for all of them: a process that is forked beside other threads has their locks, and nobody to open them.

Each input is named by seed and number, so a campaign that was stopped goes on where it was: what was done is in the state file. A defect
is kept once for each signature, minimised, as JSON that :mod:`tests.fuzz.case` reads.
"""

from __future__ import annotations

import argparse
import collections
import itertools
import json
import os
import selectors
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.block import Block, Found

_KEPT = 3
"""Examples of one defect that a campaign keeps."""
_MINIMISING_SECONDS = 120.0
"""For one defect; one that is not small by then is kept as it is."""
_SAID_SECONDS = 60.0


def main(arguments: list[str] | None = None) -> int:
    """Run; 1 where there is a defect."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.campaign", description=__doc__)
    parser.add_argument("--inputs", type=int, default=3000, help="how many inputs the campaign has")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0, help="first number")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--block", type=int, default=2000, help="inputs of one process")
    parser.add_argument("--found", type=Path, default=Path("out/fuzz"), help="folder for what was found, and for the state")
    parser.add_argument("--resume", action="store_true", help="go on where the state file says")
    parser.add_argument("--quick", action="store_true", help="do not minimise")
    given = parser.parse_args(arguments)
    return Campaign(given).run()


class Campaign:
    """Blocks of inputs, a process each."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.seen: collections.Counter[str] = collections.Counter()
        self.done, self.said = 0, 0.0
        self.state = given.found / f"state-{given.seed}.json"

    def run(self) -> int:
        """All blocks; prints one line each minute and each defect."""
        from tests.fuzz import corpus, targets

        given = self.given
        given.found.mkdir(parents=True, exist_ok=True)
        os.environ["OPENBLAS_NUM_THREADS"] = "1"  # it begins one thread a core when it is imported
        corpus.documents(), corpus.manifests()
        targets.case(0, 0)
        _warm()
        assert threading.active_count() == 1, threading.enumerate()
        finished = set(json.loads(self.state.read_text())["blocks"]) if given.resume and self.state.exists() else set()
        last = given.start + given.inputs
        waiting = [(start, min(start + given.block, last)) for start in range(given.start, last, given.block) if start not in finished]
        whole = sum(end - start for start, end in waiting)
        began = self.said = time.monotonic()
        for block in self._finished(itertools.starmap(Block, waiting), max(1, given.jobs)):
            if block is not None:
                finished.add(block.start)
                self._note(block.found)
                self.done += block.end - block.start
                self.state.write_text(json.dumps({"seed": given.seed, "blocks": sorted(finished)}))
            if time.monotonic() >= self.said + _SAID_SECONDS or self.done == whole:
                self.said = time.monotonic()
                print(f"{self.done} inputs in {self.said - began:.0f} s, {len(self.seen)} defects", flush=True)
        print(f"{self.done} inputs, {len(self.seen)} defects" + "".join(f"\n{count:6} {name}" for name, count in self.seen.most_common()))
        return 1 if self.seen else 0

    def _finished(self, waiting: Iterator[Block], jobs: int) -> Iterator[Block | None]:
        """Blocks as they end, ``jobs`` of them at a time; None where something is to be said before one does."""
        with selectors.DefaultSelector() as pipes:
            try:
                for block in itertools.islice(waiting, jobs):
                    pipes.register(block.begin(self.given.seed, block.start), selectors.EVENT_READ, block)
                while pipes.get_map():
                    ready = pipes.select(max(0.0, self.said + _SAID_SECONDS - time.monotonic()))
                    if not ready:
                        yield None
                    for key, _ in ready:
                        block = key.data
                        if answer := os.read(key.fd, 1 << 16):
                            block.answers += answer
                            continue
                        pipes.unregister(key.fd)
                        os.close(key.fd)
                        number = block.ended()
                        if number >= block.end:
                            yield block
                            following = next(waiting, None)
                            if following is None:
                                continue
                            block, number = following, following.start
                        pipes.register(block.begin(self.given.seed, number), selectors.EVENT_READ, block)
            finally:
                for key in list(pipes.get_map().values()):
                    os.close(key.fd)
                    _kill(key.data.child)

    def _note(self, found: list[Found]) -> None:
        from tests.fuzz.targets import case

        for number, name, detail in found:
            self.seen[name] += 1
            if self.seen[name] > _KEPT:
                continue
            made = case(self.given.seed, number)
            if not self.given.quick and "died" not in name and self.seen[name] == 1:
                made = _minimised(made, name)
            path = self.given.found / f"{made.target}-{made.digest}.json"
            path.write_text(made.text(), encoding="utf-8")
            path.with_suffix(".txt").write_text(f"seed {self.given.seed}, input {number}\n{name}\n\n{detail}\n", encoding="utf-8", errors="backslashreplace")
            print(f"input {number}: {name}\n  {path}", flush=True)


def _minimised(case: object, name: str) -> object:
    """In a child as well: a smaller input may do worse, or take too long."""
    from tests.fuzz.case import Case, case_of
    from tests.fuzz.minimise import minimised
    from tests.fuzz.running import forget_all, signature

    assert isinstance(case, Case)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        try:
            found = minimised(case, lambda smaller: signature(smaller) == name)
            forget_all()  # before it is said: what comes after that may be cut off
            with os.fdopen(write, "w", encoding="utf-8") as answer:
                answer.write(found.text())
        finally:
            os._exit(0)
    os.close(write)
    text = _answer(read, time.monotonic() + _MINIMISING_SECONDS)
    _kill(child)
    return case_of(text) if text else case


def _answer(read: int, until: float) -> str:
    """All that a child says; empty where it has not closed its pipe by then."""
    text = b""
    with selectors.DefaultSelector() as pipe, os.fdopen(read, "rb", buffering=0) as answers:
        pipe.register(answers, selectors.EVENT_READ)
        while pipe.select(max(0.0, until - time.monotonic())):
            more = answers.read(1 << 16)
            if not more:
                return text.decode()
            text += more
    return ""


def _kill(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def _warm() -> None:
    """Import what the inputs need once, before the processes part."""
    from tests.fuzz.case import Case
    from tests.fuzz.corpus import documents
    from tests.fuzz.running import forget_all, signature

    setting, file, content = next(each for each in documents() if each[1].count("/") == 1)
    name = file.partition("/")[0]
    signature(Case("environment", ("preview", name, "--format", "html", "--as-of", "2026-08-01"), file, content, setting))
    for target in (Case("load", (), file, content, setting), Case("check", ("check", "m.yaml"), "m.yaml", b"{}")):
        signature(target)
    forget_all()


if __name__ == "__main__":
    sys.exit(main())
