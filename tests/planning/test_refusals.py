"""One valid wish, one thing changed at a time: what is refused, by which rule, on which line, in which words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gpuplane.planning.refusal import RULES, Refusal
from tests.planning.wish import EKS, EXISTING, Wish, valid

Change = Callable[[Wish], Wish]

ENVIRONMENT, POOL, CUT, SLOW = "environment", "node-pools/h100", "node-pools/cut", "node-pools/slow"
ACME, BETA, CHAT, EMBED, RANK = "tenants/acme", "tenants/beta", "services/acme/chat", "services/acme/embed", "services/beta/rank"
ARGUMENTS, URI = "spec.release.vllm.arguments", "spec.release.model.uri"
BUDGET, TENSOR, MAX = "spec.budget_usd_per_month", "spec.release.vllm.arguments.tensor_parallel_size", "spec.scaling.max_replicas"
NODES, INSTANCE = "spec.eks_managed_node_group.max_nodes", "spec.eks_managed_node_group.instance_type"
LAYOUT, SLICES = "spec.sharing.mig.layout", "spec.sharing.time_slicing"
CPU, MEMORY, MIN = "spec.resources.cpu", "spec.resources.memory_gib", "spec.scaling.min_replicas"
QUOTA, PLACED, BORROW, SURGE = "spec.quota.h100", "spec.placement.pool", "spec.placement.may_borrow", "spec.rollout.max_surge"
COHORT = "spec.cohorts.all.quota"
REGIONS, CLASS, OPERATOR = "spec.allowed_regions", "spec.data_classification", "spec.gpu_operator"


def put(*changes: tuple[str, str, Any], first: Change | None = None) -> Change:
    """Set fields: file, path, value; after ``first``."""
    def change(wish: Wish) -> Wish:
        wish = first(wish) if first else wish
        for file, path, value in changes:
            wish.put(f"{file} {path}", value)
        return wish
    return change


def cut(wish: Wish) -> Wish:
    """Two existing nodes of two A100s, each cut into four 1g and a 3g."""
    nodes = {**EXISTING, "gpus_per_node": 2}
    return wish.pool("cut", "A100-SXM-80GB", existing_nodes=nodes, sharing={"mig": {"layout": {"1g.10gb": 4, "3g.40gb": 1}}})


def slow(wish: Wish) -> Wish:
    """One existing node of two L4s, each shared by four pods; half of it is acme's."""
    nodes = {**EXISTING, "gpus_per_node": 2, "max_nodes": 1}
    wish.pool("slow", "L4-24GB", existing_nodes=nodes, sharing={"time_slicing": {"replicas": 4}})
    return wish.put("tenants/acme spec.quota.slow", 4)


def own(wish: Wish) -> Wish:
    """Two more existing nodes of eight H100s."""
    return wish.pool("own", "H100-SXM-80GB", existing_nodes=EXISTING)


def slow_service(wish: Wish) -> Wish:
    """A service of acme's on time-sliced GPUs, with a quarter of the memory."""
    slow(wish).service("acme/slow", "slow")
    return put(("services/acme/slow", URI, "hf://Qwen/Qwen3-0.6B"), ("services/acme/slow", f"{ARGUMENTS}.gpu_memory_utilization", 0.24),
               ("services/acme/slow", f"{ARGUMENTS}.max_model_len", 4096))(wish)


