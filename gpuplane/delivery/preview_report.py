"""Everything a preview found, as one frozen value that each output format only prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from gpuplane.delivery.changes import Change, is_real
from gpuplane.delivery.data_record import DataRecord
from gpuplane.delivery.redaction import NO_SECRETS, Redaction
from gpuplane.delivery.reported_views import ReportedViews
from gpuplane.delivery.wiring_figures import ServiceWiring
from gpuplane.graph.reachability import Edge, Matrix
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.planning.upgrade_order import UpgradeStep, upgrade_steps
from gpuplane.policies.finding import JUDGE_CHANGE, Finding, Verdict

if TYPE_CHECKING:
    from gpuplane.delivery.applying.digest import StackDigest

SCHEMA_VERSION = 1
"""Version of the JSON form; it grows by one when a field changes its meaning or goes."""


@dataclass(frozen=True)
class Comparison:
    """The same environment at another git ref.

    Attributes:
        ref: as the user named it.
        commit: what it resolved to; empty where the environment is not there.
        plan: its plan in JSON form; None where it did not exist or could not be read.
        changes: from there to here.
        note: why there is nothing to compare with; empty otherwise.
        edges: who reached whom there; None where that is not known.
    """

    ref: str
    commit: str
    plan: dict[str, Any] | None
    changes: tuple[Change, ...]
    note: str = ""
    edges: tuple[Edge, ...] | None = None

    @property
    def is_unread(self) -> bool:
        """Whether the environment is there, and what is in it is not known."""
        return bool(self.note) and self.edges is None


@dataclass(frozen=True)
class Judge:
    """The git ref whose rules, budgets, facts and exemptions judged: as the user named it, and its commit."""

    ref: str
    commit: str


@dataclass(frozen=True)
class PreviewReport:
    """The result of one offline preview.

    Attributes:
        environment: its name.
        as_of: date that prices and exemptions were judged at.
        plan: facts, proofs and refusals.
        resources: the planned graph, each view with the place of its document.
        findings: rule findings and refusals in one list, located and sorted, blocking ones first.
        rules: ids of all rules that were run.
        verdict: pass, fail or unknown.
        comparison: against another ref; None where none was asked for.
        isolation: who reaches whom.
        records: what is processed for each tenant; files of their own, and no part of the report's.
        redaction: what no output may show.
        wirings: what each service hangs by, in the order of their names.
        judge: the other ref that judged; None where this side did.
        stacks: what an approval of each stack is of.
    """

    environment: str
    as_of: date
    plan: EnvironmentPlan
    resources: Sequence[ResourceView]
    findings: tuple[Finding, ...]
    rules: tuple[str, ...]
    verdict: Verdict
    comparison: Comparison | None = None
    isolation: Matrix = field(default_factory=lambda: Matrix((), ()))
    records: Sequence[DataRecord] = ()
    redaction: Redaction = NO_SECRETS
    wirings: Sequence[ServiceWiring] = ()
    judge: Judge | None = None
    stacks: tuple[StackDigest, ...] = ()

    @property
    def judge_changes(self) -> tuple[Finding, ...]:
        """What this side changes in its judge; it counted for nothing."""
        return tuple(finding for finding in self.findings if finding.rule == JUDGE_CHANGE)

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """Findings that stop an apply."""
        return tuple(finding for finding in self.findings if finding.blocks)

    @property
    def upgrade(self) -> tuple[UpgradeStep, ...]:
        """Versions that change against the other ref, in the order to bring them in."""
        before = (self.comparison.plan or {}).get("versions", {}) if self.comparison is not None else {}
        return upgrade_steps(before, self.plan.versions)

    @property
    def real_resources(self) -> Sequence[ResourceView]:
        """What would exist: no components, no providers."""
        return self.resources.real if isinstance(self.resources, ReportedViews) else tuple(view for view in self.resources if is_real(view))

    @property
    def namespaces(self) -> Sequence[ResourceView]:
        """Namespaces that would exist."""
        views = self.resources.outline if isinstance(self.resources, ReportedViews) else self.resources
        return tuple(view for view in views if view.kind == "Namespace" and view.api_version == "v1")


def sentence(finding: Finding) -> str:
    """One line: place, rule, what and what to do."""
    place = f"{finding.file}:{finding.line}" if finding.line else finding.file
    where = f"{place} " if place else ""
    return f"{where}{finding.rule}: {finding.message} {finding.remedy}".rstrip()


def plain(value: Any) -> Any:
    """A property value as JSON can hold it; what only apply can know says so."""
    if isinstance(value, Unknown):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
