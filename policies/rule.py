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

Sight = Literal["tenant", "outlines", "everything"]
"""What of other tenants a rule looks at where it judges one: nothing, what :mod:`gpuplane.graph.outlines` leaves of them, or everything.

One that looks at nothing says no more of what is of no tenant where there are more tenants; one that looks at outlines says nothing of what
they lack. Tests try it on all examples and environments (docs/adr/0042).
"""


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
    looks_at: ClassVar[Sight] = "everything"
    """What a preview has to show it, beside what is of no tenant, to hear what it says of a tenant; of scope ``object``, nothing else."""
    asks_for_secrecy: ClassVar[bool] = False
    """Whether it asks if a value is kept secret. A policy pack cannot tell, for the SDK hands it secrets in the clear: the gate before
    it judges such a rule."""
    admission: ClassVar[tuple[Admission, ...]] = ()
    """The rule in CEL, for the part that one object decides: the API server's backstop is written from it."""
    PASSES: ClassVar[tuple[Example, ...]]
    FAILS: ClassVar[tuple[Example, ...]]

    @property
    def sight(self) -> Sight:
        """What it looks at: a rule of scope ``object`` at no more than the tenant."""
        return "tenant" if self.scope == "object" else self.looks_at

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
        for path in paths if not view.is_told else ():
            for at, _ in unknowns(view.get(*path.split(".")), path):
                yield self.unknown(graph, view, f"{what} of {view} is only known after apply.", at)

    def _finding(self, graph: PlannedGraph, view: ResourceView, message: str, field: str, verdict: Verdict) -> Finding:
        return Finding(
            rule=self.id, severity=self.severity, verdict=verdict, message=message, remedy=self.remedy,
            urn=view.urn, kind=view.kind, namespace=view.namespace, name=view.name, field=field,
            tenant=graph.tenant_of(view) or "", file=view.file, line=view.line)
