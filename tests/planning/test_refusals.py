"""One valid wish, one thing changed at a time: what is refused, by which rule, on which line, in which words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gpuplane.planning.refusal import CONTROL_PLANE_STEP, INCREASE_OVER_LIMIT, RULES, Refusal
from tests.planning.wish import EKS, EXISTING, Wish, document, valid

Change = Callable[[Wish], Wish]

ENVIRONMENT, POOL, CUT, SLOW = "environment", "node-pools/h100", "node-pools/cut", "node-pools/slow"
ACME, BETA, CHAT, EMBED, RANK = "tenants/acme", "tenants/beta", "services/acme/chat", "services/acme/embed", "services/beta/rank"
ARGUMENTS, URI = "spec.release.vllm.arguments", "spec.release.model.uri"
BUDGET, TENSOR, MAX = "spec.budget_usd_per_month", "spec.release.vllm.arguments.tensor_parallel_size", "spec.scaling.max_replicas"
NODES, INSTANCE = "spec.eks_managed_node_group.max_nodes", "spec.eks_managed_node_group.instance_type"
LAYOUT, SLICES = "spec.sharing.mig.layout", "spec.sharing.time_slicing"
EXPECTED = "spec.scaling.expected_replicas"
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


def no_short_budget(wish: Wish) -> Wish:
    """The budget of acme is to be written in its long form."""
    return wish.drop("tenants/acme spec.budget_usd_per_month")


def protected(wish: Wish) -> Wish:
    """An environment whose services must not stop."""
    wish.put("environment spec.cluster.kube_system_uid", "5d0b3f5e-8f6c-4a41-9d35-0f4f6c1b7a21")
    return wish.put("environment spec.protected", True)


def existing(wish: Wish) -> Wish:
    """A cluster that is there already, with nodes of its own."""
    wish.put("environment spec.cloud", "existing").drop("environment spec.aws")
    return wish.pool("h100", "H100-SXM-80GB", existing_nodes=EXISTING)


def slow_service(wish: Wish) -> Wish:
    """A service of acme's on time-sliced GPUs, with a quarter of the memory."""
    slow(wish).service("acme/slow", "slow")
    return put(("services/acme/slow", URI, "hf://Qwen/Qwen3-0.6B"), ("services/acme/slow", f"{ARGUMENTS}.gpu_memory_utilization", 0.24),
               ("services/acme/slow", f"{ARGUMENTS}.max_model_len", 4096))(wish)


def promised(requests_per_second: float, **more: Any) -> Change:
    """acme's chat promises so many requests a second within 500 ms; one replica was measured to serve 10."""
    def change(wish: Wish) -> Wish:
        spec = {"model": "hf://Qwen/Qwen3-8B", "gpu": "H100-SXM-80GB", "engine": "vllm", "engine_version": "0.33.0",
                "provenance": "measured", "source": "load test", "as_of": "2026-07-01", "request_sizes": [
                    {"points": [{"requests_per_second": 10, "latency_ms": {"p99": 400}}, {"requests_per_second": 30, "latency_ms": {"p99": 900}}]}]}
        wish.documents["throughput/chat"] = document("ThroughputProfile", "chat", spec)
        return wish.put("services/acme/chat spec.objectives",
                        {"requests_per_second": requests_per_second, "latency_ms": {"p99": 500}, **more})
    return change


def steps(whole_ms: int, other_whole_ms: int, position: int = 2) -> Change:
    """chat (300 ms) and embed (200 ms) as the steps of a pipeline."""
    def change(wish: Wish) -> Wish:
        for name, place, latency, whole in (("chat", 1, 300, whole_ms), ("embed", position, 200, other_whole_ms)):
            wish.put(f"services/acme/{name} spec.objectives", {
                "requests_per_second": 1, "latency_ms": {"p99": latency},
                "step": {"pipeline": "video", "position": place, "pipeline_latency_ms": whole}})
        return wish
    return change


