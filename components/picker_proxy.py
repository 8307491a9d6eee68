"""An Envoy of a service's own before its endpoint picker, so that whatever calls a Service comes to the replica that is picked.

Gateways that ask pickers themselves send a route to one InferencePool and to nothing beside it (Envoy AI Gateway v1.1.0,
``ai_gateway_route.go`` and ``post_route_modify.go``): no canary, no fallback; and graphs and pods of the namespace would go round the
picker. Behind this proxy a picker is a backend like any other. It is llm-d's standalone proxy (llm-d-router v0.9.0,
``config/charts/llm-d-router-standalone``, proxy mode ``service``), and takes off requests what only the picker may say.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import pulumi

from gpuplane.components.inference_service import DEREGISTRATION_SECONDS, LEAVING_SECONDS
from gpuplane.components.kubernetes_object import KubernetesObject, Manifest, child_options, metadata
from gpuplane.components.model_storage import RESTRICTED
from gpuplane.spec.kserve_names import PICKER_PORT, PICKER_SERVICE_SUFFIX, PROXY_PORT, PROXY_SUFFIX
from gpuplane.spec.vocabulary import SOURCE, TENANT

DESTINATION = "x-gateway-destination-endpoint"
PICKERS_OWN = (DESTINATION, f"{DESTINATION}-subset", "x-prefiller-host-port", "x-encoder-hosts-ports", "x-data-parallel-host-port")
"""Headers by which the picker says where a request goes (llm-d-router v0.9.0, ``pkg/epp/metadata`` and ``pkg/common/routing``): whoever
could send them himself would choose the pod, or an address outside the pool."""
READY_PORT = 19001
RUN_AS = 65532
"""User and group; Envoy needs none of its own."""
_NAME, _FILE, _FOLDER = "envoy", "envoy.json", "/etc/envoy"
_ENVOY = "type.googleapis.com/envoy"


@dataclass(frozen=True)
class PickerProxyArgs:
    """The proxy of one service.

    Attributes:
        service, namespace: of the LLMInferenceService.
        image: Envoy, by digest.
        replicas: of the proxy.
        cpu_millicores, memory_mib: of one of them.
        request_seconds: longest time from request to the end of the answer.
        stream_idle_seconds: longest silence.
        source: document that asked for it, for reports.
    """

    service: str
    namespace: str
    image: str
    replicas: int = 2
    cpu_millicores: int = 1000
    memory_mib: int = 1024
    request_seconds: int = 300
    stream_idle_seconds: int = 300
    source: str = ""

    @property
    def name(self) -> str:
        """Of its objects."""
        return self.service + PROXY_SUFFIX

    @property
    def labels(self) -> dict[str, str]:
        """Of its pods."""
        return {"app.kubernetes.io/name": self.name, "app.kubernetes.io/component": "picker-proxy"}


class PickerProxy(pulumi.ComponentResource):
    """ConfigMap, Deployment, Service and PodDisruptionBudget."""

    def __init__(self, name: str, args: PickerProxyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:PickerProxy", name, {"service": args.service, "namespace": args.namespace}, opts)
        for manifest in manifests(args):
            KubernetesObject(f"{args.namespace}-{args.name}", manifest, child_options(self, opts))
        self.register_outputs({"name": args.name})


def manifests(args: PickerProxyArgs) -> tuple[Manifest, ...]:
    """Its objects, as their APIs take them."""
    text = json.dumps(bootstrap(args), indent=1, sort_keys=True) + "\n"
    named = metadata(args.name, args.namespace, {TENANT: args.namespace, **args.labels}, {SOURCE: args.source} if args.source else None)
    selector = {"matchLabels": args.labels}
    # Pods read their configuration when they start: another one is another pod.
    digest = {"gpuplane.dev/configuration": hashlib.sha256(text.encode()).hexdigest()[:16]}
    pods = {"metadata": {"labels": {TENANT: args.namespace, **args.labels}, "annotations": digest}, "spec": _pod(args)}
    return (
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named, "data": {_FILE: text}},
        {"apiVersion": "v1", "kind": "Service", "metadata": named, "spec": {
            "selector": args.labels, "ports": [{"name": "http", "port": PROXY_PORT, "targetPort": PROXY_PORT, "protocol": "TCP"}]}},
        {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": named, "spec": {
            "maxUnavailable": 1, "selector": selector, "unhealthyPodEvictionPolicy": "AlwaysAllow"}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": named, "spec": {
            "replicas": args.replicas, "selector": selector, "strategy": {"type": "RollingUpdate", "rollingUpdate": {
                "maxSurge": 1, "maxUnavailable": 0}}, "template": pods}})


def _pod(args: PickerProxyArgs) -> dict[str, Any]:
    amounts = {"cpu": f"{args.cpu_millicores}m" if args.cpu_millicores % 1000 else str(args.cpu_millicores // 1000),
               "memory": f"{args.memory_mib}Mi" if args.memory_mib % 1024 else f"{args.memory_mib // 1024}Gi"}
    drained = DEREGISTRATION_SECONDS + args.request_seconds
    probe = {"httpGet": {"path": "/ready", "port": READY_PORT}, "periodSeconds": 5}
    return {
        "automountServiceAccountToken": False, "enableServiceLinks": False,
        "terminationGracePeriodSeconds": drained + LEAVING_SECONDS,
        "securityContext": {"runAsNonRoot": True, "runAsUser": RUN_AS, "runAsGroup": RUN_AS, "seccompProfile": {"type": "RuntimeDefault"}},
        "topologySpreadConstraints": [{
            "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": args.labels}}],
        "containers": [{
            "name": _NAME, "image": args.image, "command": [_NAME],
            "args": ["--config-path", f"{_FOLDER}/{_FILE}", "--log-level", "warn",
                     "--concurrency", str(max(1, args.cpu_millicores // 1000))],
            "ports": [{"name": "http", "containerPort": PROXY_PORT, "protocol": "TCP"},
                      {"name": "ready", "containerPort": READY_PORT, "protocol": "TCP"}],
            "resources": {"requests": amounts, "limits": dict(amounts)},
            "readinessProbe": probe, "livenessProbe": {**probe, "periodSeconds": 20},
            # Envoy drops its requests when it is told to stop, so they are waited for first.
            "lifecycle": {"preStop": {"sleep": {"seconds": drained}}},
            "securityContext": {**RESTRICTED, "readOnlyRootFilesystem": True},
            "volumeMounts": [{"name": "configuration", "mountPath": _FOLDER, "readOnly": True}]}],
        "volumes": [{"name": "configuration", "configMap": {"name": args.name}}]}


def bootstrap(args: PickerProxyArgs) -> dict[str, Any]:
    """Envoy's configuration; no administration port."""
    listeners = [_listener("requests", PROXY_PORT, _connections(args)), _listener("ready", READY_PORT, _readiness())]
    return {"static_resources": {"listeners": listeners, "clusters": [_picked(), _picker(args)]}}


