"""Fields of monitoring, tracing and promises: what is right, and what a wrong value says."""

from __future__ import annotations

from typing import Any

import pytest

from gpuplane.spec.errors import InvalidSpec
from tests.components.recorded import one
from tests.observation.test_rules import views_of
from tests.planning.wish import valid

CHAT, ENVIRONMENT = "services/acme/chat", "environment"
LOAD = {"requests_per_second": 1}


@pytest.mark.parametrize(("path", "value", "words"), [
    (f"{CHAT} spec.objectives", {**LOAD, "availability_percent": 100}, "less than 100"),
    (f"{CHAT} spec.objectives", {**LOAD, "availability_percent": 0}, "more than 0"),
    (f"{CHAT} spec.objectives", {**LOAD, "error_percent": "1%"}, "error_percent"),
    (f"{CHAT} spec.objectives", {**LOAD, "saturation": {"percent_of_time": 5}}, "needs kv_cache_percent or waiting_requests"),
    (f"{CHAT} spec.objectives", {**LOAD, "saturation": {"kv_cache_percent": 100}}, "less than 100"),
    (f"{ENVIRONMENT} spec.monitoring", {"owner": ""}, "owner"),
    (f"{ENVIRONMENT} spec.monitoring", {"runbook_base_url": "http://runbooks.example.com"}, "runbook_base_url"),
    (f"{ENVIRONMENT} spec.monitoring", {"runbook_base_url": "https://runbooks.example.com/"}, "runbook_base_url"),
    (f"{ENVIRONMENT} spec.monitoring", {"grafana": {"labels": {}}}, "labels"),
    (f"{ENVIRONMENT} spec.tracing", {}, "namespace"),
    (f"{ENVIRONMENT} spec.tracing", {"namespace": "observability", "sampling_percent": 0}, "sampling_percent"),
    (f"{ENVIRONMENT} spec.tracing", {"namespace": "observability", "endpoint": "http://x"}, "is not a field here"),
    (f"{ENVIRONMENT} spec.tracing", {"namespace": "acme"}, "is the name of a platform namespace"),
])
def test_a_wrong_value_is_said(path: str, value: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidSpec, match=words):
        valid().put(path, value).spec()


def test_grafana_has_the_labels_and_the_folder_that_are_written() -> None:
    grafana = {"labels": {"dashboards": "yes"}, "folder": "GPUs"}
    views = views_of(valid().put(f"{ENVIRONMENT} spec.monitoring", {"namespace": "obs", "grafana": grafana}).spec())
    found = one(views, "ConfigMap", "gpuplane-dashboard-gpu-health")

    assert (found.namespace, found.labels) == ("obs", {"dashboards": "yes"})
    assert found.props["metadata"]["annotations"] == {"grafana_folder": "GPUs"}


def test_without_grafana_there_are_no_dashboards() -> None:
    assert not [view for view in views_of(valid().put(f"{ENVIRONMENT} spec.monitoring", {}).spec()) if view.kind == "ConfigMap"]


def test_what_watches_says_who_answers_and_bears_the_labels() -> None:
    monitoring = {"labels": {"release": "mine"}, "owner": "platform-oncall"}
    views = views_of(valid().put(f"{ENVIRONMENT} spec.monitoring", monitoring).spec())

    assert all(view.labels == {"release": "mine"} for view in views if view.kind in ("PodMonitor", "PrometheusRule", "ServiceMonitor"))
    assert one(views, "PrometheusRule", "gpuplane-platform").props["spec"]["groups"][-1]["rules"][0]["labels"]["owner"] == "platform-oncall"
