"""What the platform installs and how its queues share: a wrong value says what is wrong, and where."""

from __future__ import annotations

from typing import Any

import pytest

from gpuplane.spec.errors import InvalidSpec
from tests.planning.wish import valid

CHAT = "services/acme/chat spec.placement.topology"
ENV, ACME = "environment spec", "tenants/acme spec"
LEVELS = ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
TWICE = {"a": {"levels": LEVELS, "pools": ["h100"]}, "b": {"levels": LEVELS, "pools": ["h100"]}}


def errors(path: str, value: Any) -> list[str]:
    """What loading says to one changed field."""
    try:
        valid().put(path, value).spec()
    except InvalidSpec as error:
        return [f"{one.path}: {one.message}" for one in error.errors]
    return []


def _operator(**fields: Any) -> dict[str, Any]:
    return {"version": "v26.7.0", **fields}


@pytest.mark.parametrize(("path", "value", "at", "words"), [
    (f"{ENV}.gpu_operator", _operator(driver={"version": "580"}), "gpu_operator.driver.version", "580 is a branch: pin a whole version"),
    (f"{ENV}.gpu_operator", _operator(driver={"precompiled": True}), "gpu_operator.driver.version", "precompiled drivers are pinned by branch"),
    (f"{ENV}.gpu_operator", _operator(driver={"version": "580.1.1", "precompiled": True}), "gpu_operator.driver.version", "this is 580.1.1"),
    (f"{ENV}.gpu_operator", _operator(driver={"upgrade": {"max_unavailable_percent": 0}}), "gpu_operator.driver.upgrade.max_unavailable_percent", ""),
    (f"{ENV}.gpu_operator", _operator(driver=True), "gpu_operator.driver", ""),
    (f"{ENV}.gpu_operator", _operator(dra={"claim_template": "GPU"}), "gpu_operator.dra.claim_template", ""),
    (f"{ENV}.kueue", {"install": "external", "version": "0.19.2", "values": {"enableKueueViz": True}}, "kueue.values", "values are of a release"),
    (f"{ENV}.kueue.topologies", TWICE, "kueue.topologies.b.pools", "pool h100 is in topology a already"),
    (f"{ENV}.kueue.topologies", {"a": {"levels": LEVELS[::-1], "pools": ["h100"]}}, "topologies.a.levels", "can only be the last level"),
    (f"{ENV}.kueue.topologies", {"a": {"levels": LEVELS[:1] * 2, "pools": ["h100"]}}, "topologies.a.levels", "stands twice"),
    (f"{ENV}.kueue.topologies", {"a": {"levels": LEVELS, "pools": ["h1000"]}}, "topologies.a.pools", 'there is no pool "h1000"; there are: h100'),
    (f"{ENV}.volcano", {"install": "release", "version": "1.15.1", "pools": ["batch"]}, "volcano.pools", 'there is no pool "batch"'),
    (CHAT, {"required": "example.com/rack"}, "placement.topology.required", 'is no level of its pool: pool "h100" is in no topology'),
    (CHAT, {}, "placement.topology", ""),
    (f"{ACME}.local_queues", {"default": {}}, "local_queues.default", "what Kueue gives to every workload that names no queue"),
    (f"{ACME}.local_queues", {"gpu": {}}, "local_queues.gpu", "there already"),
    (f"{ACME}.local_queues", {"train": {"fair_sharing_weight": 2}}, "local_queues.train.fair_sharing_weight", "only count with admission fair sharing"),
    (f"{ACME}.flavor_fungibility", {"pools": ["a100"]}, "flavor_fungibility.pools[0]", "the tenant has no quota of pool a100"),
    (f"{ACME}.flavor_fungibility", {"pools": ["h100", "h100"]}, "flavor_fungibility.pools", "stands twice"),
    (f"{ACME}.flavor_fungibility", {"preference": "BorrowingOverPreemption"}, "flavor_fungibility.preference", "TryNextFlavor"),
])
def test_a_wrong_value_says_what_is_wrong(path: str, value: Any, at: str, words: str) -> None:
    found = errors(path, value)
    assert any(at in one and words in one for one in found), found


@pytest.mark.parametrize(("path", "value"), [
    (f"{ENV}.gpu_operator", _operator(driver={}, toolkit=True, node_feature_discovery="external", dcgm_interval_seconds=30)),
    (f"{ENV}.gpu_operator", _operator(driver={"version": "580", "precompiled": True, "upgrade": {"drain": {"timeout_seconds": 60}}})),
    (f"{ENV}.kueue.topologies", {"a": {"levels": LEVELS, "pools": ["h100"]}}),
    (f"{ACME}.local_queues", {"train": {}}),
    (f"{ACME}.flavor_fungibility", {"pools": ["h100"], "when_can_borrow": "TryNextFlavor", "preference": "PreemptionOverBorrowing"}),
])
def test_a_right_value_passes(path: str, value: Any) -> None:
    assert errors(path, value) == []
