"""Pools of every kind: what the plan makes of them, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from gpuplane.catalog import default_catalog
from gpuplane.catalog.prices import PriceRow
from gpuplane.planning import plan
from gpuplane.planning.environment_plan import EnvironmentPlan
from tests.planning.wish import AS_OF, EKS, EXISTING, Wish, valid

GROUP, POOL = "spec.eks_managed_node_group", "node-pools/h100"
SUBNET, GROUPS = ["subnet-0123456789abcdef0"], {"security_group_ids": ["sg-0123456789abcdef0"]}
RESERVATION = {"reservation_id": "cr-0123456789abcdef0", "nodes": 1}
BLOCK = {**RESERVATION, "starts": "2026-08-10", "ends": "2026-08-20", "upfront_usd": 7200}
KARPENTER: dict[str, Any] = {
    "instance_types": ["p5.48xlarge"], "max_nodes": 1, "ami": {"alias": "al2023@v20261104"},
    "security_groups": {"tags": {"karpenter.sh/discovery": "prod"}}}
TPU: dict[str, Any] = {"machine_type": "ct5lp-hightpu-8t", "topology": "2x4", "slices": 1, "vcpus_per_node": 224, "memory_gib_per_node": 384}


def group(**more: Any) -> Wish:
    """The valid wish with other fields of its node group."""
    return valid().pool("h100", "H100-SXM-80GB", eks_managed_node_group={**EKS, **more})


def karpenter(sharing: dict[str, Any] | None = None, **more: Any) -> Wish:
    """The valid wish, its nodes started by Karpenter."""
    return valid().pool("h100", "H100-SXM-80GB", karpenter={**KARPENTER, **more}, **({"sharing": sharing} if sharing else {}))


def tpu(service: bool = True, parallel: int = 8, quota: int = 8, **more: Any) -> Wish:
    """The valid wish with a TPU pool that acme has chips of."""
    wish = valid().put("environment spec.cluster.region", "us-east-1").put("tenants/acme spec.quota.v5e", quota)
    wish.documents["node-pools/v5e"] = {
        "apiVersion": "gpuplane/v1", "kind": "NodePool", "metadata": {"name": "v5e"}, "spec": {"tpu": {**TPU, **more}}}
    if service:
        wish.service("acme/tpu", "v5e", resources={"cpu": 20, "memory_gib": 64})
        wish.put("services/acme/tpu spec.release.vllm.arguments.tensor_parallel_size", parallel)
    return wish


def priced(wish: Wish, machine: str = "ct5lp-hightpu-8t") -> EnvironmentPlan:
    """The plan with a user's price for a TPU host."""
    row = PriceRow(machine, "us-east-1", "on_demand", Decimal("9.6"), "price list of ours", date(2026, 7, 1))
    found = default_catalog()
    return plan(wish.spec(), replace(found, prices={**found.prices, row.key: row}), AS_OF)


def rules(found: EnvironmentPlan) -> list[str]:
    return [refusal.rule for refusal in found.refusals]


def test_of_several_instance_types_the_least_hardware_and_the_dearest_price_count() -> None:
    wish = valid().pool("l4", "L4-24GB", eks_managed_node_group={
        **EKS, "instance_type": "g6.8xlarge", "other_instance_types": ["g6.2xlarge", "g6.4xlarge"], "max_nodes": 2})
    found = wish.put("environment spec.cloud_quotas", {"running_on_demand_g_and_vt": 63}).plan()
    pool, quota = found.pools["l4"], next(refusal for refusal in found.refusals if refusal.rule == "QF-13")
    prices = {name: default_catalog().hourly_price(name, "us-east-1", "on_demand") for name in ("g6.2xlarge", "g6.8xlarge")}

    assert (pool.gpus_per_node, pool.vcpus_per_node, pool.memory_gib_per_node, pool.most_vcpus_per_node) == (1, 8, 32, 32)
    assert pool.usd_per_node_hour == prices["g6.8xlarge"].usd_per_hour  # type: ignore[union-attr]
    assert "g6.8xlarge being the dearest of 3 offers" in pool.price_basis
    assert "l4 2 × 32 = 64 vCPUs is more than the 63" in quota.claim  # the account has to bear the largest


