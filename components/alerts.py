"""Rules as the Prometheus operator takes them: recording rules, and alerts that say whose they are and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gpuplane.components.kubernetes_object import Manifest, metadata

API_VERSION = "monitoring.coreos.com/v1"
Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Runbook:
    """What somebody reads who is called at night.

    Attributes:
        means: what is wrong, and for whom.
        look_at: where to look first, in order.
        do: what helps.
    """

    means: str
    look_at: str
    do: str


@dataclass(frozen=True)
class Alert:
    """One alert.

    Attributes:
        name: without the prefix that all of gpuplane's alerts bear.
        expression: PromQL; it fires for each series that it gives.
        after: how long it must hold, a Prometheus duration; empty for at once.
        summary: one line; may name labels of the series.
        labels: further labels, e.g. the tenant.
    """

    name: str
    expression: str
    after: str
    severity: Severity
    summary: str
    runbook: Runbook
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Watch:
    """What all alerts of one rule file have in common: who answers for them, and where longer runbooks are, if anywhere."""

    owner: str
    runbook_base_url: str | None = None


def alert_rule(alert: Alert, watch: Watch) -> dict[str, Any]:
    """The alert as a rule of a PrometheusRule."""
    name = f"Gpuplane{alert.name}"
    runbook = alert.runbook
    annotations = {"summary": alert.summary, "description": runbook.means, "look_at": runbook.look_at, "what_to_do": runbook.do}
    if watch.runbook_base_url is not None:
        annotations["runbook_url"] = f"{watch.runbook_base_url}/{name}"
    rule = {"alert": name, "expr": alert.expression, "annotations": annotations,
            "labels": {"severity": alert.severity, "owner": watch.owner, **(alert.labels or {})}}
    return rule | ({"for": alert.after} if alert.after else {})


def record(name: str, expression: str, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A recording rule."""
    return {"record": name, "expr": expression, **({"labels": dict(labels)} if labels else {})}


def group(name: str, rules: Iterable[Mapping[str, Any]], interval: str = "30s") -> dict[str, Any]:
    """Rules that are evaluated together, in order."""
    return {"name": name, "interval": interval, "rules": list(rules)}


def rule_file(name: str, namespace: str, labels: Mapping[str, str], groups: Iterable[Mapping[str, Any]]) -> Manifest:
    """A PrometheusRule."""
    return {"apiVersion": API_VERSION, "kind": "PrometheusRule", "metadata": metadata(name, namespace, labels),
            "spec": {"groups": [one for one in groups if one["rules"]]}}


def selector(labels: Mapping[str, str], matching: str = "") -> str:
    """Label matchers in braces: equal to each of ``labels``, and ``matching`` as it is written."""
    return "{" + ",".join([*(f'{key}="{value}"' for key, value in labels.items()), *([matching] if matching else [])]) + "}"
