"""Rules of the whole platform: windows over every promise, usage and cost by tenant, GPUs, queues, and the operators themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gpuplane.components.alerts import Alert, Runbook, Watch, alert_rule, group, record
from gpuplane.components.gateway_alerts import gateway_alerts
from gpuplane.planning.service_levels.burn_rate import WINDOWS

FATAL_XIDS = (48, 62, 63, 64, 74, 79, 92, 94, 95, 119, 120, 140)
"""XIDs after which a GPU, its link or its memory must be reset, drained or replaced, whatever ran on it (NVIDIA XID catalogue).

48 double-bit ECC, 62 micro-controller halt, 63 and 64 row remapping, 74 NVLink, 79 off the bus, 92 many single-bit errors, 94 and 95
contained and uncontained ECC, 119 and 120 GSP, 140 unrecovered ECC. Others, such as 13, 31 and 43, come mostly from the program.
"""
HOT_CELSIUS = 88
"""Data-centre GPUs begin to slow down between 83 and 92 °C, by model."""


@dataclass(frozen=True)
class Recorded:
    """Which series the rules of services record: a rule that reads others would never say a thing.

    Attributes:
        objectives: of promises, good and bad.
        tokens: of usage.
        costs: of prices; a pool without a price has none.
    """

    objectives: bool = True
    tokens: bool = True
    costs: bool = True

    def holds(self, expression: str) -> bool:
        """Whether all series of services that an expression reads are recorded."""
        marks = (("gpuplane:slo_", self.objectives), ("_tokens:", self.tokens), ("_usd_", self.costs))
        return all(there or mark not in expression for mark, there in marks)


def platform_groups(watch: Watch, deployments: Sequence[tuple[str, str, str]], has_gpu_metrics: bool,
                    recorded: Recorded = Recorded(), *, has_gateway: bool = False) -> list[dict[str, Any]]:
    """Every group of the platform's PrometheusRule.

    Args:
        watch: the platform's owner.
        deployments: what must run: namespace, Deployment, and what it does in a clause.
        has_gpu_metrics: the DCGM exporter is there.
        recorded: what services record.
        has_gateway: the gateway's proxies are scraped.
    """
    queues, operators = _queue_alerts(), _operator_alerts(deployments)
    return [
        group("gpuplane-objective-windows", _windows() if recorded.objectives else ()),
        group("gpuplane-objective-budgets", _budgets() if recorded.objectives else (), "5m"),
        group("gpuplane-usage", _usage(recorded)),
        group("gpuplane-gpus", [alert_rule(alert, watch) for alert in _gpu_alerts()] if has_gpu_metrics else []),
        group("gpuplane-queues", [alert_rule(alert, watch) for alert in queues]),
        group("gpuplane-gateway", [alert_rule(alert, watch) for alert in gateway_alerts()] if has_gateway else []),
        group("gpuplane-operators", [alert_rule(alert, watch) for alert in operators]),
    ]


def _windows() -> Iterator[dict[str, Any]]:
    """Ratio of what is bad in each window: weighted by requests where requests are counted, by time where time is."""
    yield record("gpuplane:slo_bad:ratio_5m", "gpuplane:slo_bad:rate5m / gpuplane:slo_all:rate5m")
    for window in WINDOWS[1:-1]:
        yield record(f"gpuplane:slo_bad:ratio_{window}", _ratio(window))


def _budgets() -> Iterator[dict[str, Any]]:
    yield record(f"gpuplane:slo_bad:ratio_{WINDOWS[-1]}", _ratio(WINDOWS[-1]))
    yield record("gpuplane:slo_budget:remaining", f"1 - gpuplane:slo_bad:ratio_{WINDOWS[-1]} / gpuplane:slo_budget:ratio")


def _ratio(window: str) -> str:
    return f"sum_over_time(gpuplane:slo_bad:rate5m[{window}]) / sum_over_time(gpuplane:slo_all:rate5m[{window}])"


def _usage(recorded: Recorded) -> Iterator[dict[str, Any]]:
    """Tokens and money now; a month has 730 hours, as in every budget."""
    if recorded.costs and recorded.tokens:
        yield record("gpuplane:service_usd_per_million_output_tokens:ratio",
                     "1e6 * gpuplane:service_usd_per_hour:sum / (3600 * gpuplane:service_output_tokens:rate5m > 0)")
    for direction in ("prompt", "output") if recorded.tokens else ():
        yield record(f"gpuplane:tenant_{direction}_tokens:rate5m", f"sum by (tenant, model) (gpuplane:service_{direction}_tokens:rate5m)")
    if not recorded.costs:
        return
    yield record("gpuplane:tenant_usd_per_hour:sum", "sum by (tenant) (gpuplane:service_usd_per_hour:sum)")
    yield record("gpuplane:tenant_usd_per_month:projected1d", "730 * avg_over_time(gpuplane:tenant_usd_per_hour:sum[1d])")


_WHERE = "GPU {{ $labels.gpu }} ({{ $labels.modelName }}, {{ $labels.UUID }}) of node {{ $labels.hostname }}{{ $labels.Hostname }}"


def _gpu_alerts() -> Iterator[Alert]:
    node = "The GPU dashboard for the node; dmesg there for the lines with NVRM: Xid; kubectl describe node for its pods."
    fatal = " or ".join(f"DCGM_FI_DEV_XID_ERRORS == {code}" for code in FATAL_XIDS)
    yield Alert("GpuXidFatal", fatal, "", "critical", f"{_WHERE} reports XID {{{{ $value }}}}", Runbook(
        "The hardware, its memory or its link failed: what runs on this GPU fails or computes wrongly until it is reset.",
        node, "Cordon and drain the node, reset the GPU (nvidia-smi --gpu-reset) or replace the node; return cards that do it again."))
    other = f"DCGM_FI_DEV_XID_ERRORS != 0 unless ({fatal})"
    yield Alert("GpuXid", other, "", "warning", f"{_WHERE} reports XID {{{{ $value }}}}", Runbook(
        "A program did something the driver refused (13, 31, 43, 45), or a fault that the driver survived. DCGM shows the last code until "
        "the exporter restarts.", node, "Look at the log of the pod that had the GPU then; if others fail on it too, drain the node."))
    yield Alert("GpuRowRemapFailure", "DCGM_FI_DEV_ROW_REMAP_FAILURE > 0", "", "critical", f"{_WHERE} has no spare memory rows left",
                Runbook("Uncorrectable memory errors can no longer be mapped away.", node, "Drain the node and have the card replaced."))
    yield Alert("GpuMemoryErrors", "increase(DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS[1h]) > 0", "", "warning",
                f"{_WHERE} remapped rows after uncorrectable memory errors", Runbook(
                    "Memory had uncorrectable ECC errors; the rows are replaced at the next reset of the GPU.", node,
                    "Drain the node when it suits and reset the GPU; replace the card if it goes on."))
    yield Alert("GpuHot", f"DCGM_FI_DEV_GPU_TEMP > {HOT_CELSIUS}", "5m", "warning", f"{_WHERE} is {{{{ $value }}}} °C hot", Runbook(
        "It slows down soon, or does already, to cool off: latencies rise on all that runs there.", node,
        "On premises look at fans and air; in a cloud replace the node."))
    yield Alert(
        "GpuSlowed",
        "DCGM_FI_DEV_SM_CLOCK < 0.7 * max_over_time(DCGM_FI_DEV_SM_CLOCK[1d]) and on (UUID) DCGM_FI_PROF_GR_ENGINE_ACTIVE > 0.5",
        "15m", "warning", f"{_WHERE} is busy and runs at {{{{ $value }}}} MHz, far below its clock of the last day", Runbook(
            "Heat, power or another limit holds the clock down while there is work.", f"{node} nvidia-smi -q -d PERFORMANCE says which.",
            "Spread the work, lower the power limit on purpose, or replace the node."))
    yield Alert("GpuProfilingMissing", "absent(DCGM_FI_PROF_GR_ENGINE_ACTIVE) and on () count(DCGM_FI_DEV_GPU_TEMP) > 0", "15m", "warning",
                "DCGM reports no profiling metrics", Runbook(
                    "Whether GPUs are busy is not known: MIG devices have no other measure, DCGM_FI_DEV_GPU_UTIL is of whole cards.",
                    "Does a profiler (Nsight, CUPTI) hold the counters on a node? The log of nvidia-dcgm-exporter says so.",
                    "End the profiler, or run dcgmi profile --resume."))
    yield Alert("GpuIdle", 'max_over_time(DCGM_FI_PROF_GR_ENGINE_ACTIVE{exported_pod!=""}[6h]) < 0.01', "1h", "warning",
                f"{_WHERE}: {{{{ $labels.exported_namespace }}}}/{{{{ $labels.exported_pod }}}} has not used it for 6 hours", Runbook(
                    "It is paid for and does nothing. With time-slicing all pods of a card show the same figure.",
                    "The tenant's dashboard: does the service have any traffic?", "Lower min_replicas, or take the service away."))


def _queue_alerts() -> Iterator[Alert]:
    look = "The queue dashboard; kubectl get workloads -A and the conditions of the oldest: they name the flavor and what is missing."
    pending = "sum by (cluster_queue) (max by (cluster_queue, status) (kueue_pending_workloads))"
    reserved, nominal = (f"sum by (cluster_queue) (max by (cluster_queue, flavor, resource) ({name}{{resource=~\"nvidia.com/.+\"}}))"
                         for name in ("kueue_cluster_queue_resource_reservation", "kueue_cluster_queue_nominal_quota"))
    yield Alert("WorkloadsPending", f"{pending} > 0", "30m", "warning", "{{ $labels.cluster_queue }}: workloads waited 30 minutes", Runbook(
        "The tenant asks for more GPUs than its quota and what others lend give now.", look,
        "Wait, lower max_replicas, raise the quota, or let it borrow; if the next alert fires too, the quota itself is not honoured."))
    yield Alert(
        "NominalQuotaUnreachable", f"{pending} > 0 and on (cluster_queue) ({reserved} < {nominal})", "15m", "critical",
        "Workloads of {{ $labels.cluster_queue }} wait although less than its nominal quota is in use", Runbook(
            "What the tenant owns it does not get: others hold it and are not preempted, nodes are missing, or it fits no node.", look,
            "See that reclaim_within_cohort is Any, that the pool's nodes exist and are ready, and that no admission check hangs."))
    yield Alert("WorkloadsInadmissible", 'max by (cluster_queue) (kueue_pending_workloads{status="inadmissible"}) > 0', "30m", "warning",
                "Workloads of {{ $labels.cluster_queue }} can not be admitted as things are", Runbook(
                    "They ask for what no flavor of the queue gives, or for more than its ceiling.", look,
                    "Correct the request, or the quota; nothing happens by itself."))
    yield Alert("PreemptionsMany", "sum by (preempting_cluster_queue) (increase(kueue_preempted_workloads_total[1h])) > 10", "", "warning",
                "{{ $labels.preempting_cluster_queue }} preempted {{ $value }} workloads in an hour", Runbook(
                    "Borrowers lose replicas again and again: they load weights instead of serving.", look,
                    "Give borrowers less to borrow (borrowing_limit), or the owner a steadier min_replicas."))
    yield Alert("QueueStopped", 'max by (cluster_queue) (kueue_cluster_queue_status{status="active"}) == 0', "10m", "critical",
                "ClusterQueue {{ $labels.cluster_queue }} admits nothing", Runbook(
                    "It is stopped, or a flavor or check that it names is missing.", "kubectl describe clusterqueue: its condition Active.",
                    "Restore what it names; remove stopPolicy."))


def _operator_alerts(deployments: Sequence[tuple[str, str, str]]) -> Iterator[Alert]:
    for namespace, deployment, effect in deployments:
        of = f'{{namespace="{namespace}",deployment="{deployment}"}}'
        metric = f"kube_deployment_status_replicas_available{of}"
        yield Alert("OperatorDown", f"{metric} == 0 or absent({metric})", "5m", "critical", f"{namespace}/{deployment} does not run",
                    Runbook(f"While it is down {effect}.", f"kubectl -n {namespace} get pods, and the log of {deployment}.",
                            "Restart it; if it was upgraded lately, go back to the version before."),
                    {"namespace": namespace, "deployment": deployment})
    daemons = 'kube_daemonset_status_number_unavailable{daemonset=~"nvidia-.+"}'
    yield Alert("GpuDaemonUnavailable", f"{daemons} > 0", "15m", "warning", "{{ $labels.daemonset }} is missing on {{ $value }} nodes",
                Runbook("Nodes without it offer no GPUs, are cut wrongly or are not watched.",
                        "kubectl -n gpu-operator get pods -o wide, and events there.",
                        "Mostly a driver that does not load: drain and replace the node."))
