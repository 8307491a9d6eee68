"""Every rule of every environment: parsed, of known metrics and labels, owned, explained; and the promises as expressions."""

from __future__ import annotations

import os
import re
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from gpuplane.catalog import default_catalog
from gpuplane.catalog.metrics import metric_that_measures
from gpuplane.components.service_objectives import expressions
from gpuplane.delivery.offline_engine import render
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning import plan
from gpuplane.planning.service_levels.indicators import indicators
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.loader import load_environment
from tests.observation.promql import known_series, problems
from tests.planning.wish import valid

ROOT = Path(__file__).resolve().parents[2]
AS_OF = date(2026, 11, 21)
CHAT = "services/acme/chat"
PROMISES = {
    "requests_per_second": 4, "ttft_ms": {"mean": 300, "p95": 1000}, "time_per_output_token_ms": {"p90": 60}, "latency_ms": {"p99": 30_000},
    "availability_percent": 99.5, "error_percent": 0.1, "saturation": {"kv_cache_percent": 90, "waiting_requests": 20}}


def promised() -> EnvironmentSpec:
    """A wish in which one vLLM service promises all that can be promised."""
    wish = valid().put("environment spec.monitoring", {"owner": "platform-oncall@example.com", "runbook_base_url": "https://runbooks.example.com"})
    return wish.put("tenants/acme spec.owner", "acme-team@example.com").put(f"{CHAT} spec.objectives", PROMISES).spec()


def views_of(spec: EnvironmentSpec) -> list[ResourceView]:
    return render(spec, plan(spec, default_catalog(), AS_OF))


@cache
def rules() -> list[tuple[str, dict[str, Any]]]:
    """Every rule of the shipped environments and of the wish that promises all, with the name of its file."""
    specs = [*(load_environment(ROOT / "environments", name) for name in ("dev", "prod")), promised()]
    return [(f"{spec.name}/{view.namespace}/{view.name}", rule) for spec in specs for view in views_of(spec) if view.kind == "PrometheusRule"
            for one in view.props["spec"]["groups"] for rule in one["rules"]]


def recorded() -> dict[str, frozenset[str]]:
    """Series that our own rules record, with the labels that the rules give or that their expressions keep."""
    plain = {"tenant", "service", "objective", "model"}
    return {rule["record"]: frozenset(plain | set(rule.get("labels", {}))) for _, rule in rules() if "record" in rule}


def test_every_expression_parses_and_asks_only_for_what_there_is() -> None:
    known = known_series() | recorded()

    assert [problem for _, rule in rules() for problem in problems(rule["expr"], known)] == []
    assert len(rules()) > 150


@pytest.mark.parametrize(("expression", "problem"), [
    ("sum(rate(vllm:time_per_output_token_seconds_bucket[5m]))", "is no metric of the catalogue"),
    ('up{inferenceservice="chat"}', "up has no label inferenceservice"),
    ("sum by (model) (vllm:num_requests_waiting)", "no series of it has the label model"),
    ("vllm:num_requests_waiting and on (gpu) up", "no series of it has the label gpu"),
])
def test_what_there_is_not_is_found(expression: str, problem: str) -> None:
    assert any(problem in found for found in problems(expression, known_series()))


def test_what_is_no_promql_is_not_parsed() -> None:
    with pytest.raises(ValueError, match=r"."):
        list(problems("sum(rate(up[5m])", known_series()))


def test_every_alert_says_whose_it_is_and_what_to_do() -> None:
    alerts = [rule for _, rule in rules() if "alert" in rule]

    assert {alert["labels"]["severity"] for alert in alerts} == {"critical", "warning"}
    for alert in alerts:
        assert alert["labels"]["owner"]
        assert {"summary", "description", "look_at", "what_to_do"} <= alert["annotations"].keys()
        assert all(len(text) >= 20 for text in alert["annotations"].values())
        assert "{{{" not in str(alert)


def test_a_tenants_alerts_name_its_owner_and_the_platforms_its_own() -> None:
    owners = {(file.split("/")[1], rule["labels"]["owner"]) for file, rule in rules() if "alert" in rule}

    assert ("acme", "acme-team@example.com") in owners
    assert ("monitoring", "platform-oncall@example.com") in owners


def test_runbooks_are_linked_where_there_is_a_base() -> None:
    links = {rule["annotations"].get("runbook_url") for _, rule in rules() if rule.get("alert") == "GpuplaneWorkloadsPending"}

    assert links == {None, "https://runbooks.example.com/GpuplaneWorkloadsPending"}


def test_labels_in_texts_are_labels_of_the_expression() -> None:
    known = known_series() | recorded()
    for _, rule in rules():
        for label in re.findall(r"\$labels\.(\w+)", str(rule.get("annotations", {}))):
            assert any(label in known[name] for name in known if name in rule["expr"]), (rule["alert"], label)


ME = 'tenant="t",service="s"'


def slower(metric: str, boundary: str) -> tuple[str, str]:
    """What is bad and what is all of a histogram."""
    return f'sum(rate({metric}_count{{{ME}}}[5m])) - sum(rate({metric}_bucket{{{ME},le="{boundary}"}}[5m]))', f"sum(rate({metric}_count{{{ME}}}[5m]))"


