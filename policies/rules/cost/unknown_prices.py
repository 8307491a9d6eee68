"""CB-05: a price that nobody knows must not count as nothing."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.graph.device_costs import budget_of
from gpuplane.graph.device_pools import DevicePool, device_pools
from gpuplane.graph.node_sources import NODE_GROUP_TYPE
from gpuplane.graph.placement import pool_of
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.workloads import gpu_workloads
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.vocabulary import DEVICES_PER_NODE


class UnknownPrices(Rule):
    """A missing price that counts as 0 makes the most expensive change look free.

    Held to it are node groups, and workloads of whoever has a budget; where nobody has one there is nothing to check.
    """

    id = "CB-05"
    title = "Everything that a budget pays for has a known price"
    severity = "critical"
    remedy = "Add a row to the price catalogue, or state usd_per_node_hour and its source for nodes that exist already."
    references = ("FinOps Framework: Data Ingestion", "infracost/infracost#77 and #1333 (missing prices shown as 0)")
    scope = "platform"
    looks_at = "tenant"
    across_layers = True

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        pools = device_pools(graph)
        unpriced: set[str] = set()
        for pool in pools:
            if pool.usd_per_node_hour is None and _must_have_price(pool):
                unpriced.add(pool.name)
                yield self.fail(graph, pool.view, f"A node of pool {pool.name} has no known price: {pool.price_basis}.")
        for workload in gpu_workloads(graph):
            if budget_of(graph, workload.view) is None:
                continue
            home = pool_of(workload.template, pools)
            if home is None:
                yield self.fail(
                    graph, workload.view,
                    f"{workload.view} asks for {', '.join(workload.devices) or 'devices'}, which no planned "
                    "pool has, so its price is unknown.", workload.template.path)
            elif home.usd_per_node_hour is None and home.name not in unpriced:
                yield self.fail(graph, workload.view, f"{workload.view} runs on pool {home.name}, whose price is unknown: "
                                                      f"{home.price_basis}.", workload.template.path)

    PASSES = (
        Example("a pool with a price", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata:
  name: h100
  annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/gpu": 8}', gpuplane.dev/usd-per-node-hour: "10"}
---
apiVersion: v1
kind: Pod
metadata: {name: chat, annotations: {gpuplane.dev/monthly-budget-usd: "9000"}}
spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}
"""),
        Example("nobody has a budget", """
apiVersion: v1
kind: Pod
metadata: {name: chat}
spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}
"""),
    )
    FAILS = (
        Example("a pool without a price", """
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: h100, annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/gpu": 8}', gpuplane.dev/max-nodes: "1"}}
""", "A node of pool h100 has no known price"),
        Example("a workload with a budget that no pool has devices for", """
apiVersion: v1
kind: Pod
metadata: {name: chat, annotations: {gpuplane.dev/monthly-budget-usd: "9000"}}
spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}
""", "asks for nvidia.com/gpu, which no planned pool has"),
        Example("nodes of an instance type that is in no price list", """
apiVersion: v1
kind: Node
metadata: {name: gpu-0, labels: {node.kubernetes.io/instance-type: x99.metal, topology.kubernetes.io/region: eu-central-1}}
status: {allocatable: {nvidia.com/gpu: "8"}}
---
apiVersion: v1
kind: Pod
metadata: {name: chat, annotations: {gpuplane.dev/monthly-budget-usd: "9000"}}
spec: {containers: [{name: vllm, image: vllm, resources: {limits: {nvidia.com/gpu: 1}}}]}
""", "no row for x99.metal"),
    )


def _must_have_price(pool: DevicePool) -> bool:
    return pool.view.type == NODE_GROUP_TYPE or DEVICES_PER_NODE in pool.view.annotations
