"""Whole plans as cases for the scheduler: nodes as the plan counts them, pods as its services would have them."""

from __future__ import annotations

import random
from collections.abc import Iterator

from gpuplane.planning.demand import demands
from gpuplane.planning.placement.claims import Verdict
from gpuplane.planning.placement.kube_scheduler import Node, Taint, Toleration
from gpuplane.planning.placement.pods import free_of, pod_of
from tests.integration.random_placements import Case, PodWish
from tests.planning.wish import EXISTING, Wish, valid

POOL = "rack"


def planned_cases(count: int) -> Iterator[tuple[Case, Verdict]]:
    """Environments of one pool and a few services at their minimum, with the verdict that their plan prints."""
    for number in range(count):
        draw = random.Random(f"plan {number}")
        yield _case(_wish(draw), f"plan-{number:03d}")


def _wish(draw: random.Random) -> Wish:
    wish = Wish({"environment": valid().documents["environment"]})
    nodes = {**EXISTING, "max_nodes": draw.randint(1, 3)}
    if draw.random() < 0.5:
        nodes["allocatable"] = {"cpu_millicores": 127_000, "memory_mib": 1_000_000}
    wish.pool(POOL, "H100-SXM-80GB", existing_nodes=nodes)
    wish.tenant("acme", {POOL: 100})
    for index in range(draw.randint(1, 3)):
        gpus = draw.choice([1, 2, 4, 5])
        least = draw.randint(1, 3)
        wish.service(f"acme/s{index}", POOL, scaling={"min_replicas": least, "max_replicas": least},
                     resources={"cpu": draw.choice([4, 12, 30]), "memory_gib": draw.choice([3, 64, 250])})
        wish.put(f"services/acme/s{index} spec.release.vllm.arguments.tensor_parallel_size", gpus)
    return wish


def _case(wish: Wish, name: str) -> tuple[Case, Verdict]:
    spec, plan = wish.spec(), wish.plan()
    pool, document = plan.pools[POOL], spec.pools[POOL]
    taints = tuple(Taint(taint.key, taint.value, taint.effect) for taint in document.spec.taints)
    tolerations = tuple(Toleration(taint.key, "Equal", taint.value, taint.effect) for taint in taints)
    nodes = tuple(Node(f"{name}-{index}", free_of(pool), pool.node_labels, taints) for index in range(pool.max_nodes))
    pods = []
    for demand in demands(spec)["acme"]:
        requests = {resource: amount for resource, amount in pod_of(demand, pool) if resource != "pods"}
        pods += [PodWish((requests,), (), pool.node_labels, tolerations)] * demand.entry.document.spec.scaling.min_replicas
    return Case(name, nodes, tuple(pods)), plan.placements[POOL].minimum.verdict