@pytest.mark.parametrize(("day", "state", "nodes", "reason"), [
    (date(2026, 8, 9), "before", 0, "its capacity block starts on 2026-08-10"), (date(2026, 8, 10), "open", 1, ""),
    (date(2026, 8, 19), "open", 1, ""), (date(2026, 8, 20), "over", 0, "its capacity block ended on 2026-08-20")])
def test_a_capacity_block_is_capacity_on_its_days_alone(day: date, state: str, nodes: int, reason: str) -> None:
    found = group(capacity_block=BLOCK, subnet_ids=SUBNET).plan(day)
    pool = found.pools["h100"]

    assert pool.window is not None
    assert (pool.window.state, pool.max_nodes, pool.capacity["nvidia.com/gpu"]) == (state, nodes, nodes * 8)
    assert ("QF-01" in rules(found)) == (not nodes)
    assert any("from 2026-08-10 to 2026-08-20" in note for note in found.notes)
    if reason:
        assert any(f"(max_nodes 0 × 8: {reason})" in refusal.claim for refusal in found.refusals)


@pytest.mark.parametrize(("day", "usd"), [(date(2026, 8, 1), "7200.00"), (date(2026, 8, 12), "7200.00"), (date(2026, 8, 25), "0.00")])
def test_a_capacity_block_is_paid_in_advance_used_or_not(day: date, usd: str) -> None:
    found = group(capacity_block=BLOCK, subnet_ids=SUBNET)
    for name in ("acme/chat", "acme/embed", "beta/rank"):
        del found.documents[f"services/{name}"]
    money = found.plan(day).money.pools["h100"]

    assert money.month.minimum_usd_per_month == Decimal(usd)
    assert found.plan(day).pools["h100"].usd_per_node_hour == Decimal("30")  # 7200 over 240 hours


def test_a_capacity_reservation_is_paid_for_whether_nodes_run_or_not() -> None:
    found = group(capacity_reservation={**RESERVATION, "nodes": 2}, subnet_ids=SUBNET).plan()
    pool, money = found.pools["h100"], found.money.pools["h100"]
    assert pool.usd_per_node_hour is not None

    assert money.reservation is not None
    assert (money.reservation.nodes, money.reservation.term, money.reservation.usd_per_node_hour) == (
        2, "capacity reservation", pool.usd_per_node_hour)
    assert money.month.minimum_usd_per_month is not None
    assert money.month.minimum_usd_per_month >= pool.usd_per_node_hour * 2 * 730


def test_karpenter_has_the_capacity_of_its_limits_and_no_minimum() -> None:
    found = karpenter(max_nodes=2).plan()
    same = group(max_nodes=2).plan()

    assert found.pools["h100"].capacity == same.pools["h100"].capacity == {"nvidia.com/gpu": 16}
    assert (found.pools["h100"].min_nodes, found.money.month) == (0, same.money.month)
    assert karpenter(static_nodes=1).plan().pools["h100"].min_nodes == 1
    assert rules(found) == []


def test_of_karpenters_capacity_types_the_dearest_counts() -> None:
    both, spot = (karpenter(capacity_types=types).plan().pools["h100"] for types in (["spot", "on_demand"], ["spot"]))

    assert both.usd_per_node_hour == both.worst_case_usd_per_node_hour
    assert spot.usd_per_node_hour is not None
    assert spot.usd_per_node_hour < both.usd_per_node_hour  # type: ignore[operator]


def test_nodes_that_may_be_spot_serve_nothing_that_is_protected() -> None:
    wish = karpenter(capacity_types=["spot", "on_demand"]).put("environment spec.protected", True).put(
        "environment spec.cluster.kube_system_uid", "01234567-89ab-cdef-0123-456789abcdef")

    assert 'nodes of pool "h100" may be spot' in next(refusal.claim for refusal in wish.plan().refusals if refusal.rule == "CB-06")


