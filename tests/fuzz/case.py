"""One input of the fuzzer: a command line and the file that it reads, as a value that can be kept, minimised and run again."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """One input.

    Attributes:
        target: name of the part of the program that is tried (:data:`tests.fuzz.targets.TARGETS`).
        arguments: of ``gpuplane``; empty for a target that calls a function.
        file: the mutated file's name below the scratch folder; empty where only the command line is tried.
        content: what the file holds.
        setting: folder of environments, below the repository, that stands in the scratch folder; empty for none.
    """

    target: str
    arguments: tuple[str, ...] = ()
    file: str = ""
    content: bytes = b""
    setting: str = ""

    def text(self) -> str:
        """The case as JSON; the content as text where it is some, so that people can read it."""
        try:
            content = {"text": self.content.decode()}
        except UnicodeDecodeError:
            content = {"base64": base64.b64encode(self.content).decode()}
        return json.dumps({"target": self.target, "arguments": list(self.arguments), "file": self.file, "setting": self.setting,
                           "content": content}, indent=1) + "\n"

    @property
    def digest(self) -> str:
        """Twelve digits that name the case."""
        return hashlib.sha256(self.text().encode()).hexdigest()[:12]


def case_of(text: str) -> Case:
    """A case from its JSON."""
    data = json.loads(text)
    content = data["content"]
    raw = content["text"].encode() if "text" in content else base64.b64decode(content["base64"])
    return Case(data["target"], tuple(data["arguments"]), data["file"], raw, data["setting"])


def read_cases(folder: Path) -> dict[str, Case]:
    """All cases of a folder by file name."""
    return {path.name: case_of(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
