"""Fields of a YAML file changed in place: only the text of what differs goes or comes, comments and layout around it stay."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import yaml

Edit = tuple[int, int, str]
"""Where text goes, from and to, and what comes in its place."""


class NotABlockError(ValueError):
    """A field is not written as a block, one field a line, so that it cannot be changed in place; the message names it."""


def edited(text: str, edits: Collection[Edit]) -> str:
    """The text with edits that do not overlap."""
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def with_fields_of(text: str, other: str, parent: str, names: Collection[str]) -> str:
    """A document with some fields of a block as another document has them.

    Args:
        text, other: one YAML document each, without anchors.
        parent: the block, at the top of both.
        names: its fields that become the other's; one that the other has not goes.

    Returns:
        The text; outside of what differs it is the same.

    Raises:
        NotABlockError: the block, or what has to be changed in it, is not written one field a line.
    """
    text, other = _ended(text), _ended(other)
    here, there = (block(yaml.compose(each, Loader=yaml.SafeLoader), parent) for each in (text, other))
    wanted = {name: value for name, value in _fields(yaml.safe_load(other)[parent]).items() if name in names}
    kept = {name: value for name, value in _fields(yaml.safe_load(text)[parent]).items() if name not in names}
    for finely in (True, False):
        found = edited(text, tuple(_of_fields(text, here, other, there, names, finely)))
        try:
            if yaml.safe_load(found)[parent] == {**kept, **wanted}:
                return found
        except (yaml.YAMLError, TypeError, KeyError):
            continue
    raise NotABlockError(f"{parent} is not written as a block, one field a line")


def _of_fields(text: str, here: yaml.MappingNode, other: str, there: yaml.MappingNode, names: Collection[str], finely: bool,
               ) -> Iterator[Edit]:
    old, new = ({key.value: (key, value) for key, value in node.value} for node in (here, there))
    for name in names:
        if name in old and name in new:
            if finely and _is_block(old[name][1]) and _is_block(new[name][1]):
                yield from edits(text, old[name][1], new[name][1], other)
            elif plain(old[name][1]) != plain(new[name][1]) or not finely:
                yield _whole(text, old[name], new[name], other)
        elif name in old:
            yield without(text, here, name)
        elif name in new:
            at = _line_end(text, _end(here))
            yield at, at, _moved(other, *new[name], here.value[0][0].start_mark.column)


def edits(text: str, old: yaml.MappingNode, new: yaml.MappingNode, source: str) -> Iterator[Edit]:
    """What makes one block of ``text`` say what another block, of ``source``, says."""
    there, wanted = ({key.value: (key, value) for key, value in node.value} for node in (old, new))
    for name in there.keys() - wanted.keys():
        yield without(text, old, name)
    for name, (key, value) in wanted.items():
        if name not in there:
            at = _line_end(text, _end(old))
            yield at, at, _moved(source, key, value, old.value[0][0].start_mark.column)
        elif _is_block(there[name][1]) and _is_block(value):
            yield from edits(text, there[name][1], value, source)
        elif plain(there[name][1]) != plain(value):
            yield _replaced(text, there[name], (key, value), source)


def without(text: str, parent: yaml.MappingNode, name: str) -> Edit:
    """What takes a field out of a block, with its lines."""
    key, value = next((key, value) for key, value in parent.value if key.value == name)
    return _line_start(text, key), _line_end(text, _end(value)), ""


def block(node: yaml.Node | None, name: str) -> yaml.MappingNode:
    """A field of a node that is written as a block.

    Raises:
        NotABlockError: it is not, or not there.
    """
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    found = next((value for key, value in pairs if key.value == name), None)
    if not isinstance(found, yaml.MappingNode) or found.flow_style or not found.value:
        raise NotABlockError(f"{name} is not written as a block, one field a line")
    return found


def plain(node: yaml.Node) -> Any:
    """What a node says."""
    return yaml.safe_load(yaml.serialize(node))


def _replaced(text: str, old: tuple[yaml.Node, yaml.Node], new: tuple[yaml.Node, yaml.Node], source: str) -> Edit:
    """One line's value, its comment kept; or all lines of a field, where one of the two has several."""
    if _one_line(old[1]) and _one_line(new[1]):
        return old[1].start_mark.index, _end(old[1]), source[new[1].start_mark.index:_end(new[1])]
    return _whole(text, old, new, source)


def _whole(text: str, old: tuple[yaml.Node, yaml.Node], new: tuple[yaml.Node, yaml.Node], source: str) -> Edit:
    return _line_start(text, old[0]), _line_end(text, _end(old[1])), _moved(source, *new, old[0].start_mark.column)


def _moved(source: str, key: yaml.Node, value: yaml.Node, column: int) -> str:
    """The lines of a field, indented as its new neighbours are."""
    lines = source[_line_start(source, key):_line_end(source, _end(value))].splitlines(keepends=True)
    return "".join(" " * column + line[min(key.start_mark.column, len(line) - len(line.lstrip(" "))):] if line.strip() else line
                   for line in lines)


def _one_line(node: yaml.Node) -> bool:
    return not _is_block(node) and node.start_mark.line == _last(node).end_mark.line


def _is_block(node: yaml.Node) -> bool:
    return isinstance(node, yaml.MappingNode) and not node.flow_style and bool(node.value)


def _last(node: yaml.Node) -> yaml.Node:
    """The node at the end of a block, whose own end is that of its text: a block's is where the next one begins."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        node = node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1]
    return node


def _end(node: yaml.Node) -> int:
    return int(_last(node).end_mark.index)


def _line_start(text: str, node: yaml.Node) -> int:
    return text.rfind("\n", 0, node.start_mark.index) + 1


def _line_end(text: str, index: int) -> int:
    end = text.find("\n", max(index - 1, 0))
    return len(text) if end < 0 else end + 1


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"


def _fields(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
