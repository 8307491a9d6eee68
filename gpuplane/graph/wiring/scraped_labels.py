"""Labels that a PodMonitor's relabelings give the series of pods: whose they are, in words that rules and dashboards ask for.

Read are copies of a namespace or of a pod's label (Prometheus operator, ``relabelings``; Prometheus, ``kubernetes_sd_config``: characters
of a label's name that are no letter or digit become ``_``). A label that anything else makes is one that nobody knows here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup
from gpuplane.graph.wiring.pods import Pods

_NAMESPACE = "__meta_kubernetes_namespace"
_POD_LABEL = "__meta_kubernetes_pod_label_"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]")
_SHAPED = ("regex", "replacement", "separator", "modulus")
_KEEPS = ("drop", "keep", "dropequal", "keepequal")
"""Actions that decide whether pods are scraped, and leave labels as they are."""


def given_labels(monitors: list[ResourceView], pods: Pods) -> Mapping[str, str]:
    """Labels that all series of these pods bear, by name; what is not known, or differs, is missing."""
    endpoints = [_given(endpoint, pods) for view in monitors if view.kind == "PodMonitor"
                 for endpoint in items(view.get("spec", "podMetricsEndpoints"))]
    if not endpoints or any(view.kind != "PodMonitor" for view in monitors):
        return {}
    first, *others = endpoints
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}


def _given(endpoint: Any, pods: Pods) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for rule in items(lookup(endpoint, "relabelings")):
        action = str(lookup(rule, "action") or "replace").lower()
        if action in _KEEPS:
            continue
        target = lookup(rule, "targetLabel")
        if action != "replace" or not isinstance(target, str):
            return {}
        value = None if any(lookup(rule, field) is not None for field in _SHAPED) else _source(items(lookup(rule, "sourceLabels")), pods)
        found.pop(target, None)
        if value is not None:
            found[target] = value
    return found


def _source(labels: tuple[Any, ...] | list[Any], pods: Pods) -> str | None:
    if len(labels) != 1 or not isinstance(labels[0], str):
        return None
    if labels[0] == _NAMESPACE:
        return pods.namespace or None
    wanted = labels[0].removeprefix(_POD_LABEL)
    values = [value for name, value in pods.labels.items() if _NOT_IN_NAMES.sub("_", name) == wanted] if wanted != labels[0] else []
    return str(values[0]) if len(values) == 1 and not isinstance(values[0], Unknown) else None