def test_what_karpenter_does_not_see_is_said() -> None:
    notes = karpenter({"time_slicing": {"replicas": 2}}, consolidation={"when": "empty_or_underutilized"}).plan().notes

    assert any("Karpenter counts the physical GPUs" in note for note in notes)
    assert any("a model server that is moved loads its weights again" in note for note in notes)


BAD: dict[str, tuple[Wish, str, str, str]] = {
    "EFA on an instance without it": (
        valid().pool("l4", "L4-24GB", eks_managed_node_group={**EKS, "instance_type": "g6.2xlarge", "efa": GROUPS, "subnet_ids": SUBNET}),
        "NP-09", f"{GROUP}.efa", "g6.2xlarge has no EFA interface."),
    "EFA on an instance without it, by Karpenter": (
        valid().pool("l4", "L4-24GB", karpenter={**KARPENTER, "instance_types": ["g6.2xlarge"], "efa": {}}),
        "NP-09", "spec.karpenter.efa", "g6.2xlarge has no EFA interface."),
    "EFA interfaces that differ": (
        valid().pool("h200", "H200-SXM-141GB", eks_managed_node_group={
            **EKS, "instance_type": "p5e.48xlarge", "other_instance_types": ["p5en.48xlarge"], "efa": GROUPS, "subnet_ids": SUBNET}),
        "NP-09", f"{GROUP}.efa", "different numbers of EFA interfaces (p5e.48xlarge 32, p5en.48xlarge 16)"),
    "EFA on cards that nobody has read about": (
        valid().pool("b300", "B300-SXM-269GB", eks_managed_node_group={
            **EKS, "instance_type": "p6-b300.48xlarge", "efa": GROUPS, "subnet_ids": SUBNET}),
        "NP-09", f"{GROUP}.efa", "how the network cards of p6-b300.48xlarge take EFA interfaces is not known here"),
    "instance types of different sizes": (
        group(other_instance_types=["p5.4xlarge"]), "NP-02", f"{GROUP}.instance_type", "different numbers of GPUs (p5.48xlarge 8, p5.4xlarge 1)"),
    "another GPU among them": (
        karpenter(instance_types=["p5.48xlarge", "p4de.24xlarge"]), "NP-02", "spec.karpenter.instance_types",
        "p4de.24xlarge has 8 × A100-SXM-80GB, but spec.gpu is H100-SXM-80GB."),
    "MIG that Karpenter would have to start": (
        valid().pool("cut", "H100-SXM-80GB", karpenter=KARPENTER, sharing={"mig": {"layout": {"1g.10gb": 7}}}), "NP-10",
        "spec.sharing.mig", "Karpenter knows nvidia.com/gpu of an instance type and no MIG device"),
    "MPS on a GPU that has none": (
        valid().pool("m60", "K80-12GB", existing_nodes=EXISTING, sharing={"mps": {"replicas": 4}}), "NP-01", "spec.gpu", "there is no GPU"),
    "MPS between tenants": (
        valid().pool("h100", "H100-SXM-80GB", eks_managed_node_group=EKS, sharing={"mps": {"replicas": 2}}), "TI-12", "spec.sharing.mps",
        "tenants acme, beta would share GPUs by MPS, which isolates no faults."),
    "a label that names another GPU": (
        valid().pool("rack", "A100-SXM-80GB", existing_nodes={**EXISTING, "node_selector": {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}}),
        "NP-02", "spec.existing_nodes.node_selector", "the nodes' label nvidia.com/gpu.product is NVIDIA-H100-80GB-HBM3, which is H100-SXM-80GB"),
    "a label that counts other GPUs": (
        valid().pool("rack", "A100-SXM-80GB", existing_nodes={**EXISTING, "node_selector": {"nvidia.com/gpu.count": "4"}}),
        "NP-02", "spec.existing_nodes.gpus_per_node", "their label nvidia.com/gpu.count says 4 GPUs a node, but gpus_per_node is 8."),
    "an instance type with other GPUs": (
        valid().pool("rack", "H100-SXM-80GB", existing_nodes={
            **EXISTING, "node_selector": {"node.kubernetes.io/instance-type": "p5.48xlarge"}, "gpus_per_node": 4}),
        "NP-02", "spec.existing_nodes.gpus_per_node", "p5.48xlarge says 8 GPUs a node, but gpus_per_node is 4."),
    "a TPU host without a price": (
        tpu(), "CB-05", "spec.tpu.machine_type", "the price of a ct5lp-hightpu-8t host in us-east-1 is unknown, and unknown is not 0"),
    "a TPU machine type that nobody knows": (
        tpu(False, machine_type="ct9-hightpu-4t"), "NP-01", "spec.tpu.machine_type", 'there is no TPU machine type "ct9-hightpu-4t"'),
    "a slice that such hosts do not form": (
        tpu(False, topology="4x4"), "NP-01", "spec.tpu.topology", "not known to form slices of 4x4; ct5lp-hightpu-4t does"),
}


