"""Fenced ``console`` blocks of a page, run from top to bottom in one folder: ``$`` begins a command, ``>`` goes on with it.

Lines below a command stand in its output, in that order; ``…`` stands for anything. ``# exits N`` at its end is the exit status that it must
have, else 0. A block after ``<!-- not run: WHY -->`` is listed and not run.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner

from gpuplane.cli import cli

AS_OF = "2026-11-21"
_FENCE = re.compile(r"(?:<!-- (?P<mark>not run): (?P<why>[^\n]+?) -->\n)?```console\n(?P<text>.*?)```", re.DOTALL)
_STATUS = re.compile(r"\s+# exits (\d|any)$")
_SHELL = re.compile(r"[|&;<>$`]")


@dataclass
class Command:
    """One command, what its output must hold, and how it must end (None: anyhow)."""

    text: str
    line: int
    status: int | None = 0
    expected: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Block:
    """One fenced block; ``why`` says why it is not run."""

    commands: tuple[Command, ...]
    mark: str
    why: str


def blocks(page: str) -> list[Block]:
    """Every console block of a page."""
    found = []
    for match in _FENCE.finditer(page):
        first = page[:match.start("text")].count("\n") + 1
        found.append(Block(tuple(_commands(match["text"], first)), match["mark"] or "", match["why"] or ""))
    return found


def _commands(text: str, first: int) -> list[Command]:
    found: list[Command] = []
    for number, line in enumerate(text.splitlines(), first):
        if line.startswith("$ "):
            said = _STATUS.search(line)
            status = 0 if said is None else None if said[1] == "any" else int(said[1])
            found.append(Command(_STATUS.sub("", line[2:]), number, status))
        elif line.startswith("> "):
            found[-1].text += f"\n{line[2:]}"
        elif line.strip():
            found[-1].expected.append(line)
    return found


@dataclass
class Session:
    """A folder in which commands are run one after the other."""

    folder: Path

    def run(self, command: Command) -> tuple[int, str]:
        """Exit status and everything that was printed."""
        words = shlex.split(command.text) if not _SHELL.search(command.text) else []
        if words[:1] == ["cd"]:
            self.folder = self.folder / words[1]
            return 0, ""
        return self._gpuplane(words[1:]) if words[:1] == ["gpuplane"] else self._shell(command.text)

    def _gpuplane(self, arguments: list[str]) -> tuple[int, str]:
        dated = [*arguments, "--as-of", AS_OF] if _takes_a_date(arguments) and "--as-of" not in arguments else arguments
        here = Path.cwd()
        os.chdir(self.folder)
        try:
            done = CliRunner().invoke(cli, dated)
        finally:
            os.chdir(here)
        return done.exit_code, done.output

    def _shell(self, text: str) -> tuple[int, str]:
        done = subprocess.run(["bash", "-euc", text], cwd=self.folder, capture_output=True, text=True, check=False, timeout=120,
                              env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_COUNT": "1",
                                   "GIT_CONFIG_KEY_0": "init.defaultBranch", "GIT_CONFIG_VALUE_0": "main"})
        return done.returncode, done.stdout + done.stderr


def _takes_a_date(arguments: list[str]) -> bool:
    command = cli
    for word in arguments:
        found = getattr(command, "commands", {}).get(word)
        if found is None:
            break
        command = found
    return any("--as-of" in parameter.opts for parameter in command.params)


def missing(output: str, expected: list[str]) -> list[str]:
    """Expected lines that do not stand in the output in their order, whatever white space is around and in them."""
    text, at, absent = " ".join(output.split()), 0, []
    for line in expected:
        pattern = ".*?".join(map(re.escape, (" ".join(part.split()) for part in line.split("…"))))
        found = re.compile(pattern).search(text, at)
        if found is None:
            absent.append(line)
        else:
            at = found.end()
    return absent
