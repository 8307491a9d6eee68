"""Graphs of services: what the slowest way through one takes, by what its steps promise, against what the whole may take.

Times of a Sequence add up; of an Ensemble, whose steps run at once, and of a Splitter or Switch, which takes one, the slowest counts.
Adding 99th percentiles is a bound by Boole's inequality, as in :mod:`gpuplane.planning.fleet.pipelines`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from gpuplane.planning.proof import Proof
from gpuplane.planning.refusal import STEPS_OVER_PIPELINE, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec, GraphEntry
from gpuplane.spec.errors import listed
from gpuplane.spec.inference_graph import ROOT

Way = tuple[tuple[str, Decimal], ...]
"""Services in the order that a request takes, and what each promises in milliseconds."""


def slowest_way(spec: EnvironmentSpec, graph: GraphEntry, node: str = ROOT) -> Way:
    """The slowest way from a node, by promises; a service that promises nothing counts as 0, and is refused by itself."""
    found = graph.document.spec.nodes[node]
    ways = [slowest_way(spec, graph, step.node) if step.node is not None else
            ((str(step.service), _promise(spec, graph, step.service)),) for step in found.steps]
    if found.router_type == "Sequence":
        return tuple(part for way in ways for part in way)
    return max(ways, key=_time)


def graph_refusals(spec: EnvironmentSpec) -> Iterator[Refusal]:
    """OB-02 of graphs: steps without a promise, and a slowest way that takes more than the whole may."""
    for graph in spec.graphs.values():
        whole = graph.document.spec.latency_p99_ms
        if whole is None:
            continue
        silent = [name for name in graph.services() if not _promise(spec, graph, name)]
        for name in silent:
            yield refused(
                STEPS_OVER_PIPELINE, graph.place, "spec.latency_p99_ms",
                f"the graph promises {whole:f} ms, and its step {name} promises no latency.",
                f"Give objectives.latency_ms.p99 in services/{graph.tenant}/{name}.yaml.", tenant=graph.tenant)
        way = slowest_way(spec, graph)
        if not silent and _time(way) > whole:
            yield refused(
                STEPS_OVER_PIPELINE, graph.place, "spec.latency_p99_ms",
                f"the slowest way through the graph is {listed(f'{name} {promise:f}' for name, promise in way)}: together "
                f"{_time(way):f} ms, more than the {whole:f} ms that the whole may take.",
                "Lower a step's objectives.latency_ms.p99, or allow the graph more.", f"{_time(way):f} ms", f"{whole:f} ms", graph.tenant)


def graph_proofs(spec: EnvironmentSpec) -> Iterator[Proof]:
    """How each graph's time is divided among the steps of its slowest way."""
    for name, graph in spec.graphs.items():
        whole = graph.document.spec.latency_p99_ms
        if whole is not None:
            way = slowest_way(spec, graph)
            yield Proof(f"graph {name}: time of its slowest way", "sum of latency_ms.p99",
                        tuple((service, f"{promise:f}") for service, promise in way), f"{_time(way):f}", f"ms of {whole:f}")


def _time(way: Way) -> Decimal:
    return sum((promise for _, promise in way), Decimal(0))


def _promise(spec: EnvironmentSpec, graph: GraphEntry, service: str | None) -> Decimal:
    entry = spec.services.get(f"{graph.tenant}/{service}")
    objectives = entry.document.spec.objectives if entry is not None else None
    latency = objectives.latency_ms if objectives is not None else None
    return latency.p99 if latency is not None and latency.p99 is not None else Decimal(0)
