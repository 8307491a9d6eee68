"""Sections that a report has only where there is something to say: cold starts, and what each service hangs by."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gpuplane.catalog.overlay import catalog_of
from gpuplane.delivery.cold_start_figures import cold_start_lines
from gpuplane.delivery.offline_engine import render
from gpuplane.delivery.preview import preview
from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.render_html import render_html
from gpuplane.delivery.render_markdown import render_markdown
from gpuplane.delivery.wiring_figures import ServiceWiring, service_wirings
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.planning import plan
from gpuplane.planning.environment_plan import ColdStart
from tests.delivery.reports import AS_OF, HOSTILE, report
from tests.stacks.test_llm_serving import _wish as reached

START = ColdStart(100, 250, 700, starts_node=True)
WIRING = ServiceWiring("acme/chat", (("route to backend", "backend of AIGatewayRoute", "AIServiceBackend acme/chat", "there", "it is there"),
                                     ("monitor to metrics port", "PodMonitor", HOSTILE, "broken", "<b>")), (("there", 1), ("broken", 1)))


def _asleep(start: ColdStart = START) -> PreviewReport:
    made = report()
    name, tenant = next(iter(made.plan.tenants.items()))
    services = (replace(tenant.services[0], cold_start=start), *tenant.services[1:])
    return replace(made, plan=replace(made.plan, tenants={**made.plan.tenants, name: replace(tenant, services=services)}))


@pytest.mark.parametrize("form", [render_markdown, render_html])
@pytest.mark.parametrize(("start", "says"), [
    (START, "its first answer then takes about 250 s (100 to 700), about 240 of them for a node to start"),
    (ColdStart(100, 250, 700, starts_node=False), "on a node that runs already"),
    (ColdStart(None, None, None, starts_node=False), "neither is its cold start")])
def test_a_cold_start_is_said_in_every_form(form: Callable[[PreviewReport], str], start: ColdStart, says: str) -> None:
    made = _asleep(start)

    assert len(cold_start_lines(made)) == 1
    assert says in form(made).replace("\\", "").replace("\u00a0", " ")
    assert says not in form(report()).replace("\\", "")


@pytest.mark.parametrize("form", [render_markdown, render_html])
def test_wiring_is_folded_and_what_people_wrote_is_escaped(form: Callable[[PreviewReport], str]) -> None:
    text = form(report(wirings=(WIRING,)))

    assert "<summary>acme/chat: 1 there, 1 broken</summary>" in text
    assert "route to backend" in text
    assert "<script>" not in text
    assert "route to backend" not in form(report())


def test_every_service_of_a_preview_has_its_links(tmp_path: Path) -> None:
    spec = reached(tmp_path, "prefill", "  traffic: {}\n").load()
    found = preview(spec, AS_OF).wirings

    assert [wiring.service for wiring in found] == ["acme/chat"]
    assert {"route to backend", "monitor to metrics port"} <= {row[0] for row in found[0].rows}
    assert "broken" not in dict(found[0].counts)


def test_a_broken_link_is_said(tmp_path: Path) -> None:
    spec = reached(tmp_path, "tensor", "  traffic: {}\n").load()
    views = render(spec, plan(spec, catalog_of(spec), AS_OF))
    changed = [replace(view, props=json.loads(json.dumps(dict(view.props)).replace("8000", "8001"))) if view.kind == "PodMonitor" else view
               for view in views]
    wiring, = service_wirings(spec, PlannedGraph(tuple(changed)))

    assert [row[0] for row in wiring.rows if row[3] == "broken"] == ["monitor to metrics port"]
    assert wiring.title.endswith("1 broken")
