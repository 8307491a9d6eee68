"""A file or text of untrusted YAML as documents with positions; never an exception for what it holds."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gpuplane.spec.errors import SpecError, dotted
from gpuplane.spec.yaml_tree import Builder, RefusedFileError, compose, line
from gpuplane.spec.yaml_tree import Limits as Limits

FieldPath = Sequence[str | int]
NAME = "metadata.name"
WISH_LIMITS = Limits(plain=True)
MANIFEST_LIMITS = Limits(size_bytes=64 << 20, depth=128, nodes=2_000_000)


@dataclass(frozen=True)
class YamlDocument:
    """One document of a file: its value, and its node tree to look lines up in."""

    file: str
    value: Any
    node: yaml.Node = field(repr=False)

    @property
    def line(self) -> int:
        """1-based line the document starts on."""
        return line(self.node)

    def line_of(self, path: FieldPath) -> int:
        """1-based line of the value at ``path``, or of its nearest parent that exists."""
        return _walk(self.node, path)[0]

    def text_of(self, path: FieldPath) -> str | None:
        """The text of the scalar at ``path`` as it is written, None where there is none."""
        _, node, missing = _walk(self.node, path)
        return str(node.value) if isinstance(node, yaml.ScalarNode) and not missing else None


def _walk(node: yaml.Node, path: FieldPath) -> tuple[int, yaml.Node, bool]:
    """Line and node at ``path`` or at its nearest parent, and whether it is the parent; a mapping's value has its key's line."""
    found = line(node)
    for step in path:
        if isinstance(node, yaml.MappingNode):
            match = next((pair for pair in node.value if pair[0].value == str(step)), None)
            if match is None:
                return found, node, True
            found, node = line(match[0]), match[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            found = line(node)
        else:
            return found, node, True
    return found, node, False


class Lines(Mapping[str, int]):
    """Line of each dotted path of a document, read from its text when first asked: most documents are never asked.

    Args:
        text, limits: the document, and how it is read.
        name: line of ``metadata.name`` where it is known already; of most documents nothing else is asked.
    """

    def __init__(self, text: str, limits: Limits, name: int | None = None) -> None:
        self._text, self._limits = text, limits
        self._known = {} if name is None else {NAME: name}
        self._found: dict[str, int] | None = None

    def __contains__(self, path: object) -> bool:
        return path in self._known or path in self._lines()

    def __getitem__(self, path: str) -> int:
        return self._known[path] if path in self._known else self._lines()[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines())

    def __len__(self) -> int:
        return len(self._lines())

    def _lines(self) -> dict[str, int]:
        if self._found is None:
            node = compose(self._text, self._limits)[0]
            self._found = {"": line(node)}
            self._add(node, ())
        return self._found

    def _add(self, node: yaml.Node, path: tuple[str | int, ...]) -> None:
        assert self._found is not None
        steps: list[tuple[str | int, yaml.Node, yaml.Node]] = []
        if isinstance(node, yaml.MappingNode):
            steps = [(str(key.value), key, value) for key, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            steps = [(index, value, value) for index, value in enumerate(node.value)]
        for step, mark, value in steps:
            self._found[dotted((*path, step))] = line(mark)
            self._add(value, (*path, step))


def read_text(path: str | Path, shown: str, limits: Limits) -> tuple[str, list[SpecError]]:
    """The text of a regular file in UTF-8 that is within the limit on size, or why there is none."""
    try:
        with open(path, "rb", buffering=0, opener=_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return "", [_no_file(shown)]
            if status.st_size > limits.size_bytes:
                return "", [SpecError(shown, 0, "", f"{status.st_size} bytes is more than the {limits.size_bytes} a file may have.",
                                      "Split it, or remove what does not belong here.")]
            return file.read().decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        at = error.object.count(b"\n", 0, error.start) + 1
        return "", [SpecError(shown, at, "", f"is not UTF-8 (byte {error.start}).", "Save the file as UTF-8.")]
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.EISDIR):  # a socket, a folder
            return "", [_no_file(shown)]
        return "", [SpecError(shown, 0, "", f"cannot be read: {error.strerror}.", "Check the file and its permissions.")]


def _no_file(shown: str) -> SpecError:
    return SpecError(shown, 0, "", "is not a regular file.", "Put a plain YAML file here.")


def _without_waiting(path: str, flags: int) -> int:
    """A pipe that nobody writes to is told from a file without waiting for its writer."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def read_documents(path: Path, shown: str, limits: Limits) -> tuple[list[YamlDocument], list[SpecError]]:
    """Every document of a file, and what is wrong with it; never raises for what the file holds.

    Args:
        path: the file.
        shown: how errors name it.
        limits: bounds; what goes over one is an error, not a partial read.

    Returns:
        The documents and the errors. With errors the documents are there only to look for more of them.
    """
    text, errors = read_text(path, shown, limits)
    return ([], errors) if errors else parse_text(text, shown, limits)


def parse_text(text: str, shown: str, limits: Limits = WISH_LIMITS) -> tuple[list[YamlDocument], list[SpecError]]:
    """Like :func:`read_documents` for text at hand."""
    builder = Builder(shown, limits, len(text))
    try:
        nodes = compose(text, limits)
        return [YamlDocument(shown, builder.build(node), node) for node in nodes], builder.errors
    except RefusedFileError as refused:
        return [], [*builder.errors, refused.error(shown)]
