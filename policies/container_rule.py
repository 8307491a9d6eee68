"""A rule about containers and their pods: over every pod template of every kind, with what only apply can know made a finding."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer, PodTemplate
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.graph.serving_runtimes import effective_templates
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Rule


class PodRule(Rule):
    """A rule that looks at one pod template at a time; a subclass says what breaks it."""

    scope = "object"
    effective: ClassVar[bool] = True
    """Whether a model is judged with what its ServingRuntime adds (what must be set), or as it is written (what must not be)."""

    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        for view, written in graph.pods:
            for template in effective_templates(graph, view) if self.effective else written:
                for path in template.unknown:
                    yield self.unknown(graph, view, f"The containers of {view} are only known after apply.", path)
                yield from self.pod(graph, view, template)

    @abstractmethod
    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        """Findings about one pod template."""


    def doubt(self, graph: PlannedGraph, view: ResourceView, what: str, field: str, *values: object) -> Iterator[Finding]:
        """An unknown verdict where one of ``values`` is only known after apply; ``what`` starts the sentence."""
        if any(isinstance(value, Unknown) for value in values):
            yield self.unknown(graph, view, f"{what} of {view} is only known after apply.", field)


class ContainerRule(PodRule):
    """A rule that looks at one container at a time: init and ephemeral ones too."""

    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        for container in template.containers:
            yield from self.container(graph, view, template, container)

    @abstractmethod
    def container(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        """Findings about one container."""
