"""A valid wish whose service ``acme/chat`` has a canary on the gateway."""

from __future__ import annotations

from typing import Any

from tests.planning.scaling_wish import KEDA, URL
from tests.planning.traffic_wish import reached
from tests.planning.wish import DIGEST, Wish

NEXT: dict[str, Any] = {"model": {"uri": "hf://Qwen/Qwen3-8B", "revision": "abcdef012345"},
                        "vllm": {"image": DIGEST, "version": "0.33.0", "arguments": {"tensor_parallel_size": 1, "max_num_seqs": 64}}}
OBJECTIVES = {"requests_per_second": 1, "request_sizes": [{"input_tokens": 500, "output_tokens": 100}], "ttft_ms": {"p95": 800}}
CANARY: dict[str, Any] = {"release": NEXT, "traffic_percent": 25, "steps": [5, 25, 50], "hold_seconds": 600, "max_error_percent": 1}


def trying(**canary: Any) -> Wish:
    """Two to two replicas, the canary at 25 % of the requests; acme has room for it."""
    wish = reached().put("services/acme/chat spec.scaling", {"min_replicas": 2, "max_replicas": 2})
    wish.put("services/acme/embed spec.scaling", {"min_replicas": 1, "max_replicas": 1})
    return wish.put("services/acme/chat spec.canary", {**CANARY, **canary})


def trying_scaled(**canary: Any) -> Wish:
    """The same where KEDA scales it between two and four."""
    wish = trying(**canary).put("environment spec.keda", KEDA).put("environment spec.monitoring", {"prometheus_url": URL})
    wish.put("services/acme/chat spec.rollout.max_surge", 0)
    wish.put("node-pools/h100 spec.eks_managed_node_group.max_nodes", 2).put("tenants/acme spec.quota.h100", 10)
    return wish.put("services/acme/chat spec.scaling", {"min_replicas": 2, "max_replicas": 4, "triggers": {"waiting_requests": 4}})
