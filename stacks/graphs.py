"""A tenant's InferenceGraphs as their components."""

from __future__ import annotations

import pulumi

from gpuplane.components.inference_graph import GraphNodeArgs, GraphRouterConfinement, GraphStepArgs, InferenceGraph, InferenceGraphArgs
from gpuplane.spec.environment_spec import EnvironmentSpec, GraphEntry
from gpuplane.spec.inference_graph import GraphStep
from gpuplane.spec.inference_service import InferenceService
from gpuplane.spec.kserve_names import backend_service
from gpuplane.spec.traffic_references import generates


def register_graphs(spec: EnvironmentSpec, tenant: str, options: pulumi.ResourceOptions) -> None:
    """Register a tenant's graphs, after what lets their routers start."""
    graphs = spec.graphs_of(tenant)
    if not graphs:
        return
    confined = GraphRouterConfinement(f"{tenant}-graph-routers", tenant, options)
    ready = pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[confined]))
    for graph in graphs:
        InferenceGraph(f"{tenant}-{graph.document.name}", _graph(spec, graph), ready)


def _graph(spec: EnvironmentSpec, graph: GraphEntry) -> InferenceGraphArgs:
    found = graph.document.spec
    nodes = {name: GraphNodeArgs(node.router_type, tuple(_step(spec, graph, step) for step in node.steps))
             for name, node in found.nodes.items()}
    return InferenceGraphArgs(
        name=graph.document.name, namespace=graph.tenant, nodes=nodes, replicas=found.replicas,
        cpu_millicores=found.resources.cpu_millicores, memory_mib=found.resources.memory_mib,
        timeout_seconds=found.request_timeout_seconds, source=graph.place.relative)


def _step(spec: EnvironmentSpec, graph: GraphEntry, step: GraphStep) -> GraphStepArgs:
    return GraphStepArgs(step.service, step.node, step.weight, step.condition, step.data, step.dependency, _url(spec, graph, step))


def _url(spec: EnvironmentSpec, graph: GraphEntry, step: GraphStep) -> str:
    """Where an LLMInferenceService answers: KServe looks up InferenceServices alone (``inferencegraph/controller.go``, v0.20)."""
    entry = spec.services.get(f"{graph.tenant}/{step.service}")
    if entry is None or isinstance(entry.document, InferenceService):
        return ""
    (name, port), path = backend_service(entry), "chat/completions" if generates(entry.document.spec) else "embeddings"
    return f"http://{name}.{graph.tenant}.svc.cluster.local:{port}/v1/{path}"