EXPRESSIONS = {
    "ttft_p95": (*slower("vllm:time_to_first_token_seconds", "1.0"), "0.05"),
    "time_per_output_token_p90": (*slower("vllm:request_time_per_output_token_seconds", "0.05"), "0.1"),
    "latency_p99": (*slower("vllm:e2e_request_latency_seconds", "30.0"), "0.01"),
    "availability": (f"1 - (max(up{{{ME}}}) or vector(0))", "vector(1)", "0.005"),
    "errors": (f'sum(rate(http_requests_total{{{ME},handler=~"/v1/.+",status="5xx"}}[5m])) or vector(0)',
               f'(sum(rate(http_requests_total{{{ME},handler=~"/v1/.+"}}[5m])) or vector(0))', "0.001"),
    "saturation_kv": (f"max(vllm:kv_cache_usage_perc{{{ME}}}) > bool 0.9", "vector(1)", "0.05"),
    "saturation_waiting": (f"max(vllm:num_requests_waiting{{{ME}}}) > bool 20", "vector(1)", "0.05"),
}


def test_each_promise_is_measured_as_it_should_be() -> None:
    found, lacking = indicators(promised().services["acme/chat"].document.spec)

    assert lacking == ()
    assert {one.name: (*expressions(one, {"tenant": "t", "service": "s"}), str(one.budget)) for one in found} == {
        name: (bad, total, budget) for name, (bad, total, budget) in EXPRESSIONS.items()}


def test_the_gateway_is_watched_where_it_has_callers_and_only_there() -> None:
    with_callers = {name: views_of(load_environment(ROOT / "environments", name)) for name in ("dev", "prod")}
    for name, views in with_callers.items():
        monitors = [view for view in views if view.kind == "PodMonitor" and view.name == "gpuplane-gateway-proxies"]
        alerts = {rule["alert"] for where, rule in rules() if where.startswith(f"{name}/") and "alert" in rule and "Gateway" in rule["alert"]}
        is_there = any(view.kind == "Gateway" for view in views)
        assert (len(monitors), len(alerts)) == ((1, 4) if is_there else (0, 0)), name
    assert any(view.kind == "Gateway" for view in with_callers["prod"])
    monitor, = [view for view in with_callers["prod"] if view.name == "gpuplane-gateway-proxies"]
    assert monitor.props["spec"]["namespaceSelector"] == {"matchNames": ["envoy-gateway-system"]}
    assert monitor.props["spec"]["selector"] in [
        view.props["spec"]["podSelector"] for view in with_callers["prod"] if view.kind == "NetworkPolicy" and view.namespace == "envoy-gateway-system"]
    assert monitor.props["spec"]["podMetricsEndpoints"][0]["port"] == "metrics"


def test_a_promise_between_boundaries_is_watched_at_the_one_below_and_said() -> None:
    notes = plan(promised(), default_catalog(), AS_OF).notes

    assert ("acme/chat: time_per_output_token_ms.p90 is watched at 50 ms, not 60 ms: the nearest boundary of "
            "vllm:request_time_per_output_token_seconds that overlooks nothing; the next is 75 ms.") in notes
    assert any(note.startswith("acme/chat: a mean has no error budget, so ttft_ms.mean") for note in notes)
    assert not any("ttft_ms.p95" in note for note in notes)


def test_a_service_with_next_to_no_traffic_is_told_that_single_requests_will_call() -> None:
    wish = valid().put("environment spec.monitoring", {}).put(f"{CHAT} spec.objectives", {"requests_per_second": 0.01, "error_percent": 0.1})

    assert any(note.startswith("acme/chat: at 0.01 requests a second, two bad requests within an hour") for note in wish.plan().notes)


def test_nothing_is_refused_or_rendered_where_nobody_watches() -> None:
    wish = valid().put(f"{CHAT} spec.objectives", {"requests_per_second": 4, "latency_ms": {"p99": 1}})

    assert [refusal.rule for refusal in wish.plan().refusals if refusal.rule == "OB-03"] == []
    assert not [view for view in views_of(wish.spec()) if view.kind in ("PrometheusRule", "PodMonitor")]


def test_the_price_of_a_replica_is_its_share_of_the_node() -> None:
    rule = next(rule for _, rule in rules() if rule.get("record") == "gpuplane:service_usd_per_hour:sum"
                and rule["labels"] == {"tenant": "acme", "service": "chat", "model": promised().services["acme/chat"].document.spec.release.model.model})
    pool = plan(promised(), default_catalog(), AS_OF).pools["h100"]
    assert pool.usd_per_node_hour is not None
    devices = promised().services["acme/chat"].document.spec.release.devices_per_replica

    assert Decimal(rule["expr"].rpartition("* ")[2]) == pool.usd_per_node_hour * devices / 8


def test_the_latency_of_triton_is_what_its_summaries_say() -> None:
    metric = metric_that_measures("triton", "26.07", "latency_ms")
    service = load_environment(ROOT / "environments", "dev").services["research/resnet50"].document.spec
    indicator = indicators(service)[0][0]

    assert indicator.metric == metric
    assert expressions(indicator, {"tenant": "t", "service": "s"})[0] == (
        'max(nv_inference_request_summary_us{tenant="t",service="s",quantile="0.99"}) > bool 100000')


def test_the_rule_files_are_those_that_were_reviewed() -> None:
    files = {view.name: view.props["spec"] for view in views_of(promised())
             if view.kind == "PrometheusRule" and view.name in ("gpuplane-platform", "gpuplane-chat", "gpuplane-budget") and view.namespace != "beta"}
    for name, spec in files.items():
        golden, text = ROOT / "tests" / "golden" / f"rules-{name}.yaml", yaml.safe_dump(spec, sort_keys=False, width=140, allow_unicode=True)
        if os.environ.get("GPUPLANE_WRITE_GOLDEN"):
            golden.write_text(text)

        assert golden.read_text() == text
    assert len(files) == 3
