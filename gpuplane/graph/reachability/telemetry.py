"""Traces, logged payloads and metrics: where a tenant's are sent, who collects them, and whether it can be told whose they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gpuplane.graph.command_lines import environment, flags
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer
from gpuplane.graph.reachability.edges import Edge, Maker, Medium, Party, maker, outside, platform, tenant
from gpuplane.graph.reachability.endpoints import namespace_of, urls
from gpuplane.graph.reachability.tenant_pods import TenantPods, tenant_pods
from gpuplane.graph.resource_view import ResourceView, items, lookup
from gpuplane.graph.tenancy import home, tenants_of_namespaces

_TRACE_FLAGS = ("otlp-traces-endpoint", "trace-config")
_TRACE_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT")
_WHOSE = ("service.namespace=", "k8s.namespace.name=", "tenant=", "tenant.id=")
_BY_TENANT = "by design: each span says whose it is"
_SINK = "by design: the platform's own sink; PII-06 judges what may be logged"


def telemetry_edges(graph: PlannedGraph) -> Iterator[Edge]:
    """Where traces and payloads go, and monitors that look into other namespaces."""
    tenants = tenants_of_namespaces(graph)
    for pods in tenant_pods(graph):
        for container in pods.template.containers:
            yield from _traces(graph, pods, container, tenants)
        url = lookup(pods.template.spec, "logger", "url")
        for _, host in urls(url) if isinstance(url, str) else ():
            by = maker(pods.view, f"{pods.template.path}.logger.url")
            yield from _sent("logged requests and answers", host, pods, by, tenants, _SINK)
    for view in graph.objects("PodMonitor", "ServiceMonitor"):
        yield from _monitors(view, tenants)


def _traces(graph: PlannedGraph, pods: TenantPods, container: PodContainer, tenants: Mapping[str, str]) -> Iterator[Edge]:
    said, told = flags(container), environment(graph, pods.view, container)
    ends = [said[name] for name in _TRACE_FLAGS if name in said] + [told[name] for name in _TRACE_VARIABLES if name in told]
    ends += [each for each in (str(item) for item in items(container.spec.get("args"))) if "opentelemetry,url=" in each]
    whose = any(f"{key}{pods.tenant}" in told.get("OTEL_RESOURCE_ATTRIBUTES", "").split(",") for key in _WHOSE)
    for host in sorted({host for end in ends for _, host in urls(end if "://" in end else f"otlp://{end}")}):
        yield from _sent("traces", host, pods, maker(pods.view, f"{container.path}.env"), tenants, _BY_TENANT if whose else "")


def _sent(what: str, host: str, pods: TenantPods, by: Maker, tenants: Mapping[str, str], allowed: str) -> Iterator[Edge]:
    """Who gets what a tenant sends: another tenant reaches it there; the platform may, where it is told whose it is."""
    namespace = namespace_of(host, home(pods.view))
    whose = tenants.get(namespace or "")
    if whose == pods.tenant:
        return
    if whose is not None:
        yield Edge(Medium.TELEMETRY, tenant(whose), tenant(pods.tenant), f"{what} of {pods.view} go to {host} of tenant {whose}", (by,))
        return
    end: Party = platform(f"namespace {namespace}") if namespace is not None else outside(host.partition(":")[0])
    lacking = "" if allowed else ", and do not say whose they are: who may see one tenant's there sees all"
    yield Edge(Medium.TELEMETRY, tenant(pods.tenant), end, f"{what} of {pods.view} go to {host}{lacking}", (by,), allowed=allowed)


def _monitors(view: ResourceView, tenants: Mapping[str, str]) -> Iterator[Edge]:
    """A tenant's own monitor that selects pods of others."""
    own, selector = tenants.get(home(view)), view.get("spec", "namespaceSelector")
    if own is None:
        return
    named = set(tenants) if lookup(selector, "any") is True else {str(each) for each in items(lookup(selector, "matchNames"))}
    for target in sorted({tenants[name] for name in named if name in tenants} - {own}):
        yield Edge(Medium.TELEMETRY, tenant(own), tenant(target), f"{view} collects metrics of tenant {target}",
                   (maker(view, "spec.namespaceSelector"),))