GOOD: dict[str, Change] = {
    "objectives that the maximum holds exactly": promised(20),
    "objectives of a slower promise": promised(60, latency_ms={"p95": 900}),
    "steps that add up to the whole": steps(500, 500),
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
    "a budget spent to the cent": put((ACME, BUDGET, 10048.80)),
    "an environment's budget spent to the cent": put((ENVIRONMENT, BUDGET, 40195.20)),
}


@pytest.mark.parametrize("change", GOOD.values(), ids=GOOD)
def test_a_wish_that_can_be_granted_is_not_refused(change: Change) -> None:
    assert [str(refusal) for refusal in change(valid()).plan().refusals] == []


BAD: dict[str, tuple[Change, str, str, str, str]] = {
    "objectives over the maximum": (
        promised(20.5), "OB-01", CHAT, "spec.scaling.max_replicas",
        ("max_replicas 2 cannot hold the objectives: 20.5 requests a second at 10.00 for each replica within the targets need 3 replicas "
         "(measured: chat, load test, as of 2026-07-01). Raise max_replicas to 3, lower requests_per_second, or choose a faster GPU.")),
    "objectives with a spare over the maximum": (
        promised(20, spare_replicas=1), "OB-01", CHAT, "spec.scaling.max_replicas", "need 3 replicas"),
    "targets that no load holds": (
        promised(1, latency_ms={"p99": 399}), "OB-01", CHAT, "spec.objectives",
        "requests on 1 × H100-SXM-80GB: at no load of chat are all targets held (measured: chat, load test, as of 2026-07-01)."),
    "steps over the pipeline": (
        steps(499, 499), "OB-02", EMBED, "spec.objectives.latency_ms.p99",
        "the steps of pipeline video promise chat 300, embed 200: together 500 ms, more than the 499 ms that the whole may take."),
    "steps that disagree on the whole": (
        steps(600, 500), "OB-02", EMBED, "spec.objectives.step.pipeline_latency_ms",
        "pipeline video may take 500 ms here and 600 ms in chat."),
    "two steps in one place": (
        steps(600, 600, position=1), "OB-02", EMBED, "spec.objectives.step.position", "chat is step 1 of pipeline video already."),
    "a promise below the first boundary of its histogram": (
        put((ENVIRONMENT, "spec.monitoring", {}), (CHAT, "spec.objectives", {"requests_per_second": 1, "latency_ms": {"p99": 250}})),
        "OB-03", CHAT, "spec.objectives.latency_ms.p99",
        ("vllm:e2e_request_latency_seconds has no boundary at 250 ms or below; its first is 300 ms. Promise 300 ms or more, or leave it out.")),
    "a promise that the engine has no metric for": (
        put((ENVIRONMENT, "spec.monitoring", {}), (CHAT, "spec.release.vllm.version", "0.10.2"),
            (CHAT, "spec.objectives", {"requests_per_second": 1, "time_per_output_token_ms": {"p99": 250}})),
        "OB-03", CHAT, "spec.objectives.time_per_output_token_ms.p99",
        ("vllm 0.10.2 has no metric of time per output token. Leave it out; this engine can be held to availability_percent, error_percent, "
         "kv_cache_percent, latency_ms, ttft_ms, waiting_requests.")),
    "samples of personal data": (
        put((ACME, CLASS, "pii"), (ACME, REGIONS, ["us-east-1"]), (CHAT, "spec.drift", {
            "image": "docker.io/vllm/drift@sha256:" + "d" * 64, "reference": "s3://acme/ref", "current": "s3://acme/now"})),
        "PII-08", CHAT, "spec.drift", "the tenant's data is personal, and samples of features and predictions are personal data too."),
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
        put((RANK, CPU, 192)), "QF-09", RANK, CPU,
        'one replica needs 192 CPU cores; a node of pool "h100" has 192, of which 191 are for models'),
    "more memory than a node has": (put((RANK, MEMORY, 1893)), "QF-09", RANK, MEMORY, "of which 1892 are for models"),
    "more cpu than goes with the quota": (
        put((RANK, CPU, 24)), "QF-09", RANK, CPU,
        'at peak with surge rank 2 × 24 CPU cores make 48, more than the 47 that go with the tenant\'s quota on pool "h100"'),
    "more memory than goes with the quota": (
        put((EMBED, MEMORY, 450)), "QF-09", EMBED, MEMORY,
        "at peak with surge chat 3 × 32, embed 3 × 450 GiB of memory make 1446, more than the 1419"),
    "a context that is too long": (
        put((RANK, f"{ARGUMENTS}.max_model_len", 500_000)), "QF-10", RANK, f"{ARGUMENTS}.max_model_len",
        "qwen3-8b does not fit H100-SXM-80GB: the KV cache is "),
    "a context that may be too long": (
        put((RANK, f"{ARGUMENTS}.max_model_len", 395_000)), "QF-10", RANK, f"{ARGUMENTS}.max_model_len",
        "the KV cache may be as small as"),
    "a model that nobody knows": (
        put((RANK, URI, "hf://Qwen/Qwen9-Unheard-Of")), "QF-10", RANK, URI,
        "whether it fits GPU memory cannot be known: the catalogue has no architecture of hf://Qwen/Qwen9-Unheard-Of."),
    "less host memory than loading takes": (
        put((RANK, MEMORY, 2), (RANK, "spec.resources.shared_memory_gib", 1)), "QF-10", RANK, MEMORY, "loading takes at least 2.5 GiB of host memory; 2 are asked for. Raise memory_gib to 6."),
    "less disk than its replicas take": (
        put((POOL, "spec.eks_managed_node_group.disk_gib", 60), (RANK, URI, "hf://Qwen/Qwen3-14B"), (CHAT, URI, "hf://Qwen/Qwen3-0.6B"),
            (EMBED, URI, "hf://Qwen/Qwen3-0.6B")), "QF-10", RANK, MAX, '2 replicas can share a node and take at least 63 GiB of the disk of a node of pool "h100"'),
    "a probe that gives up before the weights can be there": (
        put((CHAT, URI, "hf://Qwen/Qwen3-235B-A22B-FP8"), (CHAT, "spec.startup_seconds", 30), (CHAT, TENSOR, 4), (CHAT, SURGE, 0),
            (CHAT, "spec.rollout.max_unavailable", 1), (CHAT, MAX, 1), (EMBED, MAX, 2), (POOL, "spec.eks_managed_node_group.disk_gib", 600)), "RE-03", CHAT,
        "spec.startup_seconds", "of weights take at least"),
    "devices enough, but not beside the cpu of one node for each pod": (
        put((POOL, NODES, 2), (ACME, QUOTA, 14), (ACME, BUDGET, 90_000), (ENVIRONMENT, BUDGET, 200_000), (CHAT, TENSOR, 4), (CHAT, SURGE, 0),
            (CHAT, "spec.scaling", {"min_replicas": 3, "max_replicas": 3}), (CHAT, CPU, 100), (EMBED, MAX, 1)), "NP-08", POOL, NODES,
        ("(acme/chat 3 × 4, acme/embed 1 × 1, beta/rank 1 × 1) need 3 nodes, and there are never more than 2: there are devices enough, but "
        "not beside the CPU and memory of one node for each pod (the lower bound). Lower cpu of acme/chat to 95, or raise max_nodes of "
        "pool h100 from 2 to 3 (1 more node).")),
    "time-slicing between tenants": (
        put((BETA, "spec.quota.slow", 1), first=slow), "TI-12", SLOW, SLICES,
        "tenants acme, beta would take turns on the same GPUs, which isolates neither memory nor faults."),
    "time-slicing with personal data": (
        put((ACME, CLASS, "pii"), (ACME, REGIONS, ["us-east-1"]), first=slow), "TI-12", SLOW, SLICES, "tenant acme handles personal data"),
    "personal data in a region that is not allowed": (
        put((ACME, CLASS, "pii"), (ACME, REGIONS, ["eu-west-1"])), "PII-10", ACME, REGIONS,
        "the environment is in us-east-1, but the tenant's data may be only in: eu-west-1."),
    "a tenant over its budget": (
        put((ACME, BUDGET, 10048.79)), "CB-01", ACME, BUDGET,
        "the minimum replicas cost 10 048.80 USD a month, more than the budget of 10 048.79 USD"),
    "an environment over its budget": (
        put((ENVIRONMENT, BUDGET, 40195.19)), "CB-01", ENVIRONMENT, BUDGET,
        "the nodes that always run, and what is declared beside them, cost 40 195.20 USD a month"),
    "an expected month over its budget": (
        put((ACME, "spec.budget", {"usd_per_month": 10_000, "basis": "expected", "block_percent": 110}), (CHAT, EXPECTED, 1.5),
            (EMBED, EXPECTED, 2), first=no_short_budget), "CB-01", ACME, "spec.budget",
        "what is expected to run costs 17 585.40 USD a month, more than 110 % of the budget of 10 000.00 USD"),
    "a worst case over its limit": (
        put((ACME, "spec.budget", {"usd_per_month": 20_000, "worst_case_percent": 150}), first=no_short_budget),
        "CB-02", ACME, "spec.budget.worst_case_percent",
        "with everything at its maximum tenant acme would cost 30 146.40 USD a month, more than 150 % of the budget of 20 000.00 USD"),
    "online serving on spot nodes": (
        put((POOL, "spec.eks_managed_node_group.capacity_type", "spot"), (EMBED, "spec.priority", "batch"), (RANK, "spec.priority", "batch"),
            first=protected), "CB-06", CHAT, PLACED, 'all nodes of pool "h100" are spot'),
    "a GPU that the environment does not allow": (
        put((ENVIRONMENT, "spec.allowed_gpus", ["L4-24GB"])), "CB-09", POOL, "spec.gpu",
        "H100-SXM-80GB is not one of the GPUs that prod allows: L4-24GB"),
    "a root volume without a price": (
        put((ENVIRONMENT, "spec.aws.region", "eu-west-2"), (POOL, "spec.eks_managed_node_group.disk_gib", 200)), "CB-05", POOL, "spec.eks_managed_node_group.disk_gib",
        "the price of 200 GiB of gp3 root volume in eu-west-2 is unknown, and unknown is not 0"),
    "a reservation without a price": (
        put((POOL, "spec.eks_managed_node_group.reserved", {"nodes": 1, "term": "1y"})), "CB-05", POOL,
        "spec.eks_managed_node_group.reserved", "the price of p5.48xlarge reserved for 1y in us-east-1 is unknown"),
    "traffic without a price": (
        put((ACME, "spec.cloud_use", {"egress_gib_per_month": 10}), first=existing), "CB-05", ACME, "spec.cloud_use.egress_gib_per_month",
        "traffic out to the internet has a price only where cloud is aws"),
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
    assert [refusal.rule for refusal in wish.plan().refusals] == ["NP-01"]


def test_every_rule_that_planning_explains_is_one_that_it_gives() -> None:
    judged_with_another_ref = {INCREASE_OVER_LIMIT, CONTROL_PLANE_STEP}
    compatibility = {"NP-04", "NP-05", "NP-06", "NP-07",  # their examples: tests/planning/test_compatibility.py
                     *(f"CL-0{number}" for number in range(1, 7))}  # theirs: tests/planning/test_compatibility_lock.py
    shapes = {"NP-09", "NP-10", "NP-11", "NP-12"}  # their examples: tests/planning/test_node_pools.py
    traffic = {"PII-11", "OB-04"}  # their examples: tests/planning/test_traffic.py, test_scaling.py
    assert {rule for _, rule, *_ in BAD.values()} | compatibility | shapes | traffic == set(RULES) - judged_with_another_ref