@pytest.mark.parametrize(("wish", "rule", "path", "words"), BAD.values(), ids=BAD)
def test_what_cannot_be_is_refused_in_its_field(wish: Wish, rule: str, path: str, words: str) -> None:
    found = [refusal for refusal in wish.plan().refusals if refusal.rule == rule and refusal.path == path]

    assert any(words in refusal.claim for refusal in found), [str(refusal) for refusal in wish.plan().refusals]
    assert all(refusal.line for refusal in found)


def test_mig_on_karpenter_is_fine_where_all_nodes_always_run() -> None:
    wish = valid().pool("cut", "H100-SXM-80GB", karpenter={**KARPENTER, "static_nodes": 1}, sharing={"mig": {"layout": {"1g.10gb": 7}}})

    assert "NP-10" not in rules(wish.plan())


def test_mps_on_an_old_gpu_is_refused() -> None:
    facts = default_catalog()
    old = replace(facts, gpus={**facts.gpus, "L4-24GB": replace(facts.gpus["L4-24GB"], compute_capability="6.1")})
    wish = valid().pool("old", "L4-24GB", existing_nodes=EXISTING, sharing={"mps": {"replicas": 4}})
    found = [refusal for refusal in plan(wish.spec(), old, AS_OF).refusals if refusal.rule == "NP-11"]

    assert [refusal.claim for refusal in found] == ["MPS needs compute capability 7.0 or newer; L4-24GB has 6.1."]


def test_a_tpu_pool_has_chips_labels_and_the_price_of_its_hosts() -> None:
    found = priced(tpu())
    pool, quota = found.pools["v5e"], found.tenants["acme"].quotas["v5e"]

    assert rules(found) == []
    assert (pool.gpu, pool.devices_per_node, pool.capacity, pool.min_nodes) == ("TPU-v5e", {"google.com/tpu": 8}, {"google.com/tpu": 8}, 1)
    assert pool.node_labels == {"cloud.google.com/gke-tpu-accelerator": "tpu-v5-lite-podslice", "cloud.google.com/gke-tpu-topology": "2x4"}
    assert (quota.resource, found.tenants["acme"].services[-1].resource) == ("google.com/tpu", "google.com/tpu")
    assert pool.usd_per_device_hour == {"google.com/tpu": Decimal("1.2")}
    assert any("whether models fit the memory of TPU chips is not judged" in note for note in found.notes)


def test_a_pod_takes_a_whole_tpu_host() -> None:
    found = [refusal for refusal in priced(tpu(parallel=4)).refusals if refusal.rule == "NP-12"]

    assert [(refusal.needed, refusal.available) for refusal in found] == [("8", "4")]
    assert "one replica asks for 4 of the 8 TPU chips of a host" in found[0].claim


