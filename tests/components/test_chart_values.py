"""What the components tell charts: only what the chart knows, and nothing beside what a user may not set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from gpuplane.catalog.charts import chart
from gpuplane.components import (
    cert_manager,
    efa_device_plugin,
    envoy_gateway,
    gpu_operator,
    karpenter,
    kserve,
    kueue,
    leader_worker_set,
    volcano,
)
from gpuplane.components.efa_device_plugin import EfaDevicePluginArgs
from gpuplane.components.gpu_operator import DraArgs, DrainArgs, DriverArgs, GpuOperatorArgs
from gpuplane.components.gpu_quotas import TaintArgs
from gpuplane.components.helm_release import ChartArgs, helm_release, with_further
from gpuplane.components.karpenter import KarpenterArgs
from gpuplane.components.kueue import AdmissionFairSharingArgs, KueueArgs
from gpuplane.components.volcano import VolcanoArgs
from gpuplane.planning.chart_rules import CHARTS, SET_BY_GPUPLANE
from tests.components.recorded import record

DRIVER = DriverArgs("580.126.20", kernel_module="open", max_parallel_upgrades=2, max_unavailable_percent=10, wait_for_jobs_seconds=60,
                    pod_deletion_timeout_seconds=30, drain=DrainArgs(90, force=True, delete_empty_dirs=True))
EVERYTHING = GpuOperatorArgs(
    "v26.7.0", DRIVER, toolkit=True, mig_layouts={"a100": {"1g.10gb": 7}}, time_slicing={"dev": 4}, mps={"shared": 2},
    tolerations=(TaintArgs("a", "b", "NoSchedule"),), dcgm_service_monitor=True, monitor_labels={"release": "kps"})
VALUES: dict[str, list[Mapping[str, Any]]] = {
    "gpu_operator": [gpu_operator.values(EVERYTHING), gpu_operator.values(GpuOperatorArgs("v26.7.0")),
                     gpu_operator.values(GpuOperatorArgs("v26.7.0", DRIVER, dra=DraArgs(compute_domains=True)))],
    "kueue": [kueue.values(KueueArgs("0.19.2", 2, "monitoring", True, AdmissionFairSharingArgs(), True)), kueue.values(KueueArgs("0.19.2", 1))],
    "kserve": [kserve.values(), kserve.values(version="v0.20.0", digests=dict.fromkeys(("agent", "router", "storage"), "sha256:1"))],
    "volcano": [volcano.values(VolcanoArgs("1.15.1", ({"pool": "batch"},)))],
    "cert_manager": [cert_manager.values()],
    "leader_worker_set": [leader_worker_set.values("0.10.0")],
    "karpenter": [karpenter.values(KarpenterArgs("1.14.1", "prod", "prod", static_nodes=True))],
    "efa_device_plugin": [efa_device_plugin.values(EfaDevicePluginArgs("v0.5.30", (TaintArgs("a", "b", "NoSchedule"),)))],
    "gateway.envoy_gateway": [envoy_gateway.values("redis:6379", routes_to_pools=True)],
}
VERSIONS = {"gpu_operator": "v26.7.0", "kueue": "0.19.2", "kserve": "v0.20.0", "volcano": "1.15.1", "cert_manager": "v1.21.1",
            "leader_worker_set": "0.10.0", "karpenter": "1.14.1", "efa_device_plugin": "v0.5.30", "gateway.envoy_gateway": "v1.9.0"}


def _paths(values: Mapping[str, Any], keys: Any, prefix: str = "") -> Iterator[str]:
    """Paths down to where the chart's own keys end."""
    for key, value in values.items():
        below = keys.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            yield from _paths(value, below, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


@pytest.mark.parametrize("block", VALUES)
def test_every_value_that_is_emitted_is_one_of_the_charts_and_is_closed_to_users(block: str) -> None:
    known = chart(CHARTS[block], VERSIONS[block])
    assert known is not None
    for values in VALUES[block]:
        assert list(known.problems(values)) == []
        for path in _paths(values, known.keys):
            assert any(path == owned or path.startswith(f"{owned}.") for owned in SET_BY_GPUPLANE[block]), path


@pytest.mark.parametrize("block", VALUES)
def test_nothing_is_closed_that_is_never_set(block: str) -> None:
    known = chart(CHARTS[block], VERSIONS[block])
    assert known is not None
    emitted = {path for values in VALUES[block] for path in _paths(values, known.keys)}
    for owned in SET_BY_GPUPLANE[block]:
        assert any(path == owned or path.startswith(f"{owned}.") for path in emitted), owned


def test_a_driver_is_pinned_and_reaches_the_nodes_as_it_is_told() -> None:
    driver = gpu_operator.values(EVERYTHING)["driver"]

    assert driver["enabled"] is True
    assert driver["version"] == "580.126.20"
    assert driver["kernelModuleType"] == "open"
    assert driver["upgradePolicy"] == {
        "autoUpgrade": True, "maxParallelUpgrades": 2, "maxUnavailable": "10%", "waitForCompletion": {"timeoutSeconds": 60},
        "gpuPodDeletion": {"timeoutSeconds": 30}, "drain": {"enable": True, "timeoutSeconds": 90, "force": True, "deleteEmptyDir": True}}
    assert gpu_operator.values(GpuOperatorArgs("v26.7.0"))["driver"] == {"enabled": False}


def test_each_way_of_sharing_is_a_config_of_its_pool() -> None:
    configs = {name: yaml.safe_load(text) for name, text in gpu_operator.values(EVERYTHING)["devicePlugin"]["config"]["data"].items()}

    assert configs["dev"]["sharing"] == {"timeSlicing": {"renameByDefault": False, "failRequestsGreaterThanOne": True,
                                                         "resources": [{"name": "nvidia.com/gpu", "replicas": 4}]}}
    assert configs["shared"]["sharing"] == {"mps": {"renameByDefault": False, "resources": [{"name": "nvidia.com/gpu", "replicas": 2}]}}
    assert configs["whole-gpus"]["flags"] == {"migStrategy": "mixed"}


def test_dra_replaces_the_device_plugin_and_needs_a_driver_object() -> None:
    values = gpu_operator.values(GpuOperatorArgs("v26.7.0", DRIVER, dra=DraArgs()))

    assert (values["clusterPolicy"], values["gpuCluster"]) == ({"deployCR": False}, {"deployCR": True})
    assert values["devicePlugin"] == {"enabled": False}
    assert values["driver"]["nvidiaDriverCRD"] == {"enabled": True}
    assert values["draDriver"] == {"computeDomains": {"enabled": False}}
    with pytest.raises(ValueError, match="dra replaces the device plugin, which would share the GPUs of: dev"):
        gpu_operator.values(GpuOperatorArgs("v26.7.0", time_slicing={"dev": 2}, dra=DraArgs()))


def test_kueue_counts_what_quotas_are_of_and_nothing_else() -> None:
    whole = kueue.configuration(KueueArgs("0.19.2", fair_sharing=True, admission_fair_sharing=AdmissionFairSharingArgs(24, 60), dra=True))

    assert whole["resources"]["quotaCheckStrategy"] == "BlockUndeclared"
    assert "ephemeral-storage" in whole["resources"]["excludeResourcePrefixes"]
    assert not any("nvidia.com/gpu".startswith(prefix) for prefix in whole["resources"]["excludeResourcePrefixes"])
    assert whole["resources"]["deviceClassMappings"] == [{"name": "nvidia.com/gpu", "deviceClassNames": ["gpu.nvidia.com"]}]
    assert whole["admissionFairSharing"] == {"usageHalfLifeTime": "24h", "usageSamplingInterval": "60s",
                                             "resourceWeights": {"cpu": 0, "memory": 0, "nvidia.com/gpu": 1}}
    assert "admissionFairSharing" not in kueue.configuration(KueueArgs("0.19.2"))


def test_further_values_come_beside_and_never_in_place() -> None:
    assert with_further({"a": {"b": 1}}, {"a": {"c": 2}, "d": 3}) == {"a": {"b": 1, "c": 2}, "d": 3}
    with pytest.raises(ValueError, match=r"a\.b is set already, to 1"):
        with_further({"a": {"b": 1}}, {"a": {"b": 2}})


@pytest.mark.parametrize(("args", "values", "words"), [
    (ChartArgs("oci://registry.k8s.io/kueue/charts/kueue", "0.19.2", "x"), {"enableKueueVizz": True}, "Did you mean enableKueueViz"),
    (ChartArgs("gpu-operator", "v1.0.0", "x"), {}, "the values of chart gpu-operator v1.0.0 are not known; known versions: v26.3.3, v26.7.0"),
    (ChartArgs("nobody-knows", "1.0.0", "x"), {}, "known versions: none"),
    (ChartArgs("gpu-operator", "v26.3.3", "x"), {"gpuCluster": {"deployCR": True}}, "gpu-operator v26.3.3 has no value gpuCluster"),
])
def test_a_release_that_its_chart_would_misread_is_never_registered(args: ChartArgs, values: dict[str, Any], words: str) -> None:
    import pulumi

    with pytest.raises(Exception, match=words):
        record(lambda: helm_release("x", args, values, pulumi.ResourceOptions()))
