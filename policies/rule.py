"""What a rule is: metadata, one check over the planned graph, and the examples that are its tests and its docs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, unknowns
from gpuplane.policies.admission import Admission
from gpuplane.policies.finding import Finding, Verdict


@dataclass(frozen=True)
class Example:
    """Manifests that a rule passes or fails.

    Attributes:
        title: what the example shows, a short sentence.
        yaml: one or more Kubernetes documents, as plain text.
        message: part of the message that a failing (or unknown) example must give.
    """

    title: str
    yaml: str
    message: str = ""


class Rule(ABC):
    """One rule of the catalogue. A subclass in ``policies/rules/<area>/`` is registered by being there.

    The docstring of a subclass is the risk in one or two sentences. ``check`` yields nothing for what passes.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    severity: ClassVar[Literal["low", "medium", "high", "critical"]]
    remedy: ClassVar[str]
    references: ClassVar[tuple[str, ...]]
    scope: ClassVar[Literal["object", "platform"]]
    """``object``: judged from one object alone, also while it is being applied; ``platform``: needs the whole graph."""
    context: ClassVar[tuple[str, ...]] = ()
    """Kinds that hold what this rule compares with. A single stack that has none of them (they are in another layer's)
    cannot be judged by it; a whole environment or a set of manifests always is."""
    across_layers: ClassVar[bool] = False
    """Whether it asks for objects that another layer brings, such as the rules that record what an alert reads. A policy pack sees one
    stack, which is one layer, and leaves such a rule to the gate before it, which sees all of them."""
    across_tenants: ClassVar[bool] = True
    """Of scope ``platform``: whether what it says of a tenant's object can follow from another tenant's, or what it says of an object of no
    tenant from a tenant's alone. A preview asks a rule that does not look so far again only about tenants that are not what they were."""
    asks_for_secrecy: ClassVar[bool] = False
    """Whether it asks if a value is kept secret. A policy pack cannot tell, for the SDK hands it secrets in the clear: the gate before
    it judges such a rule."""
    admission: ClassVar[tuple[Admission, ...]] = ()
    """The rule in CEL, for the part that one object decides: the API server's backstop is written from it."""
    PASSES: ClassVar[tuple[Example, ...]]
    FAILS: ClassVar[tuple[Example, ...]]

    @property
    def stays_in_tenants(self) -> bool:
        """Whether what it says of a tenant follows from that tenant and from what is of none."""
        return self.scope == "object" or not self.across_tenants

    @abstractmethod
    def check(self, graph: PlannedGraph) -> Iterator[Finding]:
        """Findings for every resource of the graph that breaks this rule."""

    def fail(self, graph: PlannedGraph, view: ResourceView, message: str, field: str = "") -> Finding:
        """A violation by ``view``."""
        return self._finding(graph, view, message, field, Verdict.FAIL)

    def unknown(self, graph: PlannedGraph, view: ResourceView, message: str, field: str = "") -> Finding:
        """``view`` cannot be judged before apply; it blocks where a violation would."""
        return self._finding(graph, view, message, field, Verdict.UNKNOWN)

    def hidden(self, graph: PlannedGraph, view: ResourceView, what: str, *paths: str) -> Iterator[Finding]:
        """An unknown verdict for everything below these dotted paths that only apply can know; ``what`` starts the sentence."""
        for path in paths:
            for at, _ in unknowns(view.get(*path.split(".")), path):
                yield self.unknown(graph, view, f"{what} of {view} is only known after apply.", at)

    def _finding(self, graph: PlannedGraph, view: ResourceView, message: str, field: str, verdict: Verdict) -> Finding:
        return Finding(
            rule=self.id, severity=self.severity, verdict=verdict, message=message, remedy=self.remedy,
            urn=view.urn, kind=view.kind, namespace=view.namespace, name=view.name, field=field,
            tenant=graph.tenant_of(view) or "", file=view.file, line=view.line)
