"""Queues: who waits, for how long, who borrows, and who is preempted."""

from grafana_foundation_sdk.builders import dashboard

from gpuplane.components.dashboards.panels import RATE, board, choice, figure, graph, quantile

_QUEUE = 'cluster_queue=~"$queue"'


def build() -> dashboard.Dashboard:
    """The dashboard."""
    return (
        board("queue", "gpuplane / Queues", "Kueue's ClusterQueues, one for each tenant.")
        .with_variable(choice("cohort", "Cohort", "label_values(kueue_cluster_queue_nominal_quota, cohort)", several=True))
        .with_variable(
            choice("queue", "Queue", 'label_values(kueue_cluster_queue_nominal_quota{cohort=~"$cohort"}, cluster_queue)', several=True)
        )
        .with_row(dashboard.Row("Now"))
        .with_panel(
            figure(
                "Waiting", "short", f'sum(max by (cluster_queue) (kueue_pending_workloads{{{_QUEUE},status="active"}}))', "For quota.", 1
            )
        )
        .with_panel(
            figure(
                "Inadmissible",
                "short",
                f'sum(max by (cluster_queue) (kueue_pending_workloads{{{_QUEUE},status="inadmissible"}}))',
                "Not as things are.",
                1,
            )
        )
        .with_panel(
            figure(
                "Admitted", "short", f"sum(max by (cluster_queue) (kueue_admitted_active_workloads{{{_QUEUE}}}))", "Running or starting."
            )
        )
        .with_panel(
            figure(
                "Preempted in a day",
                "short",
                'sum(increase(kueue_preempted_workloads_total{preempting_cluster_queue=~"$queue"}[1d]))',
                "By these queues.",
            )
        )
        .with_row(dashboard.Row("Quota"))
        .with_panel(
            graph(
                "Reserved of the nominal quota",
                "percentunit",
                [(f"{_most('resource_reservation')} / ({_most('nominal_quota')} > 0)", "{{cluster_queue}} {{flavor}} {{resource}}")],
                "Over 1 is borrowed.",
                1,
            )
        )
        .with_panel(
            graph(
                "Share in the cohort",
                "short",
                [(f"max by (cluster_queue) (kueue_cluster_queue_weighted_share{{{_QUEUE}}})", "{{cluster_queue}}")],
                "Fair sharing: the greatest share is preempted first.",
            )
        )
        .with_row(dashboard.Row("Waiting"))
        .with_panel(
            graph(
                "Workloads that wait",
                "short",
                [(f"max by (cluster_queue, status) (kueue_pending_workloads{{{_QUEUE}}})", "{{cluster_queue}} {{status}}")],
                "By state.",
            )
        )
        .with_panel(
            graph(
                "Wait for admission",
                "s",
                [
                    (
                        quantile(0.95, "kueue_admission_wait_time_seconds", _QUEUE, "cluster_queue, le"),
                        "{{cluster_queue}}",
                    )
                ],
                "95 of 100 waited at most this long.",
            )
        )
        .with_panel(
            graph(
                "Evictions",
                "ops",
                [
                    (
                        f"sum by (cluster_queue, reason) (rate(kueue_evicted_workloads_total{{{_QUEUE}}}[$__rate_interval]))",
                        "{{cluster_queue}} {{reason}}",
                    )
                ],
                "Preempted, or not ready in time.",
            )
        )
        .with_panel(
            graph(
                "Preemptions",
                "ops",
                [
                    (
                        (
                            "sum by (preempting_cluster_queue, reason) "
                            f'(rate(kueue_preempted_workloads_total{{preempting_cluster_queue=~"$queue"}}{RATE}))'
                        ),
                        "{{preempting_cluster_queue}} {{reason}}",
                    )
                ],
                "By the queue that preempted.",
            )
        )
    )


def _most(figure_name: str) -> str:
    """The greatest of what replicas of Kueue report, by queue, flavor and device."""
    return f'max by (cluster_queue, flavor, resource) (kueue_cluster_queue_{figure_name}{{{_QUEUE},resource=~"nvidia.com/.+"}})'