GOOD: dict[str, Change] = {
    "as it stands": put(),
    "quota to the last device": put((BETA, f"{QUOTA}.nominal_quota", 2)),
    "surge to the last device": put((EMBED, MAX, 2), (CHAT, SURGE, 2)),
    "a whole node for one replica": put(
        (BETA, "spec.quota.own", 16), (RANK, PLACED, "own"), (RANK, TENSOR, 8), (BETA, BUDGET, 20_000), first=own),
    "at peak on borrowed devices": put((RANK, MAX, 6), (RANK, BORROW, True)),
    "devices that belong to the cohort": put((BETA, f"{QUOTA}.nominal_quota", 1), (RANK, BORROW, True), (ENVIRONMENT, COHORT, {"h100": 1})),
    "without reclaim, what is not lent is guaranteed": put(
        (ACME, "spec.preemption", {"reclaim_within_cohort": "Never"}), (ACME, QUOTA, {"nominal_quota": 6, "lending_limit": 4})),
    "nodes within the account's quota": put((ENVIRONMENT, "spec.cloud_quotas", {"running_on_demand_p": 192})),
    "mig": put((ACME, "spec.quota|cut/1g.10gb", 16), first=cut),
    "mig with the mixed strategy": put((ENVIRONMENT, OPERATOR, {"version": "v26.7.0"}), first=cut),
    "time-slicing for one tenant": slow_service,
    "a region that is allowed": put((ACME, REGIONS, ["eu-west-1", "us-east-1"])),
    "a budget spent to the cent": put((ACME, BUDGET, 10044.80)),
    "an environment's budget spent to the cent": put((ENVIRONMENT, BUDGET, 40179.20)),
}


@pytest.mark.parametrize("change", GOOD.values(), ids=GOOD)
def test_a_wish_that_can_be_granted_is_not_refused(change: Change) -> None:
    assert [str(refusal) for refusal in change(valid()).plan().refusals] == []