def test_each_pod_of_a_replica_takes_a_whole_tpu_host() -> None:
    wish = tpu(quota=16, slices=2)
    wish.put("environment spec.leader_worker_set", {"install": "external", "version": "0.10.0"})
    wish.documents["services/acme/tpu"]["kind"] = "LLMInferenceService"
    wish.drop("services/acme/tpu spec.rollout").drop("services/acme/tpu spec.release.vllm.arguments")
    found, = [refusal for refusal in priced(wish.put("services/acme/tpu spec.parallelism", {"tensor": 4, "pipeline": 2})).refusals
              if refusal.rule == "NP-12"]
    whole = priced(wish.put("services/acme/tpu spec.parallelism.tensor", 8))

    assert (found.path, found.needed, found.available) == ("spec.parallelism", "8", "4")
    assert "each pod of a replica asks for 4 of the 8 TPU chips" in found.claim
    assert "NP-12" not in rules(whole)


def test_the_hosts_of_a_slice_work_only_together() -> None:
    slices = {"machine_type": "ct5lp-hightpu-4t", "topology": "4x4", "slices": 2}
    alone = priced(tpu(False, quota=18, **slices), "ct5lp-hightpu-4t")
    served = priced(tpu(parallel=4, quota=16, **slices), "ct5lp-hightpu-4t")
    pool = alone.pools["v5e"]

    assert (pool.slice_hosts, pool.max_nodes, pool.min_nodes, pool.capacity) == (4, 8, 8, {"google.com/tpu": 32})
    assert any("a slice of 4x4 is 4 hosts that work only together" in note for note in alone.notes)
    assert any("the quotas of acme are no whole slices of 16 chips" in note for note in alone.notes)
    assert [refusal.claim for refusal in served.refusals if refusal.rule == "NP-12"] == [
        'a slice of pool "v5e" is 4 hosts that work only together, and a replica of this service is one pod on one host.']


@pytest.mark.parametrize(("sharing", "devices", "memory", "faults", "compute"), [
    (None, {"nvidia.com/gpu": Decimal("2.5")}, "own", "own", "own"),
    ({"mig": {"layout": {"1g.10gb": 4, "3g.40gb": 1}}}, {"nvidia.com/mig-1g.10gb": Decimal("0.357143"), "nvidia.com/mig-3g.40gb": Decimal("1.071429")},
     "hardware", "hardware", "hardware"),
    ({"time_slicing": {"replicas": 4}}, {"nvidia.com/gpu": Decimal("0.625")}, "shared", "shared", "by turns"),
    ({"mps": {"replicas": 5}}, {"nvidia.com/gpu": Decimal("0.5")}, "limit", "shared", "limit"),
])
def test_what_a_device_costs_and_what_it_is_kept_apart_by_is_in_the_plan(
        sharing: Any, devices: dict[str, Decimal], memory: str, faults: str, compute: str) -> None:
    wish = valid().pool("rack", "A100-SXM-80GB", existing_nodes=EXISTING, **({"sharing": sharing} if sharing else {}))
    pool = wish.plan().pools["rack"]

    assert dict(pool.usd_per_device_hour) == devices
    assert (pool.isolation.memory, pool.isolation.faults, pool.isolation.compute) == (memory, faults, compute)


def test_existing_nodes_lie_in_the_zones_that_they_say() -> None:
    plan_of = valid().pool("rack", "A100-SXM-80GB", existing_nodes={**EXISTING, "zones": {"room-1": 1, "room-2": 1}}).plan()

    assert rules(plan_of) == []


