"""The keys of a chart's ``values.yaml`` as a tree of types: what a file of ``catalog/data/charts/`` holds.

``python -m gpuplane.catalog.chart_keys values.yaml [--sub NAME=values.yaml] >> FILE`` writes the block ``values`` of a new chart version.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

OPEN = frozenset({"additionalLabels", "affinity", "annotations", "caps", "containerSecurityContext", "labels", "limits", "nodeSelector",
                  "podAnnotations", "podLabels", "podSecurityContext", "requests", "resources", "rollingUpdate", "securityContext"})
"""Blocks that pass what is below them on to a Kubernetes object, so their keys are not the chart's."""
_PERCENT = re.compile(r"[0-9]+%")


def key_tree(values: Mapping[str, Any]) -> dict[str, Any]:
    """Key to type, nested as the values are.

    Types: ``bool``, ``int``, ``number``, ``string``, ``scalar`` (empty by default: string, number or boolean), ``int_or_percent``,
    ``list``, ``map`` (any keys) and ``any`` (null by default).
    """
    return {key: _type(key, value) for key, value in sorted(values.items())}


def _type(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        named = value and key not in OPEN and not any("/" in each or "." in each for each in value)
        return key_tree(value) if named else "map"
    if isinstance(value, str):
        return "scalar" if not value else "int_or_percent" if _PERCENT.fullmatch(value) else "string"
    names: dict[type, str] = {bool: "bool", int: "int", float: "number", list: "list"}
    return names.get(type(value), "any")


def main(arguments: list[str]) -> None:
    """Print the tree of a values file, with those of its sub-charts below their names."""
    values = yaml.safe_load(Path(arguments[0]).read_text(encoding="utf-8")) or {}
    tree = key_tree(values)
    for each in arguments[2::2]:
        name, _, file = each.partition("=")
        tree[name] = {**key_tree(yaml.safe_load(Path(file).read_text(encoding="utf-8"))), **tree.get(name, {})}
    sys.stdout.write(yaml.safe_dump({"values": tree}, sort_keys=True, width=140))


if __name__ == "__main__":
    main(sys.argv[1:])
