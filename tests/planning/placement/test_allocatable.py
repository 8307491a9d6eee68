"""What a node has left for models, and that no queue is given more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuplane.catalog import Instance, default_catalog
from gpuplane.planning.environment_plan import PoolPlan, host_quota
from gpuplane.planning.placement.allocatable import NodeAllocatable, eks_reserved_cpu, eks_reserved_memory_mib, node_allocatable
from gpuplane.spec.environment import EnvironmentSettings
from gpuplane.spec.node_pool import EksManagedNodeGroup, NodePoolSpec
from tests.planning.wish import EKS, EXISTING, Wish, valid


def of_environment() -> EnvironmentSettings:
    return valid().spec().environment.spec


GPU_OPERATOR = {"version": "v26.7.0"}


@pytest.mark.parametrize(("cores", "millicores"), [(1, 60), (2, 70), (4, 80), (8, 90), (16, 110), (48, 190), (96, 310), (192, 550)])
def test_the_cpu_that_an_eks_node_keeps(cores: int, millicores: int) -> None:
    assert eks_reserved_cpu(cores * 1000) == millicores


@pytest.mark.parametrize(("pods", "mib"), [(29, 574), (58, 893), (234, 2829), (737, 8362)])
def test_the_memory_that_an_eks_node_keeps(pods: int, mib: int) -> None:
    assert eks_reserved_memory_mib(pods) == mib


@pytest.mark.parametrize("facts", [row for row in default_catalog().instances.values() if row.allocatable_memory_mib is not None],
                         ids=lambda row: row.name)
def test_an_eks_node_before_daemonsets_is_what_karpenter_expects(facts: Instance) -> None:
    """Karpenter's table is an independent computation; it rounds down to MiB and to hundredths of a core."""
    group = EksManagedNodeGroup(instance_type=facts.name, release_version="1.36.3-20261104", max_nodes=1)
    left = node_allocatable(NodePoolSpec(gpu=facts.gpu or "", eks_managed_node_group=group), of_environment(), replace(default_catalog(), daemonsets={}))

    assert facts.allocatable_memory_mib is not None
    assert facts.allocatable_vcpus is not None
    assert abs(left.memory_mib - facts.allocatable_memory_mib) <= 1
    assert abs(left.cpu_millicores - facts.allocatable_vcpus * 1000) <= 5


def eks(wish: Wish) -> NodeAllocatable:
    return wish.plan().pools["h100"].allocatable


def test_an_eks_node_is_its_capacity_less_every_deduction_in_the_list() -> None:
    left = eks(valid())

    # 192 cores - 550m - aws-node 50m - kube-proxy 100m - ebs-csi-node 30m
    assert left.cpu_millicores == 192_000 - 550 - 180
    # 2048 GiB - 7.5 % (rounded up) - (255 + 11 × 100) - 100 - ebs-csi-node 120
    assert left.memory_mib == 2048 * 1024 - 157_287 - 1_355 - 100 - 120
    # 100 pods by its network interfaces, of which aws-node, kube-proxy, ebs-csi-node, the pod identity agent and the device plugin take 5
    assert left.pods == 95
    # 200 GiB - 1 GiB - 10 %
    assert left.disk_mib == 200 * 1024 - 1024 - 20_480
    for field, capacity in (("cpu_millicores", 192_000), ("memory_mib", 2048 * 1024), ("pods", 100), ("disk_mib", 200 * 1024)):
        assert capacity - sum(getattr(row, field) for row in left.deductions) == getattr(left, field)


def test_the_daemonsets_are_those_that_this_environment_has() -> None:
    bare = {row.what for row in eks(valid()).deductions}
    full = {row.what for row in eks(valid().put("environment spec.gpu_operator", GPU_OPERATOR).put("environment spec.monitoring", {})).deductions}

    assert full - bare == {"gpu-feature-discovery", "nvidia-dcgm-exporter", "nvidia-operator-validator", "node-feature-discovery", "node-exporter"}


def test_the_pods_of_a_node_can_be_said() -> None:
    left = eks(valid().put("node-pools/h100 spec.eks_managed_node_group.max_pods", 200))

    assert left.pods == 195
    assert left.memory_mib == eks(valid()).memory_mib - 11 * 100


def rack(**more: object) -> NodeAllocatable:
    return valid().pool("rack", "H100-SXM-80GB", existing_nodes={**EXISTING, **more}).plan().pools["rack"].allocatable


def test_an_existing_node_says_what_is_left_or_what_is_reserved_or_nothing() -> None:
    said = rack(allocatable={"cpu_millicores": 127_000, "memory_mib": 1_000_000}, max_pods=250)
    reserved = rack(system_reserved={"cpu_millicores": 1_000, "memory_mib": 2_048})
    silent = rack()

    assert (said.cpu_millicores, said.memory_mib, said.pods, said.disk_mib) == (127_000 - 100, 1_000_000, 250 - 2, None)
    assert (reserved.cpu_millicores, reserved.memory_mib) == (128_000 - 1_000 - 100, 1024 * 1024 - 2_048 - 100)
    assert (silent.cpu, silent.memory_gib, silent.pods) == (115, 921, 108)
    assert "does not say" in silent.basis


def test_the_disk_of_an_existing_node_keeps_its_eviction_threshold() -> None:
    assert rack(disk_gib_per_node=1000).disk_mib == 1000 * 1024 - 102_400


def test_unknown_hardware_leaves_nothing() -> None:
    assert eks(valid().put("node-pools/h100 spec.eks_managed_node_group.instance_type", "p9.huge")).cpu_millicores == 0


def pools() -> list[PoolPlan]:
    wish = valid()
    for number, name in enumerate(sorted(default_catalog().instances)):
        facts = default_catalog().instances[name]
        if facts.gpu is not None:
            wish.pool(f"pool-{number}", facts.gpu, eks_managed_node_group={**EKS, "instance_type": name})
    return list(wish.plan().pools.values())


POOLS = pools()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.sampled_from(POOLS), st.lists(st.integers(0, 8), max_size=6))
def test_queues_together_are_never_given_more_of_a_host_than_it_has(pool: PoolPlan, quotas: list[int]) -> None:
    resource = "nvidia.com/gpu"
    given_out = [host_quota(pool, resource, devices) for devices in quotas]
    if sum(quotas) > pool.gpus_per_node:
        return
    assert sum(cpu for cpu, _ in given_out) * 1000 <= pool.allocatable.cpu_millicores < pool.vcpus_per_node * 1000
    assert sum(memory for _, memory in given_out) * 1024 <= pool.allocatable.memory_mib < pool.memory_gib_per_node * 1024