def _listener(name: str, port: int, manager: dict[str, Any]) -> dict[str, Any]:
    kind = f"{_ENVOY}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    manager = {"@type": kind, "stat_prefix": name, **manager}
    return {"name": name, "address": {"socket_address": {"address": "0.0.0.0", "port_value": port}},  # noqa: S104 a pod's own
            "per_connection_buffer_limit_bytes": 32768,
            "filter_chains": [{"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}]}


def _filters(name: str, kind: str, **config: Any) -> list[dict[str, Any]]:
    router = f"{_ENVOY}.extensions.filters.http.router.v3.Router"
    return [{"name": f"envoy.filters.http.{name}", "typed_config": {"@type": f"{_ENVOY}.extensions.filters.http.{kind}", **config}},
            {"name": "envoy.filters.http.router", "typed_config": {"@type": router, "suppress_envoy_headers": True}}]


def _connections(args: PickerProxyArgs) -> dict[str, Any]:
    """Each request is shown to the picker, head and body, and goes where it says; its answer passes the picker, which counts tokens."""
    mutation = f"{_ENVOY}.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"
    modes = {"request_header_mode": "SEND", "response_header_mode": "SEND", "request_body_mode": "FULL_DUPLEX_STREAMED",
             "response_body_mode": "FULL_DUPLEX_STREAMED", "request_trailer_mode": "SEND", "response_trailer_mode": "SEND"}
    route = {"match": {"prefix": "/"}, "route": {"cluster": "picked", "timeout": f"{args.request_seconds}s"}}
    return {
        # Before anything reads them: behind the picker the same names hold what it said.
        "early_header_mutation_extensions": [{"name": "envoy.http.early_header_mutation.header_mutation", "typed_config": {
            "@type": mutation, "mutations": [{"remove": header} for header in PICKERS_OWN]}}],
        "stream_idle_timeout": f"{args.stream_idle_seconds}s", "normalize_path": True, "merge_slashes": True,
        "route_config": {"name": "requests", "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        # Without the picker nothing is answered: whom to send to is nobody else's to say.
        "http_filters": _filters("ext_proc", "ext_proc.v3.ExternalProcessor", failure_mode_allow=False, processing_mode=modes,
                                 message_timeout=f"{args.request_seconds}s",
                                 grpc_service={"envoy_grpc": {"cluster_name": "picker"}, "timeout": "10s"})}


def _readiness() -> dict[str, Any]:
    return {"route_config": {"name": "ready", "virtual_hosts": []}, "http_filters": _filters(
        "health_check", "health_check.v3.HealthCheck", pass_through_mode=False,
        headers=[{"name": ":path", "string_match": {"exact": "/ready"}}])}


_MOST = {"max_connections": 40000, "max_pending_requests": 40000, "max_requests": 40000}
"""The route before it has the circuit breakers; these only stay out of the way."""


def _picked() -> dict[str, Any]:
    return {"name": "picked", "type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED", "connect_timeout": "10s",
            "circuit_breakers": {"thresholds": [_MOST]},
            "original_dst_lb_config": {"use_http_header": True, "http_header_name": DESTINATION}}


def _picker(args: PickerProxyArgs) -> dict[str, Any]:
    """The picker's Service. It answers by TLS with a certificate that it makes itself when it starts, so that there is none to hold it to
    (llm-d-router v0.9.0 ``--secure-serving``); gateways that ask pickers do the same."""
    host = f"{args.service}{PICKER_SERVICE_SUFFIX}.{args.namespace}.svc.cluster.local"
    endpoint = {"endpoint": {"address": {"socket_address": {"address": host, "port_value": PICKER_PORT}}}}
    return {"name": "picker", "type": "STRICT_DNS", "lb_policy": "LEAST_REQUEST", "connect_timeout": "10s",
            "circuit_breakers": {"thresholds": [_MOST]},
            "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": {
                "@type": f"{_ENVOY}.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
                "common_tls_context": {"alpn_protocols": ["h2"]}}},
            "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{_ENVOY}.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {}}}},
            "load_assignment": {"cluster_name": "picker", "endpoints": [{"lb_endpoints": [endpoint]}]}}
