"""One service: its promises and their budgets, its requests, replicas, tokens and cost."""

from grafana_foundation_sdk.builders import dashboard

from gpuplane.components.dashboards.panels import RATE, board, choice, figure, graph, quantile

_ME = 'tenant="$tenant",service="$service"'
_PICKED = 'tenant="$tenant",picker="$service"'


def build() -> dashboard.Dashboard:
    """The dashboard."""
    return (
        board("service", "gpuplane / Service", "What one model server promises, how it keeps it, and what it costs.")
        .with_variable(choice("tenant", "Tenant", "label_values(gpuplane:service_replicas:count, tenant)"))
        .with_variable(choice("service", "Service", 'label_values(gpuplane:service_replicas:count{tenant="$tenant"}, service)'))
        .with_row(dashboard.Row("Promises"))
        .with_panel(
            figure(
                "Least error budget left",
                "percentunit",
                f"min(gpuplane:slo_budget:remaining{{{_ME}}})",
                "Of 30 days, over all objectives; below 0 a promise is broken.",
                0,
                low_is_bad=True,
            )
        )
        .with_panel(
            figure("Replicas", "short", f"gpuplane:service_replicas:count{{{_ME}}}", "Pods that Prometheus knows, loading ones too.")
        )
        .with_panel(
            figure(
                "Cost",
                "currencyUSD",
                f"gpuplane:service_usd_per_hour:sum{{{_ME}}}",
                "US dollars an hour: replicas × their share of a node.",
            )
        )
        .with_panel(
            figure(
                "Cost of a million output tokens",
                "currencyUSD",
                f"gpuplane:service_usd_per_million_output_tokens:ratio{{{_ME}}}",
                "US dollars, at the traffic of now.",
            )
        )
        .with_panel(
            graph(
                "Error budget left",
                "percentunit",
                [(f"gpuplane:slo_budget:remaining{{{_ME}}}", "{{objective}}")],
                "1: nothing spent in 30 days; 0: all.",
                least=None,
            )
        )
        .with_panel(
            graph(
                "Burn rate over one hour",
                "short",
                [
                    (
                        f"gpuplane:slo_bad:ratio_1h{{{_ME}}} / on (tenant, service, objective) gpuplane:slo_budget:ratio{{{_ME}}}",
                        "{{objective}}",
                    )
                ],
                "1 spends the budget in exactly 30 days; 14.4 calls somebody.",
                14.4,
            )
        )
        .with_row(dashboard.Row("Requests"))
        .with_panel(
            graph(
                "Time to first token",
                "s",
                [
                    (
                        quantile(q, "vllm:time_to_first_token_seconds", _ME),
                        f"p{int(q * 100)}",
                    )
                    for q in (0.5, 0.95, 0.99)
                ]
                + [(quantile(0.95, "llm_d_epp_request_ttft_seconds", f'{_PICKED},streaming="true"'), "p95 (endpoint picker)")],
                "vLLM, from the arrival of the request; where other pods read prompts, only the endpoint picker sees the whole.",
            )
        )
        .with_panel(
            graph(
                "Time per output token",
                "s",
                [
                    (
                        quantile(q, "vllm:request_time_per_output_token_seconds", _ME),
                        f"p{int(q * 100)}",
                    )
                    for q in (0.5, 0.95, 0.99)
                ],
                "vLLM; mean of each request after its first token.",
            )
        )
        .with_panel(
            graph(
                "Latency",
                "s",
                [
                    (
                        quantile(q, "vllm:e2e_request_latency_seconds", _ME),
                        f"p{int(q * 100)}",
                    )
                    for q in (0.5, 0.95, 0.99)
                ]
                + [
                    (f'max(nv_inference_request_summary_us{{{_ME},quantile="0.99"}}) / 1e6', "p99 (Triton)"),
                    (quantile(0.99, "llm_d_epp_request_duration_seconds", _PICKED), "p99 (endpoint picker)"),
                ],
                "Whole requests.",
            )
        )
        .with_panel(
            graph(
                "Requests by status",
                "reqps",
                [
                    (f'sum by (status) (rate(http_requests_total{{{_ME},handler=~"/v1/.+"}}[$__rate_interval]))', "{{status}}"),
                    (f"sum(rate(nv_inference_request_success{{{_ME}}}[$__rate_interval]))", "success (Triton)"),
                    (f"sum(rate(nv_inference_request_failure{{{_ME}}}[$__rate_interval]))", "failure (Triton)"),
                ],
                "5xx are the server's fault.",
            )
        )
        .with_row(dashboard.Row("Saturation"))
        .with_panel(
            graph(
                "Requests that run and wait",
                "short",
                [
                    (f"sum(vllm:num_requests_running{{{_ME}}})", "run"),
                    (f"sum(vllm:num_requests_waiting{{{_ME}}})", "wait"),
                    (f"sum(nv_inference_pending_request_count{{{_ME}}})", "wait (Triton)"),
                ],
                "Over all replicas.",
            )
        )
        .with_panel(
            graph(
                "Use of the KV cache",
                "percentunit",
                [(f"vllm:kv_cache_usage_perc{{{_ME}}}", "{{pod}}")],
                "By replica; over 0.95 requests wait or begin again.",
                0.95,
            )
        )
        .with_panel(
            graph(
                "Preemptions",
                "ops",
                [(f"sum by (pod) (rate(vllm:num_preemptions_total{{{_ME}}}[$__rate_interval]))", "{{pod}}")],
                "Requests that lost their place in the KV cache.",
            )
        )
        .with_panel(
            graph(
                "Hits of the prefix cache",
                "percentunit",
                [
                    (
                        (
                            f"sum(rate(vllm:prefix_cache_hits_total{{{_ME}}}{RATE})) / "
                            f"sum(rate(vllm:prefix_cache_queries_total{{{_ME}}}{RATE}))"
                        ),
                        "hits",
                    )
                ],
                "Prompt tokens that need no prefill.",
            )
        )
        .with_row(dashboard.Row("Use and cost"))
        .with_panel(
            graph(
                "Tokens a second",
                "short",
                [
                    (f"gpuplane:service_prompt_tokens:rate5m{{{_ME}}}", "prompt"),
                    (f"gpuplane:service_output_tokens:rate5m{{{_ME}}}", "output"),
                ],
                "Over five minutes.",
            )
        )
        .with_panel(
            graph(
                "Cost of a million output tokens",
                "currencyUSD",
                [(f"gpuplane:service_usd_per_million_output_tokens:ratio{{{_ME}}}", "{{model}}")],
                "Falls as replicas fill up.",
            )
        )
    )
