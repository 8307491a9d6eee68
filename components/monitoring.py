"""What Prometheus scrapes and alerts on: model servers of all tenants, saturation, queues that wait.

Raw KServe Services have no metrics port name to rely on, hence a PodMonitor on the label KServe puts on pods.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, child_options, metadata
from gpuplane.spec.vocabulary import TENANT

API_VERSION = "monitoring.coreos.com/v1"
_SERVICE = "serving.kserve.io/inferenceservice"


@dataclass(frozen=True)
class MonitoringArgs:
    """Namespace of Prometheus, and the labels its selectors ask for."""

    namespace: str = "monitoring"
    labels: Mapping[str, str] = field(default_factory=dict)


class Monitoring(pulumi.ComponentResource):
    """One PodMonitor and one PrometheusRule for all model servers."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:Monitoring", name, {}, opts)
        for kind, spec in (("PodMonitor", _pod_monitor()), ("PrometheusRule", {"groups": _rules()})):
            KubernetesObject("model-servers", {
                "apiVersion": API_VERSION, "kind": kind,
                "metadata": metadata("gpuplane-model-servers", args.namespace, args.labels), "spec": spec}, child_options(self, opts))
        self.register_outputs({})


def _pod_monitor() -> dict[str, Any]:
    return {
        "namespaceSelector": {"any": True},
        "selector": {"matchExpressions": [{"key": _SERVICE, "operator": "Exists"}]},
        "podTargetLabels": [_SERVICE, TENANT],
        "podMetricsEndpoints": [{"portNumber": port, "path": "/metrics", "interval": "15s"} for port in (8080, 8002)],
    }


def _rules() -> list[dict[str, Any]]:
    serving = "by (namespace, model_name)"
    return [
        {"name": "gpuplane-serving", "rules": [
            _alert("KvCacheSaturated", f"max {serving} (vllm:kv_cache_usage_perc) > 0.95", "5m",
                   "KV cache above 95 %: requests wait or are preempted"),
            _alert("RequestsWaiting", f"sum {serving} (vllm:num_requests_waiting) > 10", "5m", "More than 10 requests wait for a slot"),
            {"record": "gpuplane:time_to_first_token_seconds:p95", "expr":
                "histogram_quantile(0.95, sum by (le, namespace, model_name) (rate(vllm:time_to_first_token_seconds_bucket[5m])))"},
        ]},
        {"name": "gpuplane-queues", "rules": [
            _alert("WorkloadsPending", "sum by (cluster_queue) (kueue_pending_workloads) > 0", "30m",
                   "Workloads have waited 30 minutes for GPUs"),
        ]},
    ]


def _alert(name: str, expression: str, after: str, summary: str) -> dict[str, Any]:
    return {"alert": f"Gpuplane{name}", "expr": expression, "for": after, "labels": {"severity": "warning"},
            "annotations": {"summary": summary}}
