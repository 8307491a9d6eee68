"""``python -m tests.fuzz.campaign``: so many inputs, on all cores, in processes that may die.

Each input is named by seed and number, so a campaign that was stopped goes on where it was: what was done is in the state file. A defect
is kept once for each signature, minimised, as JSON that :mod:`tests.fuzz.case` reads.
"""

from __future__ import annotations

import argparse
import collections
import json
import mmap
import os
import signal
import struct
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_KEPT = 3
"""Examples of one defect that a campaign keeps."""


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
        self.done = 0
        self.state = given.found / f"state-{given.seed}.json"

    def run(self) -> int:
        """All blocks; prints one line each minute and each defect."""
        from tests.fuzz import corpus, targets

        given = self.given
        given.found.mkdir(parents=True, exist_ok=True)
        corpus.documents(), corpus.manifests()
        targets.case(0, 0)
        _warm()
        blocks = list(range(given.start, given.start + given.inputs, given.block))
        finished = set(json.loads(self.state.read_text())["blocks"]) if given.resume and self.state.exists() else set()
        began = said = time.monotonic()
        with ThreadPoolExecutor(given.jobs) as pool:
            for block, found in pool.map(self._block, (each for each in blocks if each not in finished)):
                finished.add(block)
                self._note(found)
                self.state.write_text(json.dumps({"seed": given.seed, "blocks": sorted(finished)}))
                if time.monotonic() - said > 60 or block == blocks[-1]:
                    said = time.monotonic()
                    print(f"{self.done} inputs in {said - began:.0f} s, {len(self.seen)} defects", flush=True)
        print(f"{self.done} inputs, {len(self.seen)} defects" + "".join(f"\n{count:6} {name}" for name, count in self.seen.most_common()))
        return 1 if self.seen else 0

    def _block(self, start: int) -> tuple[int, list[tuple[int, str, str]]]:
        """One block, in as many processes as it takes: an input that kills its process is a defect, and the next one goes on behind it."""
        end = min(start + self.given.block, self.given.start + self.given.inputs)
        found: list[tuple[int, str, str]] = []
        number = start
        while number < end:
            reached, status, defects = _child(self.given.seed, number, end)
            found += defects
            if status == 0:
                break
            found.append((reached, f"the process died of {_cause(status)}", ""))
            number = reached + 1
        self.done += end - start
        return start, found

    def _note(self, found: list[tuple[int, str, str]]) -> None:
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


def _child(seed: int, start: int, end: int) -> tuple[int, int, list[tuple[int, str, str]]]:
    """Run some inputs in a child; the last number it began, its exit status, and what it found."""
    at = mmap.mmap(-1, 8)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _work(seed, start, end, at, write)
    os.close(write)
    with os.fdopen(read, encoding="utf-8", errors="replace") as answers:
        found = [tuple(json.loads(line)) for line in answers]
    _, status = os.waitpid(child, 0)
    return struct.unpack("q", at[:8])[0], status, found  # type: ignore[return-value]


def _work(seed: int, start: int, end: int, at: mmap.mmap, write: int) -> None:
    """The child: never comes back."""
    status = 70
    try:
        from tests.fuzz.guard import limit_memory
        from tests.fuzz.invariants import Defect
        from tests.fuzz.running import forget_all, run
        from tests.fuzz.targets import case

        signal.signal(signal.SIGINT, signal.SIG_DFL)
        limit_memory()
        with os.fdopen(write, "w", encoding="utf-8") as answers:
            for number in range(start, end):
                at[:8] = struct.pack("q", number)
                made = case(seed, number)
                try:
                    run(made)
                except Defect as defect:
                    answers.write(json.dumps([number, f"{made.target}: {defect.signature}", str(defect)]) + "\n")
                    answers.flush()
        forget_all()
        status = 0
    finally:
        sys.stderr.flush()
        os._exit(status)


def _minimised(case: object, name: str) -> object:
    """In a child as well: a smaller input may do worse."""
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
            with os.fdopen(write, "w", encoding="utf-8") as answer:
                answer.write(found.text())
            forget_all()
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return case_of(text) if text else case


def _cause(status: int) -> str:
    return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit status {os.WEXITSTATUS(status)}"


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
