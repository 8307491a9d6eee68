"""The few shapes that panels of our dashboards have, on Grafana's own builders. Only ``make generate`` imports this."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grafana_foundation_sdk.builders import dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.builders.common import ReduceDataOptions, VizLegendOptions, VizTooltipOptions
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, TooltipDisplayMode
from grafana_foundation_sdk.models.dashboard import DataSourceRef, Threshold, ThresholdsMode, VariableRefresh, VariableSort

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
RATE = "[$__rate_interval]"
"""Grafana's range for rates: at least four scrapes."""
Query = tuple[str, str]
"""PromQL, and what a series is called, e.g. ``{{service}}``."""


def board(uid: str, title: str, about: str) -> dashboard.Dashboard:
    """An empty dashboard: read only, one Prometheus to choose, the last six hours."""
    return (
        dashboard.Dashboard(title)
        .uid(f"gpuplane-{uid}")
        .description(about)
        .tags(["gpuplane"])
        .readonly()
        .refresh("1m")
        .time("now-6h", "now")
        .timezone("browser")
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )


def choice(name: str, label: str, query: str, several: bool = False) -> dashboard.QueryVariable:
    """A variable filled from ``label_values``; its query may name variables before it, and is asked again when they change."""
    variable = (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )
    return variable.multi(True).include_all(True).all_value(".+") if several else variable


def graph(
    title: str, unit: str, queries: Sequence[Query], about: str, limit: float | None = None, least: float | None = 0
) -> timeseries.Panel:
    """Lines over time from ``least`` up (None: whatever there is); ``limit`` is drawn as a red line."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(about)
        .unit(unit)
        .datasource(SOURCE)
        .span(12)
        .height(8)
        .line_width(1)
        .fill_opacity(10)
        .legend(VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM).show_legend(True))
        .tooltip(VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
        .thresholds(_thresholds(limit))
    )
    for query in _targets(queries):
        panel = panel.with_target(query)
    panel = panel.min(least) if least is not None else panel
    return panel.thresholds_style(_drawn()) if limit is not None else panel


def figure(
    title: str, unit: str, query: str, about: str, limit: float | None = None, width: int = 6, low_is_bad: bool = False
) -> stat.Panel:
    """One number now, red beyond ``limit``."""
    return (
        stat.Panel()
        .title(title)
        .description(about)
        .unit(unit)
        .datasource(SOURCE)
        .span(width)
        .height(4)
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(_thresholds(limit, low_is_bad))
        .with_target(prometheus.Dataquery().expr(query).instant())
    )


def to_json(built: dashboard.Dashboard) -> str:
    """The dashboard as Grafana imports it: sorted, so that a change is a change."""
    return str(JSONEncoder(sort_keys=True, indent=1).encode(built.build())) + "\n"


def _targets(queries: Sequence[Query]) -> list[Any]:
    return [
        prometheus.Dataquery().expr(expression).legend_format(name).ref_id(chr(ord("A") + index)).range()
        for index, (expression, name) in enumerate(queries)
    ]


def _thresholds(limit: float | None, low_is_bad: bool = False) -> dashboard.ThresholdsConfig:
    first, then = ("red", "green") if low_is_bad else ("green", "red")
    steps = [Threshold(value=None, color=first if limit is not None else "green")]
    if limit is not None:
        steps.append(Threshold(value=limit, color=then))
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def _drawn() -> Any:
    from grafana_foundation_sdk.builders.common import GraphThresholdsStyleConfig
    from grafana_foundation_sdk.models.common import GraphThresholdsStyleMode

    return GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.LINE)


def quantile(value: float, histogram: str, matching: str, by: str = "le") -> str:
    """A quantile of a histogram, over Grafana's range for rates."""
    return f"histogram_quantile({value}, sum by ({by}) (rate({histogram}_bucket{{{matching}}}{RATE})))"
