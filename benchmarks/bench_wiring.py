"""The wiring proof over a platform of many tenants: how long all links take, and whether that is linear."""

from __future__ import annotations

import time

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.graph.wiring import Relation, links

SERVICES = 3


def platform(tenants: int) -> list[ResourceView]:
    """Tenants with three services each, wired from route to alert."""
    views = [_view("Gateway", "gateway.networking.k8s.io/v1", "public", "gateway-system", {"spec": {"listeners": [
        {"name": "https", "port": 443, "protocol": "HTTPS", "allowedRoutes": {"namespaces": {"from": "All"}}}]}})]
    for number in range(tenants):
        views += _tenant(f"tenant-{number}")
    return views


def main() -> None:
    for tenants in (250, 500, 1000):
        graph = PlannedGraph(platform(tenants))
        before = time.perf_counter()
        count = sum(len(links(graph, relation)) for relation in Relation)
        print(f"{tenants} tenants, {len(graph.resources)} objects, {count} links: {time.perf_counter() - before:.2f} s")


def _tenant(tenant: str) -> list[ResourceView]:
    views = [
        _view("Namespace", "v1", tenant, "", {"metadata": {"name": tenant, "labels": {"gpuplane.dev/tenant": tenant}}}),
        _view("ServiceAccount", "v1", "model-server", tenant, {}),
        _view("LocalQueue", "kueue.x-k8s.io/v1beta2", "gpu", tenant, {"spec": {"clusterQueue": tenant}}),
        _view("ClusterQueue", "kueue.x-k8s.io/v1beta2", tenant, "", {"spec": {
            "namespaceSelector": {"matchLabels": {"gpuplane.dev/tenant": tenant}}, "resourceGroups": [
                {"coveredResources": ["nvidia.com/gpu"], "flavors": [{"name": "h100", "resources": [{"name": "nvidia.com/gpu"}]}]}]}}),
        _view("NetworkPolicy", "networking.k8s.io/v1", "allow", tenant, {"spec": {"podSelector": {}, "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"namespaceSelector": {}}], "ports": [{"port": 8080}]}]}}),
        _view("PodMonitor", "monitoring.coreos.com/v1", "models", tenant, {"spec": {
            "selector": {"matchExpressions": [{"key": "serving.kserve.io/inferenceservice", "operator": "Exists"}]},
            "podMetricsEndpoints": [{"portNumber": 8080}]}})]
    for service in (f"chat-{number}" for number in range(SERVICES)):
        query = f'sum(vllm:num_requests_waiting{{namespace="{tenant}", model_name="{service}"}})'
        views += [
            _view("InferenceService", "serving.kserve.io/v1beta1", service, tenant, {
                "metadata": {"name": service, "namespace": tenant, "labels": {"kueue.x-k8s.io/queue-name": "gpu"}},
                "spec": {"predictor": {"serviceAccountName": "model-server", "model": {
                    "modelFormat": {"name": "vLLM"}, "image": "vllm/vllm-openai", "storageUri": "hf://Qwen/Qwen3-8B",
                    "args": ["--port=8080", f"--served-model-name={service}"], "resources": {"limits": {"nvidia.com/gpu": "1"}}}}}}),
            _view("HTTPRoute", "gateway.networking.k8s.io/v1", service, tenant, {"spec": {
                "parentRefs": [{"name": "public", "namespace": "gateway-system"}],
                "rules": [{"backendRefs": [{"name": f"{service}-predictor", "port": 80}]}]}}),
            _view("ScaledObject", "keda.sh/v1alpha1", service, tenant, {"spec": {
                "scaleTargetRef": {"name": f"{service}-predictor"},
                "triggers": [{"type": "prometheus", "metadata": {"query": query, "threshold": "5"}}]}}),
            _view("PrometheusRule", "monitoring.coreos.com/v1", service, tenant, {"spec": {"groups": [
                {"name": service, "rules": [{"alert": "Waiting", "expr": f"{query} > 10"}]}]}})]
    return views


def _view(kind: str, api_version: str, name: str, namespace: str, props: dict[str, object]) -> ResourceView:
    whole = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **props}
    return ResourceView(urn=f"{kind}/{namespace}/{name}", api_version=api_version, kind=kind, name=name, namespace=namespace, props=whole)


if __name__ == "__main__":
    main()
