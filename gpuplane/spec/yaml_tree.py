"""Untrusted YAML to nodes and plain values, bounded in size, depth, nodes and aliases.

libyaml composes recursively, so a deep document would overflow the C stack: nesting is bounded while it
composes. Aliases are counted as often as they are used, so a bomb is refused, not expanded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from gpuplane.spec.errors import SpecError, dotted, shown
from gpuplane.spec.yaml_scalars import RefusedScalarError, scalar

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # PyYAML built without libyaml
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

_COLLECTIONS = ("tag:yaml.org,2002:seq", "tag:yaml.org,2002:map")
_TAGS: dict[str, str] = {}
"""Tags of plain scalars seen before: a pure function of the text, kept small."""


_FEWEST = 50_000
"""Values that any text may have."""


@dataclass(frozen=True)
class Limits:
    """Bounds on one file.

    Attributes:
        size_bytes: largest file that is read at all.
        depth: deepest nesting.
        nodes: most values after every alias is counted where it is used; of a small file fewer (:meth:`values_in`).
        plain: refuse what YAML readers disagree on: ``yes``, ``no``, ``on``, ``off``, numbers in base 8 or 60, and
            keys without a value.
    """

    size_bytes: int = 1 << 20
    depth: int = 64
    nodes: int = 50_000
    plain: bool = False

    def values_in(self, size: int) -> int:
        """Most values that a text of so many characters may have once its aliases are expanded.

        A value takes some eight characters in the manifests that people write, so this leaves room for aliases; without it a text of a few
        lines could take the seconds and the memory of the largest file.
        """
        return min(self.nodes, max(_FEWEST, size))


class RefusedFileError(Exception):
    """What makes a whole file unreadable."""

    def __init__(self, line: int, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.line, self.message, self.remedy = line, message, remedy

    def error(self, shown: str) -> SpecError:
        """The refusal as an error of the file."""
        return SpecError(shown, self.line, "", self.message, self.remedy)


def compose(text: str, limits: Limits) -> list[yaml.Node]:
    """Node trees of the documents in a text; aliases are shared nodes."""
    loader = _BoundedLoader(text, limits)
    nodes: list[yaml.Node] = []
    try:
        while loader.check_node():
            node = loader.get_node()
            assert node is not None  # check_node
            nodes.append(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise RefusedFileError(mark.line + 1 if mark else 0, f"is not YAML: {error.problem or error.context}.",
                               "Correct the YAML.") from None
    except yaml.reader.ReaderError as error:
        line = text.encode("utf-8", "replace").count(b"\n", 0, error.position) + 1
        raise RefusedFileError(line, f"is not YAML: {error.reason} (U+{int(error.character):04X}).",
                               "Remove the character.") from None
    except yaml.YAMLError as error:
        raise RefusedFileError(0, f"is not YAML: {str(error).splitlines()[0]}.", "Correct the YAML.") from None
    finally:
        loader.dispose()
    return nodes


class _BoundedLoader(_SafeLoader):
    """Counts nesting and nodes in the two hooks that a composer calls around every node."""

    def __init__(self, text: str, limits: Limits) -> None:
        super().__init__(text)
        self._limits, self._depth, self._nodes = limits, 0, 0

    def descend_resolver(self, current_node: yaml.Node | None, current_index: Any) -> None:  # noqa: ARG002 the composer's signature
        self._depth += 1
        self._nodes += 1
        if self._depth > self._limits.depth + 1 or self._nodes > 2 * self._limits.nodes:
            line = int(current_node.start_mark.line) + 1 if current_node is not None else 0
            raise _too_deep(line, self._limits) if self._depth > self._limits.depth else _too_many(line, self._limits.nodes)

    def ascend_resolver(self) -> None:
        self._depth -= 1

    def resolve(self, kind: type[yaml.Node], value: str, implicit: Any) -> str:
        """The tag of a node without one; the same few words come up in every document, so they are remembered."""
        if kind is not yaml.ScalarNode or not implicit[0]:
            return str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]
        tag = _TAGS.get(value)
        if tag is None:
            tag = str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]
            if len(_TAGS) < 4096 and len(value) < 64:
                _TAGS[value] = tag
        return tag


def _too_deep(line: int, limits: Limits) -> RefusedFileError:
    return RefusedFileError(line, f"is nested more than {limits.depth} levels deep.", "Flatten the document.")


def _too_many(line: int, most: int) -> RefusedFileError:
    return RefusedFileError(line, f"holds more than {most} values once its aliases are expanded.",
                            "Write the values out, or split the file.")


class Builder:
    """Node tree to plain values; counts every node where it is used, so aliases cannot multiply.

    What makes one value unusable is noted with its path and the rest is read on; what makes the file dangerous stops it.
    """

    def __init__(self, shown: str, limits: Limits, size: int) -> None:
        self.errors: list[SpecError] = []
        self._shown, self._limits, self._most = shown, limits, limits.values_in(size)
        self._left = self._most
        self._open: set[int] = set()
        self._path: list[str | int] = []

    def build(self, node: yaml.Node, depth: int = 0) -> Any:
        """The value of a node."""
        self._left -= 1
        if self._left < 0:
            raise _too_many(line(node), self._most)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if depth >= self._limits.depth:
            raise _too_deep(line(node), self._limits)
        if id(node) in self._open:
            raise RefusedFileError(line(node), "an alias points at the value it stands in.", "Write the value out.")
        if node.tag not in _COLLECTIONS:
            self._note(node, f"the tag {shown(node.tag)} is not allowed.", "Use plain values.")
        self._open.add(id(node))
        value: Any = self._mapping(node, depth + 1) if isinstance(node, yaml.MappingNode) else self._sequence(node, depth + 1)
        self._open.discard(id(node))
        return value

    def _sequence(self, node: yaml.Node, depth: int) -> list[Any]:
        result: list[Any] = []
        for index, item in enumerate(node.value):
            self._path.append(index)
            result.append(self.build(item, depth))
            self._path.pop()
        return result

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._note(key_node, "a key is a list or a mapping.", "Keys are plain text.")
                continue
            key = str(key_node.value)
            self._path.append(key)
            if key_node.tag == "tag:yaml.org,2002:merge":
                self._note(key_node, "merge keys (<<) are not supported.", "Write the fields out.")
            elif key in result:
                self._note(key_node, f"the key {shown(key)} is given twice.", "Keep one of them.")
            else:
                result[key] = self.build(value_node, depth)
            self._path.pop()
        return result

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        try:
            return scalar(node.tag, node.value, self._limits.plain)
        except RefusedScalarError as refused:
            self._note(node, refused.message, refused.remedy)
            return node.value

    def _note(self, node: yaml.Node, message: str, remedy: str) -> None:
        self.errors.append(SpecError(self._shown, line(node), dotted(self._path), message, remedy))


def line(node: yaml.Node) -> int:
    """1-based line a node starts on."""
    return int(node.start_mark.line) + 1
