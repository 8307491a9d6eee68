"""When an object is healthy, for engines that do not know its kind: in Lua for Argo CD, in CEL for Flux, from one table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.resources import files

from gpuplane.spec.vocabulary import KSERVE, KSERVE_LLM, KSERVE_RUNTIME, KUEUE


@dataclass(frozen=True)
class Health:
    """The health of a kind.

    Attributes:
        api_version, kind: of the objects.
        script: file of ``health/`` in Lua.
        condition: type of the condition that says it.
        is_final: whether False is a failure; otherwise it is only not there yet.
    """

    api_version: str
    kind: str
    script: str
    condition: str
    is_final: bool = False

    @property
    def group(self) -> str:
        """API group."""
        return self.api_version.rpartition("/")[0]

    @property
    def lua(self) -> str:
        """The check as Argo CD runs it, with the object as ``obj``."""
        text = (files("gpuplane.delivery.handoff") / "health" / self.script).read_text(encoding="utf-8")
        return text.replace("@CONDITION@", self.condition).replace("@FALSE@", "Degraded" if self.is_final else "Progressing")

    @property
    def cel(self) -> dict[str, str]:
        """The check as Flux runs it (``healthCheckExprs``): ``current`` and, where False is final, ``failed``."""
        found = {"apiVersion": self.api_version, "kind": self.kind, "current": self._is("True")}
        return {**found, "failed": self._is("False")} if self.is_final else found

    def _is(self, status: str) -> str:
        return f"has(status.conditions) && status.conditions.exists(e, e.type == '{self.condition}' && e.status == '{status}')"


HEALTH: tuple[Health, ...] = (
    Health(KUEUE, "AdmissionCheck", "condition.lua", "Active", is_final=True),
    Health(KUEUE, "ClusterQueue", "queue.lua", "Active", is_final=True),
    Health(KUEUE, "LocalQueue", "queue.lua", "Active", is_final=True),
    Health(KSERVE_RUNTIME, "InferenceGraph", "condition.lua", "Ready"),
    Health(KSERVE, "InferenceService", "inference_service.lua", "Ready"),
    Health(KSERVE_LLM, "LLMInferenceService", "condition.lua", "Ready"),
)
"""KServe's and Kueue's kinds that have a status to wait for, sorted by kind's place."""


def argo_customizations() -> Mapping[str, str]:
    """Keys of ``argocd-cm``: the health of KServe's and Kueue's kinds, and of Applications within Applications."""
    found = {f"resource.customizations.health.{each.group}_{each.kind}": each.lua for each in HEALTH}
    script = (files("gpuplane.delivery.handoff") / "health" / "application.lua").read_text(encoding="utf-8")
    return dict(sorted({**found, "resource.customizations.health.argoproj.io_Application": script}.items()))


def flux_expressions(kinds: Collection[tuple[str, str]]) -> list[dict[str, str]]:
    """``healthCheckExprs`` for those of these kinds (apiVersion, kind) that need one."""
    return [each.cel for each in HEALTH if (each.api_version, each.kind) in kinds]
