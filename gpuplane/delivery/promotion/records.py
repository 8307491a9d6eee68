"""The one place where promotions, rollbacks and approvals become events of the audit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal

from gpuplane.delivery.audit import AuditEvent, append
from gpuplane.delivery.audit.event import Json
from gpuplane.delivery.audit.log import VARIABLE
from gpuplane.delivery.command_line import say
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.promotion.report import MoveReport
from gpuplane.delivery.promotion.world import World
from gpuplane.spec.environment_spec import EnvironmentSpec


def record(world: World, report: MoveReport) -> None:
    """Note a promotion or rollback, proposed on a branch or refused."""
    spec = world.environment(report.target)
    kind: Literal["promotion", "rollback"] = "promotion" if report.action == "promote" else "rollback"
    commits = {"base": f"git:{report.base}", **({"commit": f"git:{report.commit}"} if report.commit else {})}
    for move in report.moves:
        own = [gate for gate in report.gates if gate.service in ("", move.service)]
        rests_on = sorted({digest for gate in own for digest in gate.evidence})
        evidence = {f"evidence-{index + 1}": digest for index, digest in enumerate(rests_on)}
        detail: dict[str, Json] = {
            "from": report.source, "branch": report.branch, "verdict": report.verdict, "now": report.now,
            "gates": {f"{index + 1} {gate.gate}": f"{gate.state}: {gate.said}" for index, gate in enumerate(own)}}
        _append(spec, AuditEvent(kind, report.target, move.service, "proposed" if report.commit else "refused",
                                 {**commits, "before": move.before, "after": move.after, **evidence}, detail))


def record_approval(spec: EnvironmentSpec, service: str, release: str, document: str, who: str) -> None:
    """Note that an approval was written; it counts once its commit is there."""
    _append(spec, AuditEvent("approval", spec.name, service, "written", {"release": release, "document": document}, {"approved_by": who}))


def is_kept(spec: EnvironmentSpec, variables: Mapping[str, str]) -> bool:
    """Whether somebody said where records go: a promotion is planned on laptops and forks too, which have no backend."""
    return bool(variables.get(VARIABLE) or variables.get("PULUMI_BACKEND_URL") or spec.environment.spec.state_backend)


def _append(spec: EnvironmentSpec, event: AuditEvent) -> None:
    """A branch that is there stands in git as well, so that an audit out of reach is said and stops nothing."""
    if not is_kept(spec, os.environ):
        return
    try:
        append(spec, event)
    except CannotStart as error:
        say(f"not in the audit: {error}")
