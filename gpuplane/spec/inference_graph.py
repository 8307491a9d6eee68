"""``kind: InferenceGraph``: services of one tenant that answer a request together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.model import DnsLabel, Document, OneOf, Positive, SpecModel

ROOT = "root"
"""The node that a request comes to first (KServe)."""


class GraphStep(OneOf):
    """One step of a node: a service, or another node."""

    ONE_OF = ("service", "node")

    service: DnsLabel | None = None
    """An InferenceService of the same tenant."""
    node: DnsLabel | None = None
    """Another node of this graph."""
    weight: Annotated[int | None, Field(ge=0, le=100)] = None
    """Of 100 requests, how many a Splitter sends here."""
    condition: Annotated[str | None, Field(min_length=1, max_length=400)] = None
    """A Switch takes the first step whose condition the request meets (GJSON path), e.g. ``language==de``."""
    data: Literal["$request", "$response"] | None = None
    """What a step of a Sequence is given: what came in, or what the step before it answered."""
    dependency: Literal["Soft", "Hard"] | None = None
    """Hard: the graph fails with this step; left out, KServe's Soft: its error is handed on."""


class GraphNode(SpecModel):
    """A node: how a request goes through its steps."""

    router_type: Literal["Sequence", "Splitter", "Ensemble", "Switch"]
    """One after another, one by weight, all at once, or the first whose condition holds."""
    steps: Annotated[tuple[GraphStep, ...], Field(min_length=1, max_length=32)]
    """In their order."""

    @model_validator(mode="after")
    def _steps_belong_to_it(self) -> Self:
        splits, switches = self.router_type == "Splitter", self.router_type == "Switch"
        for index, step in enumerate(self.steps):
            if (step.weight is not None) != splits:
                raise PydanticCustomError("weight", "each step of a Splitter has a weight, and no other step has one",
                                          {"field": ("steps", index, "weight")})
            if (step.condition is not None) != switches:
                raise PydanticCustomError("condition", "each step of a Switch has a condition, and no other step has one",
                                          {"field": ("steps", index, "condition")})
            if step.data is not None and self.router_type != "Sequence":
                raise PydanticCustomError("data", "only steps of a Sequence choose their data", {"field": ("steps", index, "data")})
        total = sum(step.weight or 0 for step in self.steps)
        if splits and total != 100:
            raise PydanticCustomError("weights", "the weights add up to {total}; allowed is exactly 100",
                                      {"total": total, "field": ("steps",)})
        return self


class RouterResources(SpecModel):
    """What one pod of the graph's router takes; it needs no GPU."""

    cpu_millicores: Annotated[int, Field(ge=10, le=64_000)] = 500
    """CPU requested and at most used, in thousandths of a core."""
    memory_mib: Annotated[int, Field(ge=32, le=65_536)] = 512
    """Memory requested and at most used, in MiB."""


class InferenceGraphSpec(SpecModel):
    """Nodes that a request goes through, and what it may take as a whole."""

    nodes: Annotated[dict[DnsLabel, GraphNode], Field(min_length=1, max_length=32)]
    """By name; a request comes to ``root`` first."""
    latency_p99_ms: Positive | None = None
    """What the slowest way through the graph may take; the steps' ``objectives.latency_ms.p99`` have to fit in it."""
    replicas: Annotated[int, Field(ge=1, le=100)] = 1
    """Pods of the router."""
    resources: RouterResources = RouterResources()
    request_timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 300
    """Longest a request may take, through all steps."""

    @model_validator(mode="after")
    def _a_graph_without_cycles(self) -> Self:
        if ROOT not in self.nodes:
            raise PydanticCustomError("root", "there is no node called root, where requests come in", {"field": ("nodes",)})
        for name, node in self.nodes.items():
            for index, step in enumerate(node.steps):
                if step.node is not None and step.node not in self.nodes:
                    raise PydanticCustomError("node", "there is no node {node}; there are: {names}", {
                        "node": step.node, "names": ", ".join(self.nodes), "field": ("nodes", name, "steps", index, "node")})
        cycle = next(self._cycles(ROOT, ()), None)
        if cycle is not None:
            raise PydanticCustomError("cycle", "the nodes form a cycle: {nodes}",
                                      {"nodes": " → ".join(cycle), "field": ("nodes", cycle[-2])})
        idle = sorted(self.nodes.keys() - set(self._reached()))
        if idle:
            raise PydanticCustomError("unreached", "no step leads to the node {node}", {"node": idle[0], "field": ("nodes", idle[0])})
        return self

    def _cycles(self, name: str, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if name in above:
            yield (*above[above.index(name):], name)
            return
        for step in self.nodes[name].steps:
            if step.node is not None:
                yield from self._cycles(step.node, (*above, name))

    def _reached(self) -> list[str]:
        found = [ROOT]
        for name in found:
            found += [step.node for step in self.nodes[name].steps if step.node is not None and step.node not in found]
        return found


class InferenceGraph(Document[Literal["InferenceGraph"], InferenceGraphSpec]):
    """Services of a tenant that answer together (``services/<tenant>/<name>.yaml``), by KServe's InferenceGraph."""