LEFT_OPEN = 'Until then, nothing on pool "h100" can be placed, counted or priced: acme/chat, acme/embed, beta/rank.'
ONE: dict[str, tuple[Wish, str, str]] = {
    "a type that Karpenter cannot have": (karpenter(instance_types=["p5.48xlarg"]), "NP-01", "Did you mean p5.48xlarge?"),
    "one type of several": (karpenter(instance_types=["p5.48xlarge", "p5.48xlarg"]), "NP-01", "Did you mean p5.48xlarge?"),
    "another GPU of Karpenter's": (karpenter(instance_types=["p4de.24xlarge"]), "NP-02", "Set gpu: A100-SXM-80GB, or choose one of:"),
    "another GPU among them": (karpenter(instance_types=["p5.48xlarge", "g6.2xlarge"]), "NP-02", "Remove it from the instance types"),
    "a GPU that none of them has": (
        karpenter(instance_types=["g6.2xlarge", "g6.4xlarge"], capacity_types=["on_demand", "spot"]), "NP-02", "Set gpu: L4-24GB"),
    "another GPU, of a type without EFA": (
        group(other_instance_types=["g6.2xlarge"], efa=GROUPS, subnet_ids=SUBNET), "NP-02", "Remove it from the instance types"),
    "types of different sizes, and of EFA": (
        group(instance_type="p5.48xlarge", other_instance_types=["p5.4xlarge"], efa=GROUPS, subnet_ids=SUBNET), "NP-02", "Make a pool of each."),
}


@pytest.mark.parametrize(("wish", "rule", "remedy"), ONE.values(), ids=ONE)
def test_one_mistake_in_the_hardware_is_one_refusal_whoever_starts_the_nodes(wish: Wish, rule: str, remedy: str) -> None:
    refusals = wish.plan().refusals

    assert [refusal.rule for refusal in refusals] == [rule], [str(refusal) for refusal in refusals]
    assert remedy in refusals[0].remedy
    assert LEFT_OPEN in refusals[0].remedy


def test_a_price_that_one_of_several_types_lacks_names_that_type() -> None:
    wish = valid().pool("l4", "L4-24GB", karpenter={**KARPENTER, "instance_types": ["g6.2xlarge", "g6.4xlarge"], "max_nodes": 2})
    facts = default_catalog()
    prices = {key: row for key, row in facts.prices.items() if key != ("g6.4xlarge", "us-east-1", "on_demand")}
    found = plan(wish.spec(), replace(facts, prices=prices), AS_OF).refusals

    assert [(refusal.rule, refusal.path) for refusal in found] == [("CB-05", "spec.karpenter.instance_types")]
    assert "the price of g6.4xlarge on demand in us-east-1 is unknown" in found[0].claim


def test_node_images_that_say_no_kubelet_are_not_judged_by_its_version() -> None:
    bottlerocket = {"ami_type": "BOTTLEROCKET_x86_64_NVIDIA", "release_version": "1.52.0-5fbd9ad3"}

    assert rules(group(**bottlerocket).plan()) == []
    assert group(**bottlerocket).plan().versions["node image of h100"] == "bottlerocket 1.52.0-5fbd9ad3"
    assert karpenter().plan().versions["node image of h100"] == "al2023 20261104"


@pytest.mark.parametrize("sharing", [{"time_slicing": {"replicas": 4}}, {"mps": {"replicas": 4}}])
def test_bottlerocket_shares_no_gpus_by_the_operator(sharing: dict[str, Any]) -> None:
    wish = group(ami_type="BOTTLEROCKET_x86_64_NVIDIA", release_version="1.52.0-5fbd9ad3").put("node-pools/h100 spec.sharing", sharing)
    refused, = [one for one in wish.plan().refusals if one.rule == "NP-11"]

    assert refused.path == "spec.sharing"
    assert "device plugin of its own" in refused.claim
    assert "ami_type" in refused.remedy


def test_with_a_topology_karpenter_keeps_all_nodes_running() -> None:
    topologies = {"racks": {"levels": ["kubernetes.io/hostname"], "pools": ["h100"]}}
    wish = karpenter(max_nodes=2).put("environment spec.kueue.topologies", topologies)
    found = [refusal for refusal in wish.plan().refusals if refusal.rule == "CL-06"]

    assert ["Set static_nodes to 2" in refusal.remedy for refusal in found] == [True]
    assert "CL-06" not in rules(karpenter(max_nodes=2, static_nodes=2).put("environment spec.kueue.topologies", topologies).plan())
