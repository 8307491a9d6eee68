"""Some inputs of a campaign, in processes of their own: one that an input kills is a defect, and the next goes on behind it."""

from __future__ import annotations

import json
import mmap
import os
import signal
import struct
import sys
from dataclasses import dataclass, field

Found = tuple[int, str, str]
"""Number of an input, what is wrong, and more of it."""


@dataclass
class Block:
    """Some inputs, in as many processes as it takes, one after another.

    Attributes:
        start, end: numbers of its inputs; the last is not its own.
        child: its process.
        at: where the process writes the number that it is at, for its parent to read once it has died.
        answers: what the process has said; where there is a line, there was a defect.
        found: defects of the processes before it.
    """

    start: int
    end: int
    child: int = 0
    at: mmap.mmap = field(default_factory=lambda: mmap.mmap(-1, 8))
    answers: bytes = b""
    found: list[Found] = field(default_factory=list)

    def begin(self, seed: int, number: int) -> int:
        """Fork a process for the inputs from ``number``; where its answers are read."""
        self.at[:8], self.answers = struct.pack("q", number), b""
        read, write = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            os.close(read)
            _work(seed, number, self.end, self.at, write)
        os.close(write)
        return read

    def ended(self) -> int:
        """To be called when the process has closed its pipe; the number that the next process goes on with."""
        _, status = os.waitpid(self.child, 0)
        *lines, _cut = self.answers.decode(errors="replace").split("\n")
        self.found += [(number, name, detail) for number, name, detail in map(json.loads, lines)]
        if status == 0:
            return self.end
        reached: int = struct.unpack("q", self.at[:8])[0]
        self.found.append((reached, f"the process died of {_cause(status)}", ""))
        return reached + 1


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


def _cause(status: int) -> str:
    return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit status {os.WEXITSTATUS(status)}"
