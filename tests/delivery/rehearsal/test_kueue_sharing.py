"""What a rehearsal says where the cluster's Kueue shares by weights, and preempts by other strategies than the plan's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from gpuplane.delivery.rehearsal.kueue_sharing import CONFIG_KEY, CONFIG_MAP, shares_otherwise
from gpuplane.delivery.rehearsal.stage import Stage
from tests.planning.wish import valid

QUEUE = SimpleNamespace(kind="ClusterQueue", api_version="kueue.x-k8s.io/v1beta2", name="acme")


def _said(configuration: str | None) -> str:
    """Of a cluster whose ClusterQueues report shares, and whose ConfigMap holds this."""
    def get(kind: str, name: str, _namespace: str = "") -> dict[str, Any] | None:
        if kind == "ClusterQueue":
            return {"status": {"fairSharing": {"weightedShare": 0}}}
        assert name == CONFIG_MAP
        return None if configuration is None else {"data": {CONFIG_KEY: configuration}}

    kinds = {(QUEUE.api_version, QUEUE.kind): QUEUE.kind, ("v1", "ConfigMap"): "ConfigMap"}
    spec = valid().put("tenants/beta spec.fair_sharing_weight", 2).spec()
    return shares_otherwise(cast(Stage, SimpleNamespace(has_kueue=True, wish=spec, views=(QUEUE,), server=SimpleNamespace(get=get, kinds=kinds))))


@pytest.mark.parametrize("configuration", [
    None, "", "fairSharing: {}\n", "fairSharing: {preemptionStrategies: [LessThanOrEqualToFinalShare, LessThanInitialShare]}\n",
    "fairSharing: [", "[" * 100_000], ids=["no ConfigMap", "empty", "the default", "the plan's", "no YAML", "nested without end"])
def test_strategies_that_are_the_plans_or_cannot_be_seen_are_no_difference(configuration: str | None) -> None:
    assert _said(configuration) == ""


def test_other_strategies_are_said_with_the_plans() -> None:
    assert _said("fairSharing: {preemptionStrategies: [LessThanInitialShare]}\n") == (
        "Kueue here preempts by LessThanInitialShare, and the plan by LessThanOrEqualToFinalShare, LessThanInitialShare: it was loaded with "
        "nothing. Set fairSharing.preemptionStrategies of its Configuration.")
