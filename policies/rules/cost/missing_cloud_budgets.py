"""CB-11: a plan that holds says nothing of the bill; a budget of the cloud does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from gpuplane.graph.device_costs import budget_of
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.quantities import plain, quantity
from gpuplane.graph.resource_view import ResourceView, Unknown, items, lookup
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Example, Rule

_BUDGET = "aws:budgets/budget:Budget"


class MissingCloudBudgets(Rule):
    """What the plan does not see (traffic, storage, a forgotten node) is on the bill; an AWS budget by the tenant's tag finds it.

    Where the environment sets policies.cloud_budgets, or has any AWS budget by a tenant's tag, each tenant with a budget has one of the
    same amount, that notifies somebody.
    """

    id = "CB-11"
    title = "Each tenant's budget is a budget of the cloud account, with the same amount and somebody to tell"
    severity = "medium"
    remedy = "Add an aws.budgets.Budget with the tenant's tag as filter, the tenant's amount and a notification."
    references = ("FinOps Framework: Anomaly Management", "AWS Cost Management User Guide: Managing your costs with AWS Budgets")
    scope = "platform"
    looks_at = "outlines"
    context = ("Budget",)

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        budgets = _by_tenant(graph)
        if not budgets and not graph.parameters.cloud_budgets:
            return
        for _, namespace in sorted(graph.namespaces.items()):
            tenant, said = graph.tenant_of(namespace), budget_of(graph, namespace)
            if tenant is None or said is None or said[1] is None:
                continue
            budget = budgets.get(tenant)
            if budget is None:
                yield self.fail(
                    graph, namespace, f"Tenant {tenant} has a budget of {plain(said[1])} USD, and the cloud account none for it.")
                continue
            yield from self._same(graph, budget, tenant, said[1])

    def _same(self, graph: PlannedGraph, budget: ResourceView, tenant: str, amount: Decimal) -> Iterator[Finding]:
        limit = budget.get("limitAmount")
        if isinstance(limit, Unknown):
            yield self.unknown(graph, budget, f"The amount of {budget} is only known after apply.", "limitAmount")
        elif quantity(limit) != amount:
            yield self.fail(graph, budget, f"{budget} is of {limit} USD, and tenant {tenant}'s of {plain(amount)}.", "limitAmount")
        if not items(budget.get("notifications")):
            yield self.fail(graph, budget, f"{budget} notifies nobody.", "notifications")

    PASSES = (
        Example("the same amount, and a mail", """
resources:
  support:
    type: aws:budgets/budget:Budget
    properties:
      budgetType: COST
      limitAmount: "9000"
      limitUnit: USD
      timeUnit: MONTHLY
      costFilters: [{name: TagKeyValue, values: ["user:gpuplane.dev/tenant$support"]}]
      notifications: [{notificationType: ACTUAL, threshold: 80, thresholdType: PERCENTAGE, comparisonOperator: GREATER_THAN}]
---
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}, annotations: {gpuplane.dev/monthly-budget-usd: "9000"}}
"""),
    )
    FAILS = (
        Example("another amount", """
resources:
  support:
    type: aws:budgets/budget:Budget
    properties:
      limitAmount: "12000"
      costFilters: [{name: TagKeyValue, values: ["user:gpuplane.dev/tenant$support"]}]
---
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support}, annotations: {gpuplane.dev/monthly-budget-usd: "9000"}}
""", "Budget support is of 12000 USD, and tenant support's of 9000"),
    )


def _by_tenant(graph: PlannedGraph) -> Mapping[str, ResourceView]:
    """AWS budgets by the tenant whose tag they filter by."""
    found = {}
    for view in graph.resources:
        if view.type == _BUDGET:
            for each in items(view.get("costFilters")):
                for value in items(lookup(each, "values")):
                    if isinstance(value, str) and value.startswith(f"user:{graph.labels.tenant}$"):
                        found[value.rpartition("$")[2]] = view
    return found
