"""PodDisruptionBudgets as the eviction API counts them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gpuplane.graph.resource_view import ResourceView, Unknown


@dataclass(frozen=True)
class DisruptionBudget:
    """One budget; exactly one of the two bounds is written, as a number or a percentage."""

    view: ResourceView
    max_unavailable: Any
    min_available: Any

    @property
    def field(self) -> str:
        """Path of the bound."""
        return "spec.minAvailable" if self.max_unavailable is None else "spec.maxUnavailable"

    @property
    def said(self) -> str:
        """The bound in its own words."""
        return f"minAvailable {self.min_available}" if self.max_unavailable is None else f"maxUnavailable {self.max_unavailable}"

    @property
    def unknown(self) -> bool:
        """Whether only apply can know the bound."""
        return any(isinstance(value, Unknown) for value in (self.max_unavailable, self.min_available))

    def evictable(self, pods: int) -> int | None:
        """Of so many healthy pods, how many may be evicted at once; None where there is no bound that can be read.

        Percentages are rounded up, of both bounds (``GetScaledValueFromIntOrPercent`` in the disruption controller).
        """
        if self.max_unavailable is not None:
            return _scaled(self.max_unavailable, pods)
        least = _scaled(self.min_available, pods)
        return None if least is None else max(pods - least, 0)

    @property
    def smallest(self) -> int | None:
        """Fewest pods of which one may be evicted, whatever they are; None where there is no such number."""
        if self.max_unavailable is not None:
            return 1 if _scaled(self.max_unavailable, 1) else None
        share = _percent(self.min_available)
        if share is None:
            least = _scaled(self.min_available, 1)
            return None if least is None else least + 1
        return None if share >= 100 else math.ceil(100 / (100 - share))


def budget_of(view: ResourceView) -> DisruptionBudget:
    """What a PodDisruptionBudget says."""
    return DisruptionBudget(view, view.get("spec", "maxUnavailable"), view.get("spec", "minAvailable"))


def _percent(bound: Any) -> Decimal | None:
    text = str(bound).strip()
    return Decimal(text[:-1]) if text.endswith("%") and text[:-1].isdecimal() else None


def _scaled(bound: Any, pods: int) -> int | None:
    share = _percent(bound)
    if share is not None:
        return math.ceil(share * pods / 100)
    text = str(bound).strip()
    return int(text) if not isinstance(bound, bool) and text.isdecimal() else None
