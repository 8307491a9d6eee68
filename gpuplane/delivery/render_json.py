"""The preview as JSON: the whole report, versioned, the same bytes for the same input.

It is also how two refs are compared: both sides' resources make the trip through this form, so that equal is equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from gpuplane.delivery.change_summary import tenant_of, tenants_of
from gpuplane.delivery.changes import Change
from gpuplane.delivery.isolation_figures import isolation_change
from gpuplane.delivery.isolation_json import edge_json, isolation_json
from gpuplane.delivery.json_text import object_pieces
from gpuplane.delivery.preview_report import SCHEMA_VERSION, PreviewReport, plain, sentence
from gpuplane.delivery.pull_request.impact import impact
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning.json_value import json_value
from gpuplane.policies.finding import Finding

_FINDING = ("rule", "severity", "verdict", "file", "line", "kind", "namespace", "name", "message", "remedy", "tenant", "field",
            "waived", "urn")
_RESOURCE = ("urn", "type", "kind", "api_version", "namespace", "name", "layer", "parent", "custom", "protect", "file", "line")


def to_json(report: PreviewReport) -> str:
    """The report as JSON text (``docs/schema/preview.json``): keys sorted, two spaces."""
    return "".join(json_pieces(report))


def json_pieces(report: PreviewReport) -> Iterator[str]:
    """The same, a resource at a time: of a thousand tenants the whole is larger than all that it was made from."""
    return object_pieces(_fields(report))


def json_report(report: PreviewReport) -> dict[str, Any]:
    """The report as plain JSON values."""
    return {key: list(value) if isinstance(value, Iterator) else value for key, value in _fields(report).items()}


def _fields(report: PreviewReport) -> dict[str, Any]:
    compared = report.comparison
    tenants = tenants_of(report)
    return {
        "schema_version": SCHEMA_VERSION,
        "environment": report.environment,
        "as_of": report.as_of.isoformat(),
        "engine": "offline",
        "verdict": report.verdict.value,
        "blocking": [sentence(finding) for finding in report.blocking],
        "plan": report.plan.to_json_value(),
        "findings": map(_finding, report.findings),
        "rules": list(report.rules),
        "isolation": isolation_json(report.isolation),
        "resources": map(_resource, report.resources),
        "changes": (_change(change, tenants) for change in compared.changes) if compared else None,
        "impact": None if (found := impact(report)) is None else json_value(found),
        "stacks": [{"stack": one.name, "layer": one.key.layer, "tenant": one.key.tenant, "digest": one.digest, "resources": one.resources}
                   for one in report.stacks],
        "judge": {"ref": report.judge.ref, "commit": report.judge.commit,
                  "changes": [sentence(finding) for finding in report.judge_changes]} if report.judge else None,
        "comparison": {"ref": compared.ref, "commit": compared.commit, "note": compared.note,
                       "upgrade": [asdict(step) for step in report.upgrade], "isolation": _paths(report)} if compared else None,
    }


def views_from_json(data: Mapping[str, Any]) -> tuple[ResourceView, ...]:
    """The resources of a report in JSON form; what was unknown is the text that says so, on every side the same."""
    return tuple(
        ResourceView(**{key: row[key] for key in _RESOURCE if key in row}, props=row.get("props", {}),
                     dependencies=tuple(row.get("dependencies", ())))
        for row in data["resources"])


def _paths(report: PreviewReport) -> dict[str, Any] | None:
    change = isolation_change(report)
    return None if change is None else {"added": [edge_json(edge) for edge in change.added],
                                        "removed": [edge_json(edge) for edge in change.removed]}


def _finding(finding: Finding) -> dict[str, Any]:
    return {key: str(value) if key == "verdict" else value for key in _FINDING for value in [getattr(finding, key)]}


def _resource(view: ResourceView) -> dict[str, Any]:
    return {**{key: getattr(view, key) for key in _RESOURCE}, "dependencies": list(view.dependencies),
            "props": plain(dict(view.props))}


def _change(change: Change, tenants: frozenset[str]) -> dict[str, Any]:
    view = change.view
    return {
        "action": change.action, "urn": view.urn, "kind": view.kind, "namespace": view.namespace, "name": view.name,
        "tenant": tenant_of(view, tenants), "protect": view.protect, "reason": change.reason,
        "fields": [{"path": field.path, "before": plain(field.before), "after": plain(field.after)} for field in change.fields]}
