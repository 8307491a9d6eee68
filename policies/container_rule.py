"""A rule about containers and their pods: over every pod template of every kind, with what only apply can know made a finding."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Literal

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import PodContainer, PodTemplate, is_patch
from gpuplane.graph.resource_view import ResourceView, Unknown, unknowns
from gpuplane.graph.security_context import Setting, on_windows
from gpuplane.graph.serving_runtimes import effective_templates
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Rule


class PodRule(Rule):
    """A rule that looks at one pod template at a time; a subclass says what breaks it."""

    scope: ClassVar[Literal["object", "platform"]] = "object"
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

    def forbid(self, graph: PlannedGraph, view: ResourceView, settings: Iterable[Setting], wrong: Callable[[Any], str]) -> Iterator[Finding]:
        """A finding for each setting of which ``wrong`` says what it does ("adds SYS_ADMIN"), and for each that is only known after apply."""
        for setting in settings:
            if next(unknowns(setting.value), None):
                yield self.unknown(graph, view, f"{setting.who} of {view}: {setting.path} is only known after apply.", setting.path)
            if not isinstance(setting.value, Unknown) and (what := wrong(setting.value)):
                yield self.fail(graph, view, f"{setting.who} of {view} {what}.", setting.path)

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


class RequiredSettingRule(ContainerRule):
    """A rule that wants something set in every container; what only patches a container of another object is not asked for it."""

    on_windows: ClassVar[bool] = False
    """Whether pods that say that they run on Windows are asked for it; most settings of Linux may not be written there."""

    def pod(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate) -> Iterator[Finding]:
        if self.on_windows or not on_windows(template):
            yield from super().pod(graph, view, template)

    def container(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        if not is_patch(view, container):
            yield from self.required(graph, view, template, container)

    @abstractmethod
    def required(self, graph: PlannedGraph, view: ResourceView, template: PodTemplate, container: PodContainer) -> Iterator[Finding]:
        """Findings about what one container does not set."""

    def demand(self, graph: PlannedGraph, view: ResourceView, container: PodContainer, setting: Setting | None, wanted: Any,
               field: str) -> Iterator[Finding]:
        """A finding where the setting is not ``wanted``: written otherwise, left out, or only known after apply."""
        value = setting.value if setting else None
        path = setting.path if setting else f"{container.path}.securityContext.{field}"
        if isinstance(value, Unknown):
            yield self.unknown(graph, view, f"Container {container.name} of {view}: {path} is only known after apply.", path)
        elif value is not wanted:
            yield self.fail(graph, view, f"Container {container.name} of {view} does not set securityContext.{field} to "
                                         f"{str(wanted).lower()}.", path)