BAD: dict[str, tuple[Change, str, str, str, str]] = {
    "an unknown gpu": (
        put((POOL, "spec.gpu", "H100-SXM-8GB")), "NP-01", POOL, "spec.gpu",
        'there is no GPU "H100-SXM-8GB" in the catalogue. Did you mean H100-SXM-80GB?'),
    "an unknown instance type": (
        put((POOL, INSTANCE, "g6f.xlarge")), "NP-01", POOL, INSTANCE,
        'there is no instance type "g6f.xlarge" with GPUs in the catalogue.'),
    "an instance type with another gpu": (
        put((POOL, INSTANCE, "p5en.48xlarge")), "NP-02", POOL, INSTANCE,
        "but spec.gpu is H100-SXM-80GB. Set gpu: H200-SXM-141GB, or choose one of: p5.48xlarge, p5.4xlarge."),
    "an impossible mig layout": (
        put((CUT, LAYOUT, {"1g.10gb": 1, "3g.40gb": 2}), first=cut), "NP-03", CUT, LAYOUT,
        "1 × 1g.10gb + 2 × 3g.40gb cannot be placed on one A100-SXM-80GB"),
    "mig that is not advertised by profile": (
        put((ENVIRONMENT, OPERATOR, {"version": "v26.7.0", "mig_strategy": "single"}), first=cut), "NP-03", CUT, LAYOUT,
        "gpu_operator.mig_strategy is single, so no device is advertised by its profile."),
    "a quota over capacity": (
        put((ACME, QUOTA, 12)), "QF-01", ACME, QUOTA,
        '12 is more than the 8 H100s that pool "h100" can ever have (max_nodes 1 × 8). Raise the pool or lower the quota.'),
    "quotas that are together over capacity": (
        put((BETA, f"{QUOTA}.nominal_quota", 3)), "QF-01", BETA, QUOTA,
        'acme 6, beta 3: together 9 is more than the 8 H100s that pool "h100" can ever have (max_nodes 1 × 8).'),
    "mig devices over capacity": (
        put((ACME, "spec.quota|cut/3g.40gb", 5), first=cut), "QF-01", ACME, "spec.quota.cut/3g.40gb",
        '5 is more than the 4 3g.40gb devices that pool "cut" can ever have (max_nodes 2 × 2 GPUs × 1).'),
    "time slices over capacity": (
        put((ACME, "spec.quota.slow", 9), first=slow), "QF-01", ACME, "spec.quota.slow",
        '9 is more than the 8 slots on L4s that pool "slow" can ever have (max_nodes 1 × 2 GPUs × 4).'),
    "one service over its quota": (
        put((CHAT, MAX, 6)), "QF-04", CHAT, MAX,
        'chat (max_replicas 6 + max_surge 1) × 1 = 7 is more than the 6 that tenant acme may use of "h100" (nominal_quota 6).'),
    "services that are together over their quota": (
        put((CHAT, SURGE, 2)), "QF-04", EMBED, MAX,
        "chat (max_replicas 2 + max_surge 2) × 1 = 4, embed (max_replicas 3 + max_surge 0) × 1 = 3: together 7 is more than"),
    "tensor parallelism over the quota": (
        put((CHAT, TENSOR, 4)), "QF-04", CHAT, MAX, "chat (max_replicas 2 + max_surge 1) × 4 = 12 is more than the 6"),
    "a peak that would have to borrow": (
        put((RANK, MAX, 3)), "QF-04", RANK, MAX, 'is more than the 2 that tenant beta may use of "h100" (nominal_quota 2).'),
    "a peak over the borrowing limit": (
        put((RANK, MAX, 7), (RANK, BORROW, True)), "QF-04", RANK, MAX,
        'is more than the 6 that tenant beta may use of "h100" (nominal_quota 2 + borrowing_limit 4).'),
    "a service without quota": (
        put((RANK, PLACED, "own"), first=own), "QF-04", RANK, PLACED, 'tenant beta has no quota of "own"'),
    "a minimum that stands on borrowed devices": (
        put((RANK, MAX, 4), (RANK, MIN, 3), (RANK, BORROW, True)), "QF-05", RANK, MIN,
        "the minimum (rank 3 × 1) is 3, more than nominal_quota 2"),
    "a minimum that others may borrow away": (
        put((ACME, "spec.preemption", {"reclaim_within_cohort": "LowerPriority"}), (CHAT, MIN, 2), (CHAT, SURGE, 0)), "QF-05", EMBED, MIN,
        'more than the 2 of "h100" that are guaranteed (of nominal_quota 6 others may borrow 4, and without reclaim_within_cohort: Any'),
    "a cohort's quota over capacity": (
        put((ENVIRONMENT, COHORT, {"h100": 9})), "QF-01", ENVIRONMENT, f"{COHORT}.h100",
        '9 is more than the 8 H100s that pool "h100" can ever have (max_nodes 1 × 8).'),
    "a cohort's quota that is over capacity with the tenants'": (
        put((ENVIRONMENT, COHORT, {"h100": 1})), "QF-01", BETA, QUOTA,
        "cohort all 1, acme 6, beta 2: together 9 is more than the 8 H100s"),
    "a borrowing limit over what others have": (
        put((BETA, f"{QUOTA}.borrowing_limit", 7)), "QF-06", BETA, f"{QUOTA}.borrowing_limit",
        'borrowing_limit 7 of "h100" is more than the 6 that others can lend it at most (lenders: acme 6). Set borrowing_limit: 6'),
    "a borrowing limit over what others lend": (
        put((ACME, QUOTA, {"nominal_quota": 6, "lending_limit": 1})), "QF-06", BETA, f"{QUOTA}.borrowing_limit",
        "more than the 1 that others can lend it at most (lenders: acme 1)."),
    "a borrowing limit alone in its cohort": (
        put((ENVIRONMENT, "spec.cohorts.other", {}), (ACME, "spec.cohort", "other")), "QF-06", BETA, f"{QUOTA}.borrowing_limit",
        "more than the 0 that others can lend it at most (lenders: none)."),
    "a cohort's borrowing limit over what the rest of the tree lends": (
        put((ENVIRONMENT, "spec.cohorts.root", {}), (ENVIRONMENT, "spec.cohorts.all.parent", "root"),
            (ENVIRONMENT, COHORT, {"h100": {"nominal_quota": 0, "borrowing_limit": 1}})), "QF-06", ENVIRONMENT,
        f"{COHORT}.h100.borrowing_limit", 'borrowing_limit 1 of cohort all for "h100" is more than the 0 that the rest of its tree'),
    "nodes over the account's quota": (
        put((ENVIRONMENT, "spec.cloud_quotas", {"running_on_demand_p": 384}), (POOL, NODES, 3)), "QF-13", POOL, NODES,
        "h100 3 × 192 = 576 vCPUs is more than the 384 of running_on_demand_p that environment.yaml declares"),
    "pools that are together over the account's quota": (
        put((ENVIRONMENT, "spec.cloud_quotas", {"running_on_demand_p": 300}), first=lambda wish: wish.pool(
            "more", "A100-SXM-80GB", eks_managed_node_group={**EKS, "instance_type": "p4de.24xlarge", "max_nodes": 2})),
        "QF-13", "node-pools/more", NODES, "h100 1 × 192, more 2 × 96: together 384 vCPUs is more than the 300"),
    "more gpus in a pod than on a node": (
        put((POOL, NODES, 4), (ACME, QUOTA, 30), (ACME, BUDGET, 90_000), (CHAT, TENSOR, 9), (CHAT, SURGE, 0)),
        "QF-09", CHAT, TENSOR,
        'one replica needs 9 GPUs (tensor_parallel_size × pipeline_parallel_size) in one pod; a pod on pool "h100" can have 8.'),
    "two slices of a time-sliced gpu": (
        put(("services/acme/slow", TENSOR, 2), first=slow_service), "QF-09", "services/acme/slow", TENSOR,
        'a pod on pool "slow" can have 1.'),
    "more cpu than a node has": (
        put((RANK, CPU, 173)), "QF-09", RANK, CPU,
        'one replica needs 173 CPU cores; a node of pool "h100" has 192, of which 172 are for models'),
    "more memory than a node has": (put((RANK, MEMORY, 1844)), "QF-09", RANK, MEMORY, "of which 1843 are for models"),
    "more cpu than goes with the quota": (
        put((RANK, CPU, 22)), "QF-09", RANK, CPU,
        'at peak with surge rank 2 × 22 CPU cores make 44, more than the 43 that go with the tenant\'s quota on pool "h100"'),
    "more memory than goes with the quota": (
        put((EMBED, MEMORY, 450)), "QF-09", EMBED, MEMORY,
        "at peak with surge chat 3 × 32, embed 3 × 450 GiB of memory make 1446, more than the 1382"),
    "a context that is too long": (
        put((RANK, f"{ARGUMENTS}.max_model_len", 500_000)), "QF-10", RANK, f"{ARGUMENTS}.max_model_len",
        "qwen3-8b does not fit H100-SXM-80GB: the KV cache is "),
    "a context that may be too long": (
        put((RANK, f"{ARGUMENTS}.max_model_len", 395_000)), "QF-10", RANK, f"{ARGUMENTS}.max_model_len",
        "qwen3-8b may not fit H100-SXM-80GB: the KV cache may be as small as"),
    "a model that nobody knows": (
        put((RANK, URI, "hf://Qwen/Qwen9-Unheard-Of")), "QF-10", RANK, URI,
        "whether it fits GPU memory cannot be known: the catalogue has no architecture of hf://Qwen/Qwen9-Unheard-Of."),
    "less host memory than loading takes": (
        put((RANK, MEMORY, 2), (RANK, "spec.resources.shared_memory_gib", 1)), "QF-10", RANK, MEMORY, "loading takes at least 2.5 GiB of host memory; 2 are asked for. Raise memory_gib to 6."),
    "a probe that gives up before the weights can be there": (
        put((CHAT, URI, "hf://Qwen/Qwen3-235B-A22B-FP8"), (CHAT, "spec.startup_seconds", 30), (CHAT, TENSOR, 4), (CHAT, SURGE, 0),
            (CHAT, "spec.rollout.max_unavailable", 1), (CHAT, MAX, 1), (EMBED, MAX, 2)), "RE-03", CHAT,
        "spec.startup_seconds", "of weights take at least"),
    "time-slicing between tenants": (
        put((BETA, "spec.quota.slow", 1), first=slow), "TI-12", SLOW, SLICES,
        "tenants acme, beta would take turns on the same GPUs, which isolates neither memory nor faults."),
    "time-slicing with personal data": (
        put((ACME, CLASS, "pii"), (ACME, REGIONS, ["us-east-1"]), first=slow), "TI-12", SLOW, SLICES, "tenant acme handles pii"),
    "personal data in a region that is not allowed": (
        put((ACME, CLASS, "pii"), (ACME, REGIONS, ["eu-west-1"])), "PII-10", ACME, REGIONS,
        "the environment is in us-east-1, but the tenant's data may be only in: eu-west-1."),
    "a tenant over its budget": (
        put((ACME, BUDGET, 10044.79)), "CB-01", ACME, BUDGET,
        "the minimum replicas cost 10 044.80 USD a month, more than the budget of 10 044.79 USD"),
    "an environment over its budget": (
        put((ENVIRONMENT, BUDGET, 40179.19)), "CB-01", ENVIRONMENT, BUDGET,
        "the nodes that always run cost 40 179.20 USD a month"),
    "an unknown price": (
        put((POOL, "spec.gpu", "H200-SXM-141GB"), (POOL, INSTANCE, "p5e.48xlarge")), "CB-05", POOL, INSTANCE,
        "the price of p5e.48xlarge on demand in us-east-1 is unknown, and unknown is not 0"),
    "an unknown price in this region": (
        put((ENVIRONMENT, "spec.aws.region", "eu-west-1")), "CB-05", POOL, INSTANCE,
        "(on-demand prices are known in: eu-north-1, eu-west-2, us-east-1, us-east-2, us-west-2)"),
}


