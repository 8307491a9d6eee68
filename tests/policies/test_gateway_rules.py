"""The gateway's rules judge the objects: one changed object of a good platform changes the verdict."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from gpuplane.catalog import default_catalog
from gpuplane.delivery.offline_engine import render
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning import plan
from gpuplane.policies.registry import all_rules, judge
from tests.planning.traffic_wish import reached
from tests.planning.wish import AS_OF

RULES = [rule for rule in all_rules() if rule.id in ("TI-11", "TI-19", "PII-10", "PII-11", "PII-15", "QF-11")]


@cache
def _platform() -> tuple[ResourceView, ...]:
    wish = reached().put("services/acme/chat spec.traffic", {"fallback": [{"provider": "bedrock", "model": "m"}]})
    spec = wish.spec()
    return tuple(render(spec, plan(spec, default_catalog(), AS_OF)))


def _judged(kind: str = "", name: str = "", change: Callable[[dict[str, Any]], object] | None = None, without: tuple[str, ...] = ()) -> list[str]:
    """Ids of rules that find something once one object is changed, and those named ``kind/name`` are gone."""
    views = []
    for view in _platform():
        if f"{view.kind}/{view.name}" in without and view.is_kubernetes:
            continue
        if change is not None and view.is_kubernetes and (view.kind, view.name) == (kind, name):
            props = copy.deepcopy(dict(view.props))
            change(props)
            view = replace(view, props=props)
        views.append(view)
    return sorted({finding.rule for finding in judge(PlannedGraph(views), (), AS_OF, RULES).findings})


def _listener(props: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = props["spec"]["listeners"][0]
    return found


def test_what_gpuplane_renders_passes() -> None:
    assert _judged() == []


def test_a_route_whose_policy_is_gone_is_closed_by_the_gateway() -> None:
    assert _judged(without=("SecurityPolicy/chat",)) == ["PII-15"]  # closed, and other than the tenant's other route
    assert _judged(without=("SecurityPolicy/chat", "SecurityPolicy/embed")) == []
    assert _judged(without=("SecurityPolicy/chat", "SecurityPolicy/embed", "SecurityPolicy/deny-all")) == ["PII-15"]


CHANGED: dict[str, tuple[str, str, Callable[[dict[str, Any]], object], list[str]]] = {
    "a listener for all": ("Gateway", "tenants", lambda one: _listener(one)["allowedRoutes"].update({"namespaces": {"from": "All"}}), ["TI-19"]),
    "a listener for two tenants": (
        "Gateway", "tenants", lambda one: _listener(one)["allowedRoutes"]["namespaces"].update(
            {"selector": {"matchExpressions": [{"key": "gpuplane.dev/tenant", "operator": "Exists"}]}}), ["TI-19"]),
    "a listener for everything by an empty selector": (
        "Gateway", "tenants", lambda one: _listener(one)["allowedRoutes"]["namespaces"].update({"selector": {}}), ["TI-19"]),
    "other keys than the other route's": (
        "SecurityPolicy", "embed", lambda one: one["spec"]["apiKeyAuth"].update({"credentialRefs": [{"name": "others"}]}), ["PII-15"]),
    "another tenant's keys": (
        "SecurityPolicy", "embed", lambda one: one["spec"]["apiKeyAuth"]["credentialRefs"][0].update({"namespace": "beta"}),
        ["PII-15", "TI-11"]),
    "a policy that asks nobody": ("SecurityPolicy", "embed", lambda one: one["spec"].pop("apiKeyAuth"), ["PII-15"]),
    "a policy on another route": (
        "SecurityPolicy", "embed", lambda one: one["spec"]["targetRefs"][0].update({"name": "chat2"}), ["PII-15"]),
    "limits that the route takes the place of": ("BackendTrafficPolicy", "chat", lambda one: one["spec"].pop("mergeType"), ["QF-11"]),
    "limits in shadow": (
        "BackendTrafficPolicy", "acme-limits",
        lambda one: [rule.update({"shadowMode": True}) for rule in one["spec"]["rateLimit"]["global"]["rules"]], ["QF-11"]),
    "limits for one caller only": (
        "BackendTrafficPolicy", "acme-limits", lambda one: one["spec"]["rateLimit"]["global"]["rules"][0].update(
            {"clientSelectors": [{"headers": [{"name": "x-gpuplane-caller", "value": "web"}]}]}), ["QF-11"]),
    "limits of another listener": (
        "BackendTrafficPolicy", "acme-limits", lambda one: one["spec"]["targetRefs"][0].update({"sectionName": "beta"}), ["QF-11"]),
    "data that is more sensitive": (
        "Namespace", "acme", lambda one: one["metadata"]["labels"].update({"gpuplane.dev/data-classification": "pii"}), ["PII-10", "PII-11"]),
    "a region that is not allowed": (
        "Namespace", "acme", lambda one: one["metadata"].setdefault("annotations", {}).update(
            {"gpuplane.dev/allowed-regions": "eu-central-1"}), ["PII-10"]),
    "a service's backend that leads outside": (
        "Backend", "chat", lambda one: one["spec"]["endpoints"][0]["fqdn"].update({"hostname": "api.example.com"}), ["PII-11"]),
    "another tenant's backend": (
        "AIGatewayRoute", "chat", lambda one: one["spec"]["rules"][0]["backendRefs"][0].update({"namespace": "beta"}), ["TI-11"]),
}


@pytest.mark.parametrize("name", CHANGED)
def test_one_changed_object_is_found(name: str) -> None:
    kind, of, change, rules = CHANGED[name]

    assert _judged(kind, of, change) == rules
