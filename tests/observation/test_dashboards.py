"""Dashboards: generated from what is here, of series that there are, with units, thresholds and chained variables."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from gpuplane.components import dashboards
from gpuplane.components.dashboards.generate import generated
from tests.components.recorded import record
from tests.observation.promql import known_series, problems
from tests.observation.test_rules import recorded

BOARDS = {name: json.loads(text) for name, text in dashboards.shipped().items()}


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def variables(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in board["templating"]["list"] if one["type"] == "query"]


def asked_of_grafana(expression: str) -> str:
    """The expression with Grafana's variables filled in, as Prometheus would get it."""
    return expression.replace("$__rate_interval", "5m")


def test_what_is_shipped_is_what_the_builders_give() -> None:
    assert dict(dashboards.shipped()) == generated()
    assert set(BOARDS) == {"gpu-health", "platform-overview", "queue-pressure", "service-overview", "tenant-overview"}


@pytest.mark.parametrize("name", BOARDS)
def test_every_query_parses_and_asks_only_for_what_there_is(name: str) -> None:
    known = known_series() | recorded()
    queries = [target["expr"] for panel in panels(BOARDS[name]) for target in panel["targets"]]

    assert [problem for query in queries for problem in problems(asked_of_grafana(query), known)] == []
    assert len(queries) >= 10


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_says_what_it_shows_in_which_unit(name: str) -> None:
    for panel in panels(BOARDS[name]):
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"] in {
            "percentunit", "short", "currencyUSD", "s", "reqps", "ops", "celsius", "hertz", "watt"}
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


@pytest.mark.parametrize("name", BOARDS)
def test_variables_are_asked_of_series_there_are_and_each_follows_the_one_before(name: str) -> None:
    known, before = known_series() | recorded(), ""
    for variable in variables(BOARDS[name]):
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"])
        assert found
        assert list(problems(found[1], known)) == []
        assert found[2] in known[found[1].partition("{")[0]]
        assert before in found[1]
        before = f"${variable['name']}"
    used = json.dumps(BOARDS[name]["panels"])
    assert all(f"${variable['name']}" in used for variable in variables(BOARDS[name]) if variable["name"] != "cohort")


def test_thresholds_are_those_of_the_alerts() -> None:
    def limit(board: str, title: str) -> list[float | None]:
        panel = next(one for one in panels(BOARDS[board]) if one["title"] == title)
        return [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]

    assert limit("service-overview", "Use of the KV cache") == [None, 0.95]
    assert limit("service-overview", "Burn rate over one hour") == [None, 14.4]
    assert limit("gpu-health", "Temperature") == [None, 88]


def test_each_is_a_config_map_that_the_sidecar_finds() -> None:
    views = record(lambda: dashboards.Dashboards("dashboards", dashboards.DashboardsArgs("obs", {"grafana_dashboard": "1"}, "GPUs")))
    maps = [view for view in views if view.kind == "ConfigMap"]

    assert len(maps) == len(BOARDS)
    for view in maps:
        assert (view.namespace, view.labels) == ("obs", {"grafana_dashboard": "1"})
        assert view.props["metadata"]["annotations"] == {"grafana_folder": "GPUs"}
        assert all(len(text) < 256 * 1024 for text in view.props["data"].values())