@pytest.mark.parametrize(("change", "rule", "file", "path", "words"), BAD.values(), ids=BAD)
def test_what_cannot_be_granted_is_refused_on_its_line(change: Change, rule: str, file: str, path: str, words: str) -> None:
    wish = change(valid())
    refusals = wish.plan().refusals
    assert [refusal.rule for refusal in refusals] == [rule], [str(refusal) for refusal in refusals]
    refusal: Refusal = refusals[0]
    assert refusal.path == path
    assert words in f"{refusal.claim} {refusal.remedy}"
    assert refusal.file.endswith(f"prod/{file}.yaml")
    field = path.removeprefix("spec.quota.") if path.startswith("spec.quota.cut") else path.rpartition(".")[2]
    assert refusal.line == wish.line(f"{file} {field}")
    assert str(refusal) == f"{refusal.file}:{refusal.line} {path}: {refusal.claim} {refusal.remedy}"


def test_a_peak_over_everything_there_is_and_the_limit_that_promised_it_are_both_refused() -> None:
    peak, limit = put((RANK, MAX, 9), (RANK, BORROW, True), (BETA, f"{QUOTA}.borrowing_limit", 40))(valid()).plan().refusals
    assert (peak.rule, limit.rule) == ("QF-04", "QF-06")
    assert "is more than the 8 that tenant beta may use of \"h100\" (nominal_quota 2 + borrowing_limit 40, of a pool of 8)" in peak.claim
    assert 'borrowing_limit 40 of "h100" is more than the 6 that others can lend it at most' in limit.claim


