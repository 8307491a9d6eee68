"""What Prometheus scrapes and alerts on for the whole platform: model servers of all tenants, Kueue, GPUs, queues, operators.

Raw KServe Services have no metrics port name to rely on, hence a PodMonitor on the label KServe puts on pods. It gives every series
the labels ``tenant`` and ``service``, which rules and dashboards ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from gpuplane.components.alerts import API_VERSION, Watch, rule_file
from gpuplane.components.kubernetes_object import KubernetesObject, child_options, metadata
from gpuplane.components.platform_rules import Recorded, platform_groups
from gpuplane.spec.kserve_names import LLM_PART_OF, LLM_PORT, PICKER_COMPONENT, PICKER_METRICS_PORT
from gpuplane.spec.vocabulary import TENANT

_SERVICE = "serving.kserve.io/inferenceservice"


@dataclass(frozen=True)
class GatewayProxies:
    """The gateway's proxies: the namespace that they run in, and the labels of their pods."""

    namespace: str
    labels: Mapping[str, str]


@dataclass(frozen=True)
class MonitoringArgs:
    """What is watched.

    Attributes:
        namespace: of Prometheus.
        labels: that its selectors ask for.
        watch: who answers for the platform's alerts.
        deployments: operators that must run: namespace, Deployment, and what happens without it.
        has_gpu_metrics: the GPU Operator's DCGM exporter is scraped.
        recorded: series that services record.
        has_inference_services: InferenceServices run, or will.
        has_llm_services: LLMInferenceServices run: their pods bear other labels, and have their metrics on another port.
        has_endpoint_pickers: endpoint pickers whose metrics are open run: they measure what no pod of theirs sees whole.
        proxies: those of the gateway; None where there is none.
        scrapes_kueue: bring a ServiceMonitor for Kueue; its chart's own bears no label that Prometheus could select it by.
    """

    namespace: str = "monitoring"
    labels: Mapping[str, str] = field(default_factory=dict)
    watch: Watch = field(default_factory=lambda: Watch("platform"))
    deployments: tuple[tuple[str, str, str], ...] = ()
    has_gpu_metrics: bool = True
    recorded: Recorded = field(default_factory=Recorded)
    has_inference_services: bool = True
    has_llm_services: bool = False
    has_endpoint_pickers: bool = False
    scrapes_kueue: bool = True
    proxies: GatewayProxies | None = None


