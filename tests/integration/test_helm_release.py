"""A chart really installed, upgraded and removed through our release component, by the real Pulumi on a real API server."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi import automation

from gpuplane.catalog.chart_keys import key_tree
from gpuplane.catalog.charts import Chart
from gpuplane.components.helm_release import ChartArgs, helm_release
from gpuplane.delivery.applying.helm_releases import is_there
from gpuplane.spec.loader import load_environment
from tests.integration.cluster import Cluster, wait_for
from tests.integration.work import Work

pytestmark = pytest.mark.integration

CHART = Path(__file__).parent / "charts" / "note"
KEYS = Chart("note", "1.0.0", key_tree(yaml.safe_load((CHART / "values.yaml").read_text())), "tests/integration/charts/note", date(2026, 11, 21))
NAMESPACE = "charts"


def _stack(work: Work, values: dict[str, Any]) -> automation.Stack:
    def program() -> None:
        from pulumi_kubernetes import Provider

        provider = Provider("cluster", context=work.cluster.context, kubeconfig=work.variables["KUBECONFIG"])
        helm_release("note", ChartArgs(str(CHART), "1.0.0", NAMESPACE, keys=KEYS), values, pulumi.ResourceOptions(provider=provider))

    settings = automation.ProjectSettings("charts", "python", backend=automation.ProjectBackend(work.variables["PULUMI_BACKEND_URL"]))
    options = automation.LocalWorkspaceOptions(env_vars=work.variables, project_settings=settings)
    return automation.create_or_select_stack("charts", project_name="charts", program=program, opts=options)


def test_a_chart_is_installed_upgraded_and_removed(work: Work, cluster: Cluster) -> None:
    spec = load_environment(work.environments, "local")
    stack = _stack(work, {"text": "first", "labels": {"any": "key"}})
    try:
        stack.up(log_to_std_err=False)
        first = cluster.get("v1", "ConfigMap", "note", NAMESPACE) or {}
        there = [is_there(spec, {"name": name, "namespace": NAMESPACE}) for name in ("note", "not")]
        _stack(work, {"text": "second", "replica": {"count": 2}}).up()
        second = cluster.get("v1", "ConfigMap", "note", NAMESPACE) or {}
        again = _stack(work, {"text": "second", "replica": {"count": 2}}).up(expect_no_changes=True)
    finally:
        stack.destroy()
        stack.workspace.remove_stack("charts")

    assert there == [True, False], "adopt finds a release as Helm keeps it"
    assert is_there(spec, {"name": "note", "namespace": NAMESPACE}) is False
    assert first["data"] == {"text": "first", "replicas": "1"}
    assert first["metadata"]["labels"]["any"] == "key"
    assert second["data"] == {"text": "second", "replicas": "2"}
    assert again.summary.resource_changes == {"same": 3}
    wait_for(lambda: cluster.get("v1", "ConfigMap", "note", NAMESPACE) is None, "the release's objects are gone")
    cluster.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})


def test_a_misspelt_value_registers_nothing(work: Work, cluster: Cluster) -> None:
    stack = _stack(work, {"replica": {"cuont": 2}})
    try:
        with pytest.raises(automation.CommandError, match=r"note 1\.0\.0 has no value replica\.cuont\. Did you mean replica\.count"):
            stack.up()
    finally:
        stack.destroy()
        stack.workspace.remove_stack("charts")
    assert cluster.get("v1", "ConfigMap", "note", NAMESPACE) is None