def test_a_peak_over_what_others_lend_names_what_they_lend() -> None:
    lent = put((ACME, QUOTA, {"nominal_quota": 6, "lending_limit": 1}), (RANK, MAX, 4), (RANK, BORROW, True))(valid()).plan().refusals
    assert "is more than the 3 that tenant beta may use of \"h100\" (nominal_quota 2 + borrowing_limit 4, of which others lend 1)." in next(
        refusal.claim for refusal in lent if refusal.rule == "QF-04")


def test_every_refusal_of_a_broken_wish_comes_at_once_and_sorted() -> None:
    refusals = put((ACME, QUOTA, 12), (ACME, BUDGET, 1), (RANK, MAX, 3), (ENVIRONMENT, BUDGET, 1))(valid()).plan().refusals
    assert [(refusal.rule, refusal.tenant) for refusal in refusals] == [
        ("CB-01", ""), ("QF-04", "beta"), ("CB-01", "acme"), ("QF-01", "acme")]


def test_unknown_hardware_is_refused_once_and_not_again_as_missing_capacity() -> None:
    wish = valid().pool("h100", "H100-SXM-80GB", eks_managed_node_group={**EKS, "instance_type": "p9.48xlarge"})
    assert [refusal.rule for refusal in wish.plan().refusals] == ["CB-05", "NP-01"]


def test_every_rule_that_planning_explains_is_one_that_it_gives() -> None:
    assert {rule for _, rule, *_ in BAD.values()} == set(RULES)
