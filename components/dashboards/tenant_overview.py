"""One tenant: its budget, the promises of its services, its GPUs and its queue."""

from grafana_foundation_sdk.builders import dashboard

from gpuplane.components.dashboards.panels import board, choice, figure, graph

_ME = 'tenant="$tenant"'


def build() -> dashboard.Dashboard:
    """The dashboard."""
    return (
        board("tenant", "gpuplane / Tenant", "What one team uses, what it costs, and whether its services keep their promises.")
        .with_variable(choice("tenant", "Tenant", "label_values(gpuplane:tenant_budget_usd_per_month:sum, tenant)"))
        .with_variable(
            choice("service", "Service", 'label_values(gpuplane:service_replicas:count{tenant="$tenant"}, service)', several=True)
        )
        .with_row(dashboard.Row("Money"))
        .with_panel(
            figure(
                "Month at the cost of the last day",
                "currencyUSD",
                f"gpuplane:tenant_usd_per_month:projected1d{{{_ME}}}",
                "US dollars in 730 hours; replicas at the plan's prices, without idle nodes, storage and traffic.",
            )
        )
        .with_panel(
            figure(
                "Budget of the month",
                "currencyUSD",
                f"gpuplane:tenant_budget_usd_per_month:sum{{{_ME}}}",
                "US dollars, from the tenant's file.",
            )
        )
        .with_panel(
            figure(
                "Part of the budget",
                "percentunit",
                f"gpuplane:tenant_usd_per_month:projected1d{{{_ME}}} / gpuplane:tenant_budget_usd_per_month:sum{{{_ME}}}",
                "Over 1 the month ends beyond it.",
                1,
            )
        )
        .with_panel(
            figure(
                "Least error budget left",
                "percentunit",
                f'min(gpuplane:slo_budget:remaining{{{_ME},service=~"$service"}})',
                "Of 30 days, over all objectives.",
                0,
                low_is_bad=True,
            )
        )
        .with_panel(
            graph(
                "Cost by service",
                "currencyUSD",
                [(f'gpuplane:service_usd_per_hour:sum{{{_ME},service=~"$service"}}', "{{service}}")],
                "US dollars an hour.",
            )
        )
        .with_panel(
            graph(
                "Cost of a million output tokens",
                "currencyUSD",
                [(f'gpuplane:service_usd_per_million_output_tokens:ratio{{{_ME},service=~"$service"}}', "{{service}} {{model}}")],
                "At the traffic of now.",
            )
        )
        .with_panel(
            graph("Output tokens by model", "short", [(f"gpuplane:tenant_output_tokens:rate5m{{{_ME}}}", "{{model}}")], "A second.")
        )
        .with_panel(
            graph("Prompt tokens by model", "short", [(f"gpuplane:tenant_prompt_tokens:rate5m{{{_ME}}}", "{{model}}")], "A second.")
        )
        .with_row(dashboard.Row("Promises"))
        .with_panel(
            graph(
                "Error budget left",
                "percentunit",
                [(f'gpuplane:slo_budget:remaining{{{_ME},service=~"$service"}}', "{{service}} {{objective}}")],
                "1: nothing spent in 30 days; 0: all.",
                least=None,
            )
        )
        .with_panel(
            graph(
                "Requests that wait",
                "short",
                [
                    (f'sum by (service) (vllm:num_requests_waiting{{{_ME},service=~"$service"}})', "{{service}}"),
                    (f'sum by (service) (nv_inference_pending_request_count{{{_ME},service=~"$service"}})', "{{service}} (Triton)"),
                ],
                "Over all replicas.",
            )
        )
        .with_row(dashboard.Row("GPUs"))
        .with_panel(
            graph(
                "Devices of the queue",
                "short",
                [
                    (
                        _devices("resource_usage"),
                        "used {{resource}}",
                    ),
                    (
                        _devices("nominal_quota"),
                        "own {{resource}}",
                    ),
                ],
                "Used more than own is borrowed.",
            )
        )
        .with_panel(
            graph(
                "Busy GPUs",
                "percentunit",
                [('avg by (exported_pod) (DCGM_FI_PROF_GR_ENGINE_ACTIVE{exported_namespace="$tenant"})', "{{exported_pod}}")],
                "By pod; of MIG devices too. With time-slicing all pods of a card show the same.",
            )
        )
    )


def _devices(what: str) -> str:
    """Devices of the tenant's queue by resource; of what replicas of Kueue report, the greatest."""
    series = f'kueue_cluster_queue_{what}{{cluster_queue="$tenant",resource=~"nvidia.com/.+"}}'
    return f"sum by (resource) (max by (flavor, resource) ({series}))"
