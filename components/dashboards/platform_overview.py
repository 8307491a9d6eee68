"""The platform: who keeps promises, who waits, what it costs, and whether the operators run."""

from grafana_foundation_sdk.builders import dashboard

from gpuplane.components.dashboards.panels import board, choice, figure, graph


def build() -> dashboard.Dashboard:
    """The dashboard."""
    return (
        board("platform", "gpuplane / Platform", "All tenants on one page.")
        .with_variable(choice("tenant", "Tenant", "label_values(gpuplane:tenant_budget_usd_per_month:sum, tenant)", several=True))
        .with_row(dashboard.Row("Now"))
        .with_panel(
            figure(
                "Broken promises",
                "short",
                'count(gpuplane:slo_budget:remaining{tenant=~"$tenant"} < 0) or vector(0)',
                "Objectives whose budget of 30 days is spent.",
                1,
            )
        )
        .with_panel(
            figure("Workloads that wait", "short", "sum(max by (cluster_queue, status) (kueue_pending_workloads))", "In all queues.", 1)
        )
        .with_panel(
            figure(
                "Month at the cost of the last day",
                "currencyUSD",
                'sum(gpuplane:tenant_usd_per_month:projected1d{tenant=~"$tenant"})',
                "US dollars in 730 hours, replicas of tenants.",
            )
        )
        .with_panel(
            figure(
                "GPUs that work",
                "percentunit",
                "avg(DCGM_FI_PROF_GR_ENGINE_ACTIVE)",
                "Share of time that engines are busy, all cards and MIG devices.",
            )
        )
        .with_row(dashboard.Row("Tenants"))
        .with_panel(
            graph(
                "Part of the month's budget",
                "percentunit",
                [
                    (
                        (
                            'gpuplane:tenant_usd_per_month:projected1d{tenant=~"$tenant"} / on (tenant) '
                            'gpuplane:tenant_budget_usd_per_month:sum{tenant=~"$tenant"}'
                        ),
                        "{{tenant}}",
                    )
                ],
                "At the cost of the last day; over 1 the month ends beyond the budget.",
                1,
            )
        )
        .with_panel(
            graph(
                "Least error budget left",
                "percentunit",
                [('min by (tenant, service) (gpuplane:slo_budget:remaining{tenant=~"$tenant"})', "{{tenant}}/{{service}}")],
                "Of 30 days.",
                least=None,
            )
        )
        .with_panel(
            graph("Cost", "currencyUSD", [('gpuplane:tenant_usd_per_hour:sum{tenant=~"$tenant"}', "{{tenant}}")], "US dollars an hour.")
        )
        .with_panel(
            graph(
                "Output tokens by tenant and model",
                "short",
                [('gpuplane:tenant_output_tokens:rate5m{tenant=~"$tenant"}', "{{tenant}} {{model}}")],
                "A second.",
            )
        )
        .with_row(dashboard.Row("Operators"))
        .with_panel(
            graph(
                "Replicas that are available",
                "short",
                [
                    (
                        'kube_deployment_status_replicas_available{namespace=~"kueue-system|kserve|gpu-operator"}',
                        "{{namespace}}/{{deployment}}",
                    )
                ],
                "0 is an alert.",
            )
        )
        .with_panel(
            graph(
                "Errors of autoscalers",
                "ops",
                [("sum by (scaledObject) (rate(keda_scaler_detail_errors_total[$__rate_interval]))", "{{scaledObject}}")],
                "KEDA could not read what it scales by.",
            )
        )
    )
