"""The preview as one HTML file that can be mailed, attached to a run, or opened years later: it loads nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from gpuplane.delivery.capacity_chart import capacity_chart
from gpuplane.delivery.capacity_report import capacity_rows
from gpuplane.delivery.change_summary import SYMBOLS, changes_by_tenant, counts_text, tenant_of, tenants_of, value_text
from gpuplane.delivery.charts import cost_chart, gpu_chart
from gpuplane.delivery.cold_start_figures import cold_start_lines
from gpuplane.delivery.dependency_graph import pictures
from gpuplane.delivery.device_figures import HEADINGS as DEVICE_HEADINGS
from gpuplane.delivery.device_figures import device_cells
from gpuplane.delivery.headline import VERDICT_WORDS, headline
from gpuplane.delivery.isolation_figures import isolation_change, isolation_line
from gpuplane.delivery.isolation_matrix import picture
from gpuplane.delivery.judge_figures import judge_lines
from gpuplane.delivery.memory_figures import memory_line, memory_rows
from gpuplane.delivery.placement_figures import HEADINGS, WORKLOAD_HEADINGS, placement_cells, workload_cells
from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.pull_request.impact import impact
from gpuplane.delivery.pull_request.words import down_text, month_text, quota_text, services_text, surge_text
from gpuplane.delivery.report_figures import advisory, expected_total, idle, pool_rows, tenant_rows, total, waivers
from gpuplane.delivery.resource_tree import resource_tree
from gpuplane.delivery.unit_cost_figures import HEADINGS as UNIT_HEADINGS
from gpuplane.delivery.unit_cost_figures import plan_unit_cells
from gpuplane.delivery.wiring_figures import HEADINGS as WIRING_HEADINGS
from gpuplane.delivery.wording import plural, printable, usd

_MOST_CHANGES = 200
_MOST_FIELDS = 20
_MOST_WORKLOADS = 500
_GROUPS = re.compile(r"(?<=\d) (?=\d{3}\b)")
"""The space between the thousands of a number."""


def render_html(report: PreviewReport) -> str:
    """The report as one self-contained page; everything that people wrote is escaped."""
    tenants, pools, known = tenant_rows(report), pool_rows(report), tenants_of(report)
    return _template().render(
        names=("the platform", *sorted(known)), who={name: number for number, name in enumerate(sorted(known), 1)},
        owners=_owners(report, known), pictures=pictures(report), impact=impact(report),
        report=report, plan=report.plan, word=VERDICT_WORDS[report.verdict], headline=headline(report),
        tenants=tenants, pools=pools, total=total(report), expected=expected_total(report),
        idle=idle(report), advisory=advisory(report), waivers=waivers(report),
        compares=report.comparison is not None and report.comparison.plan is not None,
        isolation=isolation_line(report), isolation_change=isolation_change(report), picture=picture(report),
        object_ids={view.urn: f"object-{number}" for number, view in enumerate(report.resources)},
        objects={view.urn: view for view in report.resources},
        groups=changes_by_tenant(report), tree=resource_tree(report), symbols=SYMBOLS, most_changes=_MOST_CHANGES,
        most_fields=_MOST_FIELDS,
        judge=judge_lines(report), memory=memory_rows(report), memory_line=memory_line(report), cold_starts=cold_start_lines(report),
        device_headings=DEVICE_HEADINGS, devices=device_cells(report),
        placement_headings=HEADINGS, placement=placement_cells(report),
        workload_headings=WORKLOAD_HEADINGS, workloads=workload_cells(report), most_workloads=_MOST_WORKLOADS,
        unit_headings=UNIT_HEADINGS, unit_costs=plan_unit_cells(report.plan),
        wiring_headings=WIRING_HEADINGS, wirings=report.wirings[:_MOST_WORKLOADS],
        capacity=capacity_rows(report.plan), data_classes={row.name: row.data_class for row in tenants},
        gpu_chart=Markup(gpu_chart(pools)), cost_chart=Markup(cost_chart(tenants)),  # noqa: S704 names in it are escaped by matplotlib
        capacity_chart=Markup(capacity_chart(capacity_rows(report.plan))))  # noqa: S704


def _shown(value: Any) -> Any:
    """Text of other people without control characters, its large numbers kept on one line; our own markup as it is."""
    return _GROUPS.sub("\u00a0", printable(value)) if isinstance(value, str) and not isinstance(value, Markup) else value


def _owners(report: PreviewReport, tenants: frozenset[str]) -> dict[str, str]:
    """Numbers of the tenants (0: the platform) whose objects stand at or below each resource, by URN."""
    numbers = {name: number for number, name in enumerate(sorted(tenants), 1)}
    parents = {each.urn: each.parent for each in report.resources}
    found: dict[str, set[int]] = {urn: set() for urn in parents}
    for view in report.resources:
        urn, number = view.urn, numbers.get(tenant_of(view, tenants), 0)
        while view.custom and urn in found and number not in found[urn]:
            found[urn].add(number)
            urn = parents[urn]
    return {urn: " ".join(map(str, sorted(each))) or "0" for urn, each in found.items()}


def _plain(words: Callable[[Any], str]) -> Callable[[Any], str]:
    """Words of a comment without its Markdown."""
    return lambda value: words(value).replace("**", "")


@cache
def _template() -> Template:
    environment = Environment(loader=PackageLoader("gpuplane.delivery"), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, finalize=_shown)
    environment.filters.update(usd=usd, value=value_text, counts=counts_text)
    environment.filters.update(down=_plain(down_text), surge=_plain(surge_text), services=_plain(services_text), quota=quota_text)
    environment.globals.update(plural=plural, month_text=month_text)
    return environment.get_template("report.html.j2")
