"""``gpuplane check --bypass ENV``: every way round a rule in the declared system, with its proof."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

from gpuplane.catalog import catalog_of
from gpuplane.delivery.preview import Progress
from gpuplane.delivery.source_map import SourceMap
from gpuplane.graph.bypass import KINDS, Way, audit
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.planning import plan
from gpuplane.spec.environment_spec import EnvironmentSpec

SCHEMA_VERSION = 1
"""Version of the JSON report; a field that goes or changes its meaning raises it."""


@dataclass(frozen=True)
class BypassReport:
    """Every way round that was found.

    Attributes:
        name: what was looked at.
        objects: how many objects it has.
        as_of: the day it was planned at.
        ways: by kind and place.
    """

    name: str
    objects: int
    as_of: date
    ways: tuple[Way, ...]

    @property
    def exit_status(self) -> int:
        """1 where a tenant can take one of the ways."""
        return int(any(way.severity == "high" for way in self.ways))


def audited(spec: EnvironmentSpec, as_of: date, progress: Progress = lambda _: None) -> BypassReport:
    """Plan and render an environment, and look for ways round what it enforces."""
    from gpuplane.delivery.offline_engine import render

    catalog, sources = catalog_of(spec), SourceMap(spec)
    views = tuple(sources.locate(view) for view in render(spec, plan(spec, catalog, as_of), progress))
    graph = PlannedGraph(views, catalog=catalog, parameters=spec.environment.spec.policies).on(as_of)
    return BypassReport(spec.name, len(graph.kubernetes), as_of, audit(graph))


def bypass_text(report: BypassReport) -> str:
    """The report for people: kind by kind, each way with its proof and what closes it."""
    lines: list[str] = []
    for kind in KINDS:
        found = [way for way in report.ways if way.kind == kind]
        lines.append(f"{kind}: {len(found) or 'none'}")
        for way in found:
            place = f"{way.view.file}:{way.view.line} " if way.view.line else ""
            lines += [f"  {way.severity:<6} {place}{way.message}", *(f"           because {step}" for step in way.proof),
                      f"           {way.remedy}"]
    counts = Counter(way.severity for way in report.ways)
    lines.append(f"{report.name}: {report.objects} objects, {counts['high']} ways for tenants, {counts['medium']} for the platform's own")
    return "\n".join(lines) + "\n"


def bypass_json(report: BypassReport) -> str:
    """The machine-readable report (schema version :data:`SCHEMA_VERSION`)."""
    return json.dumps({
        "schema_version": SCHEMA_VERSION, "environment": report.name, "as_of": report.as_of.isoformat(), "objects": report.objects,
        "kinds": list(KINDS), "ways": [_way(way) for way in report.ways]}, indent=2, ensure_ascii=False) + "\n"


def _way(way: Way) -> dict[str, Any]:
    view = way.view
    return {"kind": way.kind, "severity": way.severity, "message": way.message, "proof": list(way.proof), "remedy": way.remedy,
            "object": {"kind": view.kind, "namespace": view.namespace, "name": view.name, "urn": view.urn}, "field": way.field,
            "file": view.file, "line": view.line}
