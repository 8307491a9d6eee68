"""One tenant's budget as a series, and an alert when the month is on its way past it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import pulumi

from gpuplane.components.alerts import Alert, Runbook, Watch, alert_rule, group, record, rule_file, selector
from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options


@dataclass(frozen=True)
class TenantBudgetRulesArgs:
    """A tenant, what it may spend in a month of 730 hours in US dollars, its owner, and the labels Prometheus selects rules by."""

    tenant: str
    usd_per_month: Decimal
    watch: Watch
    labels: Mapping[str, str]


class TenantBudgetRules(pulumi.ComponentResource):
    """One PrometheusRule in the tenant's namespace."""

    def __init__(self, name: str, args: TenantBudgetRulesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:TenantBudgetRules", name, {"tenant": args.tenant}, opts)
        KubernetesObject(f"{args.tenant}-budget", manifest(args), child_options(self, opts))
        self.register_outputs({})


def manifest(args: TenantBudgetRulesArgs) -> Manifest:
    """The PrometheusRule as its API takes it."""
    labels, amount = {"tenant": args.tenant}, f"{args.usd_per_month.normalize():f}"
    projected = f"gpuplane:tenant_usd_per_month:projected1d{selector(labels)}"
    alert = Alert(
        "BudgetBurn", f"{projected} > {amount}", "6h", "warning",
        f"{args.tenant} runs for {{{{ $value | printf \"%.0f\" }}}} USD a month; its budget is {amount}",
        Runbook("Replicas of the last day, at the prices of the plan, would cost more in a month than the tenant may spend. Idle nodes, "
                "storage and traffic are not in it: the bill says those.",
                f"The tenant's dashboard: cost by service and by model; gpuplane cost for {args.tenant}.",
                "Lower min_replicas or max_replicas, choose a cheaper pool, or agree on another budget."), labels)
    return rule_file("gpuplane-budget", args.tenant, args.labels, [group(f"gpuplane-budget-{args.tenant}", [
        record("gpuplane:tenant_budget_usd_per_month:sum", f"vector({amount})", labels), alert_rule(alert, args.watch)])])
