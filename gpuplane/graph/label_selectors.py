"""Label selectors as the API server evaluates them: network policies, queues and nodes are all joined by these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gpuplane.graph.resource_view import Unknown, items, lookup, mapping


def selects(selector: Any, labels: Mapping[str, Any]) -> bool:
    """Whether a ``LabelSelector`` matches; an empty one matches everything, None (null) nothing."""
    if not isinstance(selector, Mapping):
        return False
    wanted = mapping(selector.get("matchLabels"))
    return (all(key in labels and _text(labels[key]) == _text(value) for key, value in wanted.items())
            and all(_holds(expression, labels) for expression in items(selector.get("matchExpressions"))))


def everything(selector: Any) -> bool:
    """Whether a selector demands nothing."""
    return isinstance(selector, Mapping) and not any(
        isinstance(part, Unknown) or part for part in (selector.get("matchLabels"), selector.get("matchExpressions")))


def _holds(expression: Any, labels: Mapping[str, Any]) -> bool:
    key, operator = lookup(expression, "key"), lookup(expression, "operator")
    values = {_text(value) for value in items(lookup(expression, "values"))}
    if operator == "In":
        return key in labels and _text(labels[key]) in values
    if operator == "NotIn":
        return key not in labels or _text(labels[key]) not in values
    if operator == "Exists":
        return key in labels
    return operator == "DoesNotExist" and key not in labels


def _text(value: Any) -> str:
    return str(value)
