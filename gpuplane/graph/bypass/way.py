"""One way round a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gpuplane.graph.resource_view import ResourceView


@dataclass(frozen=True)
class Way:
    """One way round.

    Attributes:
        kind: which kind of way, as :data:`gpuplane.graph.bypass.KINDS` names it.
        severity: high where a tenant can take it, medium where only the platform's own people or controllers can.
        view: the object that opens it.
        field: where in it.
        message: who or what gets past what, one sentence.
        proof: the steps, each an object with its field and value.
        remedy: what closes it.
    """

    kind: str
    severity: Literal["high", "medium"]
    view: ResourceView
    field: str
    message: str
    proof: tuple[str, ...]
    remedy: str

    @property
    def sort_key(self) -> tuple[object, ...]:
        """Order of reports."""
        return (self.severity != "high", self.view.namespace, self.view.kind, self.view.name, self.field, self.message)
