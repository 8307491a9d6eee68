"""CB-01: what always runs is spent already; over the budget it must not be applied."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import ROUND_FLOOR, Decimal
from functools import lru_cache

from gpuplane.graph.device_costs import HOURS_PER_MONTH, block_percent, budget_of, committed_usd_per_month
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.tenancy import owner
from gpuplane.graph.workloads import Workload, gpu_workloads
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.vocabulary import MANAGED_BY


class CommittedOverBudget(Rule):
    """Minimum replicas run all month: their share of the nodes is a cost that nothing but the next change takes back.

    Judged is what objects say: hours of nodes at the lowest price that the pool has, against the budget or the percentage of it
    that the object bears as gpuplane.dev/budget-block-percent. A plan reckons disks, reservations and the expected or worst month
    too: it may refuse more, never less, for no month is below this minimum.
    """

    id = "CB-01"
    title = "What a tenant commits to costs no more than its budget"
    severity = "critical"
    remedy = "Lower min_replicas or the GPUs of a replica, move to a cheaper pool, or have the budget raised."
    references = ("FinOps Framework: Budgeting", "FinOps Framework: Allocation")
    scope = "platform"
    looks_at = "tenant"

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        groups: dict[str, list[Workload]] = defaultdict(list)
        for workload in gpu_workloads(graph):
            if not workload.batch:
                groups[owner(graph, workload.view) or f"namespace {workload.view.namespace}"].append(workload)
        for view in graph.namespaces.values():  # a budget that is no number is wrong even before anything is spent
            groups.setdefault(graph.tenant_of(view) or f"namespace {view.name}", [])
        for name, group in sorted(groups.items()):
            yield from self._group(graph, name, group)
        for view in graph.namespaces.values():
            ours = view.labels.get(MANAGED_BY) == "gpuplane" and graph.tenant_of(view) is not None
            if ours and budget_of(graph, view) is None:
                yield self.fail(graph, view, f"Namespace {view.name} of tenant {graph.tenant_of(view)} states no budget.",
                                f"metadata.annotations.{graph.labels.monthly_budget_usd}")

    def _group(self, graph: PlannedGraph, name: str, group: list[Workload]) -> Iterator[Finding]:
        key = graph.labels.monthly_budget_usd
        field = f"metadata.annotations.{key}"
        budgets = [found for view in _holders(graph, name, group) if (found := budget_of(graph, view)) is not None]
        for holder, amount in budgets:
            if amount is None:
                yield self.fail(graph, holder, f"The budget of {holder} is no amount in US dollars.", field)
        known = [(amount, holder) for holder, amount in budgets if amount is not None]
        if not known:
            return
        budget, holder = min(known, key=lambda each: (each[0] * block_percent(each[1]), each[1].name))
        percent = block_percent(holder)
        for workload in group:
            if workload.unknown:
                yield self.unknown(
                    graph, workload.view, f"What {workload.view} commits to is only known after apply.", workload.unknown[0])
        costs: dict[str, Decimal] = defaultdict(Decimal)  # an unknown price is CB-05's, never a 0 here that lets something pass
        for workload in group:
            cost = committed_usd_per_month(graph, workload) or Decimal(0)
            costs[workload.view.name] += cost.quantize(Decimal("0.01"), rounding=ROUND_FLOOR)
        total = sum(costs.values(), Decimal(0))
        if total * 100 > budget * percent:
            parts = ", ".join(f"{service} {cost:,.2f}" for service, cost in sorted(costs.items()) if cost)
            whose = name if name.startswith("namespace ") else f"tenant {name}"
            yield self.fail(
                graph, holder,
                f"The committed GPUs of {whose} cost {total:,.2f} USD in a month of {HOURS_PER_MONTH} h ({parts}), "
                f"more than {'' if percent == 100 else f'{percent} % of '}its budget of {budget:,.2f} USD.", field)

    PASSES = (
        Example("half a node at 10 USD an hour, in a budget of 4000", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}, annotations: {gpuplane.dev/monthly-budget-usd: "4000"}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata:
  name: h100
  annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/gpu": 8}', gpuplane.dev/usd-per-node-hour: "10"}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {minReplicas: 2, maxReplicas: 4, model: {resources: {limits: {nvidia.com/gpu: "2"}}}}}
"""),
        Example("half a node at 10 USD an hour, in a budget of 3100 that blocks at 120 %", """
apiVersion: v1
kind: Namespace
metadata:
  name: support
  labels: {gpuplane.dev/tenant: support}
  annotations: {gpuplane.dev/monthly-budget-usd: "3100", gpuplane.dev/budget-block-percent: "120"}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata:
  name: h100
  annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/gpu": 8}', gpuplane.dev/usd-per-node-hour: "10"}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {minReplicas: 2, maxReplicas: 4, model: {resources: {limits: {nvidia.com/gpu: "2"}}}}}
"""),
    )
    FAILS = (
        Example("half a node at 10 USD an hour, in a budget of 3000", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}, annotations: {gpuplane.dev/monthly-budget-usd: "3000"}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata:
  name: h100
  annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/gpu": 8}', gpuplane.dev/usd-per-node-hour: "10"}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {minReplicas: 2, maxReplicas: 4, model: {resources: {limits: {nvidia.com/gpu: "2"}}}}}
""", "cost 3,650.00 USD in a month of 730 h (chat 3,650.00), more than its budget of 3,000.00 USD"),
        Example("half a node at 10 USD an hour, in a budget of 3000 that blocks at 120 %", """
apiVersion: v1
kind: Namespace
metadata:
  name: support
  labels: {gpuplane.dev/tenant: support}
  annotations: {gpuplane.dev/monthly-budget-usd: "3000", gpuplane.dev/budget-block-percent: "120"}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata:
  name: h100
  annotations: {gpuplane.dev/devices-per-node: '{"nvidia.com/gpu": 8}', gpuplane.dev/usd-per-node-hour: "10"}
---
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat, namespace: support}
spec: {predictor: {minReplicas: 2, maxReplicas: 4, model: {resources: {limits: {nvidia.com/gpu: "2"}}}}}
""", "more than 120 % of its budget of 3,000.00 USD"),
        Example("a budget that is no amount", """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}, annotations: {gpuplane.dev/monthly-budget-usd: plenty}}
""", "is no amount in US dollars"),
    )


def _holders(graph: PlannedGraph, name: str, group: list[Workload]) -> list[ResourceView]:
    """Objects that may bear the budget: the owner's namespaces, and the workloads themselves."""
    return [*_places(graph).get(name, ()), *(workload.view for workload in group)]


@lru_cache(maxsize=4)
def _places(graph: PlannedGraph) -> Mapping[str, list[ResourceView]]:
    """Namespaces by their owner's name."""
    found: dict[str, list[ResourceView]] = defaultdict(list)
    for view in graph.namespaces.values():
        found[graph.tenant_of(view) or f"namespace {view.name}"].append(view)
    return found
