"""The few changes that a reviewer should look at, out of hundreds, by tenant.

What goes or is made anew comes first, then the kinds that people feel: models, queues, borders, nodes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gpuplane.delivery.changes import ACTIONS, Action, Change, FieldChange
from gpuplane.delivery.preview_report import PreviewReport, plain
from gpuplane.graph.resource_view import ResourceView
from gpuplane.spec.vocabulary import TENANT

SYMBOLS: Mapping[Action, str] = {"create": "+", "update": "~", "replace": "±", "delete": "-"}
"""One sign for each action."""

_ORDER: tuple[Action, ...] = ("delete", "replace", "update", "create")
_KINDS = ("NodeGroup", "Cluster", "Namespace", "InferenceService", "LLMInferenceService", "InferenceGraph", "ClusterQueue", "Cohort",
          "LocalQueue", "ResourceQuota", "ResourceFlavor", "NetworkPolicy", "RoleBinding", "ClusterRoleBinding", "ExternalSecret",
          "SecretStore", "Release")
_LONGEST_VALUE = 60


@dataclass(frozen=True)
class TenantChanges:
    """What changes for one tenant (empty name: for the platform), the important ones first."""

    tenant: str
    changes: tuple[Change, ...]

    @property
    def counts(self) -> Mapping[Action, int]:
        """How many of each action; actions that do not occur are left out."""
        found = {action: sum(change.action == action for change in self.changes) for action in ACTIONS}
        return {action: count for action, count in found.items() if count}

    @property
    def who(self) -> str:
        """The tenant, or ``the platform``."""
        return self.tenant or "the platform"


def changes_by_tenant(report: PreviewReport) -> tuple[TenantChanges, ...]:
    """The comparison's changes by tenant; the platform's last, nothing where there is no comparison."""
    tenants = tenants_of(report)
    found: dict[str, list[Change]] = {}
    for change in report.comparison.changes if report.comparison else ():
        found.setdefault(tenant_of(change.view, tenants), []).append(change)
    names = sorted(found, key=lambda name: (not name, name))
    return tuple(TenantChanges(name, tuple(sorted(found[name], key=_importance))) for name in names)


def affected_by_changes(report: PreviewReport) -> set[str]:
    """Tenants that a change belongs to; the platform is the empty name."""
    return {group.tenant for group in changes_by_tenant(report)}


def tenant_of(view: ResourceView, tenants: frozenset[str]) -> str:
    """Whose object it is: its label, else its namespace where that is a tenant's; empty for the platform."""
    said = view.labels.get(TENANT)
    if isinstance(said, str) and said:
        return said
    place = view.namespace or (view.name if view.kind == "Namespace" else "")
    return place if place in tenants else ""


def tenants_of(report: PreviewReport) -> frozenset[str]:
    """Names of all tenants, here and at the other ref."""
    before = (report.comparison.plan or {}).get("tenants", {}) if report.comparison else {}
    return frozenset({*report.plan.tenants, *before})


def counts_text(counts: Mapping[Action, int]) -> str:
    """``+3 ~2 -1``."""
    return " ".join(f"{SYMBOLS[action]}{counts[action]}" for action in ACTIONS if action in counts)


def field_text(change: FieldChange) -> str:
    """``spec.predictor.maxReplicas: 2 → 4``; long values are cut, JSON has them whole."""
    return f"{change.path}: {value_text(change.before)} → {value_text(change.after)}"


def value_text(value: Any) -> str:
    """A value on one line; ``(none)`` where there is none."""
    if value is None:
        return "(none)"
    text = value if isinstance(value, str) else json.dumps(plain(value), sort_keys=True, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE - 1]}…"


def _importance(change: Change) -> tuple[Any, ...]:
    kind = change.view.kind
    rank = _KINDS.index(kind) if kind in _KINDS else len(_KINDS)
    return _ORDER.index(change.action), rank, kind, change.view.namespace, change.view.name, change.view.urn