class Monitoring(pulumi.ComponentResource):
    """Monitors and rules of the platform."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:Monitoring", name, {}, opts)
        options = child_options(self, opts)
        monitors = {"model-servers": _pod_monitor()} if args.has_inference_services else {}
        monitors |= {"llm-servers": _llm_pod_monitor()} if args.has_llm_services else {}
        monitors |= {"endpoint-pickers": _picker_monitor()} if args.has_endpoint_pickers else {}
        monitors |= {"gateway-proxies": _proxy_monitor(args.proxies)} if args.proxies is not None else {}
        for kind, spec in monitors.items():
            KubernetesObject(kind, {"apiVersion": API_VERSION, "kind": "PodMonitor",
                                    "metadata": metadata(f"gpuplane-{kind}", args.namespace, args.labels), "spec": spec}, options)
        if args.scrapes_kueue:
            KubernetesObject("kueue", {
                "apiVersion": API_VERSION, "kind": "ServiceMonitor",
                "metadata": metadata("gpuplane-kueue", args.namespace, args.labels), "spec": _kueue_monitor()}, options)
        groups = platform_groups(args.watch, args.deployments, args.has_gpu_metrics, args.recorded,
                                 has_gateway=args.proxies is not None)
        KubernetesObject("platform-rules", rule_file("gpuplane-platform", args.namespace, args.labels, groups), options)
        self.register_outputs({})


def _pod_monitor() -> dict[str, Any]:
    named = [{"sourceLabels": ["__meta_kubernetes_namespace"], "targetLabel": "tenant"},
             {"sourceLabels": ["__meta_kubernetes_pod_label_serving_kserve_io_inferenceservice"], "targetLabel": "service"}]
    # Triton answers on 8080 too, but has no metrics there; its runtime says which port has them.
    elsewhere = {"sourceLabels": ["__meta_kubernetes_pod_annotation_prometheus_kserve_io_port"], "regex": "8002", "action": "drop"}
    return {
        "namespaceSelector": {"any": True},
        "selector": {"matchExpressions": [{"key": _SERVICE, "operator": "Exists"}]},
        "podTargetLabels": [_SERVICE, TENANT],
        "podMetricsEndpoints": [{"portNumber": port, "path": "/metrics", "interval": "15s", "relabelings": [*relabelings, *named]}
                                for port, relabelings in ((8080, [elsewhere]), (8002, []))],
    }


def _llm_pod_monitor() -> dict[str, Any]:
    """Pods that answer requests: a leader for its workers, and those that read prompts under a name of their own.

    KServe v0.20 brings no monitor for them. Without TLS in its configuration they answer by HTTP, which routes of the gateway need too.
    """
    named = [{"sourceLabels": ["__meta_kubernetes_namespace"], "targetLabel": "tenant"},
             {"sourceLabels": ["__meta_kubernetes_pod_label_app_kubernetes_io_name"], "targetLabel": "service"},
             {"sourceLabels": ["__meta_kubernetes_pod_label_app_kubernetes_io_name", "__meta_kubernetes_pod_label_llm_d_ai_role"],
              "regex": "(.+);prefill", "replacement": "${1}-prefill", "targetLabel": "service"}]
    return {
        "namespaceSelector": {"any": True},
        "selector": {"matchLabels": {"app.kubernetes.io/part-of": LLM_PART_OF, "kserve.io/component": "workload"}},
        "podTargetLabels": [TENANT],
        "podMetricsEndpoints": [{"portNumber": LLM_PORT, "path": "/metrics", "interval": "15s", "relabelings": named}],
    }


def _picker_monitor() -> dict[str, Any]:
    """Endpoint pickers; their series bear no label ``service``: that is for pods that answer, whose ``up`` is counted."""
    named = [{"sourceLabels": ["__meta_kubernetes_namespace"], "targetLabel": "tenant"},
             {"sourceLabels": ["__meta_kubernetes_pod_label_app_kubernetes_io_name"], "targetLabel": "picker"}]
    return {
        "namespaceSelector": {"any": True},
        "selector": {"matchLabels": {"app.kubernetes.io/part-of": LLM_PART_OF, "app.kubernetes.io/component": PICKER_COMPONENT}},
        "podMetricsEndpoints": [{"portNumber": PICKER_METRICS_PORT, "path": "/metrics", "interval": "15s", "relabelings": named}],
    }


def _proxy_monitor(proxies: GatewayProxies) -> dict[str, Any]:
    """Envoy's statistics, on the port that Envoy Gateway names so (``internal/infrastructure/kubernetes/proxy``, golden Deployment)."""
    return {
        "namespaceSelector": {"matchNames": [proxies.namespace]},
        "selector": {"matchLabels": dict(proxies.labels)},
        "podMetricsEndpoints": [{"port": "metrics", "path": "/stats/prometheus", "interval": "30s"}],
    }


def _kueue_monitor() -> dict[str, Any]:
    """Kueue's metrics service (``charts/kueue`` v0.19.2); it answers those whose account may get ``/metrics``."""
    token = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 a path, every pod's own
    return {
        "namespaceSelector": {"matchNames": ["kueue-system"]},
        "selector": {"matchLabels": {"app.kubernetes.io/name": "kueue", "app.kubernetes.io/component": "metrics-service"}},
        "endpoints": [{"port": "https", "path": "/metrics", "scheme": "https", "interval": "30s", "bearerTokenFile": token,
                       "tlsConfig": {"insecureSkipVerify": True}}],
    }
