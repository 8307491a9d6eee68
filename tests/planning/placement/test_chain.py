"""Every workload is followed link by link; the one that breaks is named with what mends it."""

from __future__ import annotations

from typing import Any

import pytest

from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.planning.placement.schedulability import Schedulability
from tests.planning.wish import EXISTING, Wish, valid

NODES = "node-pools/h100 spec.eks_managed_node_group.max_nodes"
NAMES = ("LocalQueue", "ClusterQueue", "ResourceFlavor", "node pool", "node", "room for all")


def at(plan: EnvironmentPlan, workload: str, level: str) -> Schedulability:
    return next(row for row in plan.schedulability if (row.workload, row.at) == (workload, level))


def test_a_good_wish_holds_link_by_link() -> None:
    plan = valid().plan()

    assert [(row.workload, row.at, row.replicas) for row in plan.schedulability] == [
        ("acme/chat", "minimum", 1), ("acme/chat", "maximum", 3), ("acme/embed", "minimum", 1), ("acme/embed", "maximum", 3),
        ("beta/rank", "minimum", 1), ("beta/rank", "maximum", 2)]
    for row in plan.schedulability:
        assert (row.verdict, row.broken_link, row.remedy) == ("always", "", "")
        assert tuple(link.name for link in row.links) == NAMES
        assert all(link.holds and link.inputs for link in row.links)
    assert plan.placements["h100"].minimum.nodes == plan.placements["h100"].minimum.lower_bound == 1


def put(path: str, value: Any) -> Wish:
    return valid().put(path, value)


BROKEN = {
    "no quota at all": (valid().tenant("acme", {}), "acme/chat", "minimum", "LocalQueue", "Give the tenant a quota."),
    "a peak over the quota": (put("services/beta/rank spec.scaling.max_replicas", 3), "beta/rank", "maximum", "ClusterQueue",
                              "Lower the replicas, or raise the quota."),
    "more memory than a node has": (put("services/beta/rank spec.resources.memory_gib", 1893), "beta/rank", "minimum", "node",
                                    "Ask for less in one pod (memory 1938432 of 1938290), or choose larger nodes."),
    "no room beside the others": (
        put("services/acme/embed spec.scaling", {"min_replicas": 2, "max_replicas": 3}).put("services/acme/embed spec.resources.cpu", 150),
        "acme/embed", "minimum", "room for all", "Lower cpu of acme/embed to 23, or raise max_nodes of pool h100 from 1 to 2 (1 more node)."),
}


@pytest.mark.parametrize(("wish", "workload", "level", "link", "remedy"), BROKEN.values(), ids=BROKEN)
def test_the_link_that_breaks_is_named_with_its_remedy(wish: Wish, workload: str, level: str, link: str, remedy: str) -> None:
    row = at(wish.plan(), workload, level)

    assert (row.verdict, row.broken_link, row.remedy) == ("not schedulable", link, remedy)
    assert next(found for found in row.links if found.holds is False).name == link


def test_a_time_sliced_pod_can_have_one_turn() -> None:
    wish = valid().pool("slow", "L4-24GB", existing_nodes=EXISTING, sharing={"time_slicing": {"replicas": 4}})
    wish.tenant("acme", {"h100": 6, "slow": 4}, cohort="all").service("acme/two", "slow")
    wish.put("services/acme/two spec.release.vllm.arguments.tensor_parallel_size", 2)

    assert (at(wish.plan(), "acme/two", "minimum").broken_link, at(wish.plan(), "acme/two", "minimum").remedy) == (
        "node", "Ask for one time-sliced GPU a pod.")


def test_what_fits_only_if_the_scheduler_packs_well_is_a_note_and_no_refusal() -> None:
    wish = put(NODES, 2).put("tenants/acme spec.quota.h100", 12).put("environment spec.budget_usd_per_month", 200_000)
    wish.put("services/acme/chat spec.release.vllm.arguments.tensor_parallel_size", 8).put("services/acme/chat spec.scaling.max_replicas", 1)
    wish.put("services/acme/chat spec.rollout.max_surge", 0).put("services/acme/embed spec.scaling.max_replicas", 1)
    plan = wish.plan()

    assert at(plan, "acme/chat", "minimum").verdict == plan.placements["h100"].minimum.verdict == "packable"
    assert not [refusal for refusal in plan.refusals if refusal.rule == "NP-08"]
    assert any("the scheduler may place them so that one is left over" in note for note in plan.notes)


def test_the_minimum_is_what_must_run_and_not_a_perfect_packing() -> None:
    """Three pods of 100 cores and one GPU: three eighths of a node by GPUs, three nodes by CPU."""
    wish = put(NODES, 3).put("services/acme/chat spec.resources.cpu", 100).put("services/acme/embed spec.resources.cpu", 100)
    wish.put("services/beta/rank spec.resources.cpu", 100)

    assert wish.plan().pools["h100"].committed_nodes == 3


def test_a_download_makes_a_small_pod_larger_and_a_payload_agent_comes_on_top() -> None:
    def node(wish: Wish) -> dict[str, str]:
        return dict(next(link for link in at(wish.plan(), "beta/rank", "minimum").links if link.name == "node").inputs)

    small = put("services/beta/rank spec.resources", {"cpu": 1, "memory_gib": 3, "shared_memory_gib": 1})
    logged = put("services/beta/rank spec.logging", {"mode": "all", "url": "http://sink.default"})

    assert node(small)["memory"].startswith("4096 of ")
    assert node(logged)["cpu"].startswith("4100 of ")


def test_zones_limit_the_nodes() -> None:
    zones = "node-pools/h100 spec.eks_managed_node_group.zones"
    plan = put(NODES, 4).put(zones, {"us-east-1a": 1, "us-east-1b": 1}).plan()

    assert plan.placements["h100"].minimum.available_nodes == 2
    assert ("zones", "us-east-1a 1, us-east-1b 1") in next(link for link in plan.schedulability[0].links if link.name == "node pool").inputs


def test_a_mig_layout_that_is_short_is_told_a_better_one() -> None:
    wish = valid().pool("cut", "A100-SXM-80GB", existing_nodes={**EXISTING, "max_nodes": 1, "gpus_per_node": 2},
                        sharing={"mig": {"layout": {"1g.10gb": 7}}})
    wish.put("node-pools/cut spec.sharing.mig.layout", {"1g.10gb": 3, "4g.40gb": 1}).tenant(
        "acme", {"h100": 6, "cut/1g.10gb": 8}, cohort="all")
    wish.service("acme/small", "cut/1g.10gb", scaling={"min_replicas": 8, "max_replicas": 8}, resources={"cpu": 1, "memory_gib": 8})
    plan = wish.plan()
    advice = plan.placements["cut"].layout

    assert advice is not None
    assert (advice.short, advice.unused, advice.gpus, advice.fewest_gpus) == ({"1g.10gb": 2}, {"4g.40gb": 2}, 2, 2)
    assert advice.better
    assert any("its MIG layout lacks 2 × 1g.10gb for what the quotas promise" in note for note in plan.notes)
