"""The state of a canary in its service's file: only the text of its own fields is changed, and comments stay."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.yaml_blocks import NotABlockError, block, edited, edits, without


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
    canary = _canary(root)
    try:
        spec = block(root, "spec")
        return edited(text, [*edits(text, block(spec, "release"), block(canary, "release"), text), without(text, spec, "canary")])
    except NotABlockError as error:
        raise CannotStart(f"{error}: promote the canary by hand.") from None


def write_promotion(path: Path) -> None:
    """:func:`promoted` of a file, in place."""
    path.write_text(promoted(path.read_text(encoding="utf-8")), encoding="utf-8")


def _canary(node: yaml.Node | None) -> yaml.MappingNode:
    for step in ("spec", "canary"):
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        node = next((value for key, value in pairs if key.value == step), None)
    if not isinstance(node, yaml.MappingNode) or node.flow_style or not node.value:
        raise CannotStart("spec.canary is not written as a block, one field a line: change traffic_percent by hand.")
    return node
