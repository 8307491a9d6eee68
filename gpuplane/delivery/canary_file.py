"""The state of a canary in its service's file: only the text of its own fields is changed, and comments stay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from gpuplane.delivery.exit_status import CannotStart


def with_verdict(text: str, percent: int, rolled_back: str | None) -> str:
    """The file with another ``spec.canary.traffic_percent``, and where it is rolled back, why.

    Raises:
        CannotStart: the canary is not written as a block of its own lines.
    """
    node = _canary(yaml.compose(text, Loader=yaml.SafeLoader))
    written = {key.value: value for key, value in node.value}
    indent, line = node.value[0][0].start_mark.column, node.value[0][0].start_mark.line
    lines = text.splitlines(keepends=True)
    if "traffic_percent" in written:
        mark, end = written["traffic_percent"].start_mark, written["traffic_percent"].end_mark
        line = mark.line
        lines[line] = f"{lines[line][:mark.column]}{percent}{lines[line][end.column:]}"
    else:
        lines.insert(line, f"{' ' * indent}traffic_percent: {percent}\n")
    if rolled_back is not None:
        lines.insert(line + 1, f"{' ' * indent}rolled_back: {json.dumps(rolled_back, ensure_ascii=False)}\n")
    return "".join(lines)


def write_verdict(path: Path, percent: int, rolled_back: str | None) -> None:
    """:func:`with_verdict` of a file, in place."""
    path.write_text(with_verdict(path.read_text(encoding="utf-8"), percent, rolled_back), encoding="utf-8")


def promoted(text: str) -> str:
    """The file with the canary's release as the service's, and without the canary.

    Only what differs is changed: fields that stay keep their text and their comments, and so does everything outside both blocks.

    Raises:
        CannotStart: the canary, its release or the service's is not written as a block of its own lines.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    canary, release = _canary(root), _block(_block(root, "spec"), "release")
    edits = [*_edits(text, release, _block(canary, "release")), _without(text, _block(root, "spec"), "canary")]
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def write_promotion(path: Path) -> None:
    """:func:`promoted` of a file, in place."""
    path.write_text(promoted(path.read_text(encoding="utf-8")), encoding="utf-8")


_Edit = tuple[int, int, str]
"""Where text goes, from and to, and what comes in its place."""


def _edits(text: str, old: yaml.MappingNode, new: yaml.MappingNode) -> Iterator[_Edit]:
    there, wanted = ({key.value: (key, value) for key, value in node.value} for node in (old, new))
    for name in there.keys() - wanted.keys():
        yield _without(text, old, name)
    for name, (key, value) in wanted.items():
        if name not in there:
            at = _line_end(text, _end(old))
            yield at, at, _moved(text, key, value, old.value[0][0].start_mark.column)
        elif _is_block(there[name][1]) and _is_block(value):
            yield from _edits(text, there[name][1], value)
        elif _plain(there[name][1]) != _plain(value):
            yield from _replaced(text, there[name], (key, value))


def _replaced(text: str, old: tuple[yaml.Node, yaml.Node], new: tuple[yaml.Node, yaml.Node]) -> Iterator[_Edit]:
    """One line's value, its comment kept; or all lines of a field, where one of the two has several."""
    if not _is_block(old[1]) and not _is_block(new[1]) and old[1].start_mark.line == _last(old[1]).end_mark.line:
        yield old[1].start_mark.index, _end(old[1]), text[new[1].start_mark.index:_end(new[1])]
    else:
        yield _line_start(text, old[0]), _line_end(text, _end(old[1])), _moved(text, *new, old[0].start_mark.column)


def _without(text: str, parent: yaml.MappingNode, name: str) -> _Edit:
    key, value = next((key, value) for key, value in parent.value if key.value == name)
    return _line_start(text, key), _line_end(text, _end(value)), ""


def _moved(text: str, key: yaml.Node, value: yaml.Node, column: int) -> str:
    """The lines of a field, indented as its new neighbours are."""
    lines = text[_line_start(text, key):_line_end(text, _end(value))].splitlines(keepends=True)
    return "".join(" " * column + line[min(key.start_mark.column, len(line) - len(line.lstrip(" "))):] if line.strip() else line
                   for line in lines)


def _plain(node: yaml.Node) -> Any:
    return yaml.safe_load(yaml.serialize(node))


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


def _block(node: yaml.Node | None, name: str) -> yaml.MappingNode:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    found = next((value for key, value in pairs if key.value == name), None)
    if not isinstance(found, yaml.MappingNode) or found.flow_style or not found.value:
        raise CannotStart(f"{name} is not written as a block, one field a line: promote the canary by hand.")
    return found


def _canary(node: yaml.Node | None) -> yaml.MappingNode:
    for step in ("spec", "canary"):
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        node = next((value for key, value in pairs if key.value == step), None)
    if not isinstance(node, yaml.MappingNode) or node.flow_style or not node.value:
        raise CannotStart("spec.canary is not written as a block, one field a line: change traffic_percent by hand.")
    return node
