"""The gates of promotion as a part of the binding verdict: ``preview --judge`` refuses a release that did not come through them.

A branch that was never asked about its releases would only have to be written by hand. Here nobody has to remember: every route to a
verdict asks, with what ``promote --verify`` asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from gpuplane.catalog import catalog_of
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.preview import Progress
from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.promotion.change import Change
from gpuplane.delivery.promotion.evidence_files import Evidence, read_evidence
from gpuplane.delivery.promotion.promotion import Request, Sides
from gpuplane.delivery.promotion.repository import Repository
from gpuplane.delivery.promotion.verification import answers, brought
from gpuplane.delivery.promotion.world import World, local, moment
from gpuplane.planning import plan
from gpuplane.planning.promotion.applied_gate import Look
from gpuplane.planning.promotion.gate import GateResult
from gpuplane.policies.finding import Finding, Verdict
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.errors import InvalidSpec
from gpuplane.spec.loader import environment_names
from gpuplane.spec.promotion_graph import sources

GATED = "JU-03"
"""Id of the finding that a gate of promotion refuses a release."""


@dataclass(frozen=True)
class Base:
    """The side that judges.

    Attributes:
        folder: its environments.
        ref, commit: what it is called, and its hash.
        spec: the environment there.
    """

    folder: Path
    ref: str
    commit: str
    spec: EnvironmentSpec


def gate_findings(environments: Path, base: Base, wish: EnvironmentSpec, report: PreviewReport, as_of: date, looks: tuple[Look, ...],
                  progress: Progress) -> Iterator[Finding]:
    """One finding for each gate of the base that says no, or cannot know, of a release that this side brings.

    Nothing is read where the base has no gates, or no release differs.

    Args:
        environments: this side's folder, in a work tree; who brought a release is said by the commit that is checked out.
        wish: this side's, with the base's facts.
        report: of that wish.
        looks: what was seen of the environments: drift, and how applies ended.

    Raises:
        InvalidSpec: this side's evidence is wrong.
        CannotStart: the base's sources are.
    """
    rules = base.spec.environment.spec.promotion
    if rules is None:
        return
    repository, nothing = Repository.around(environments, "gates are asked of commits"), Evidence({}, {})
    here = World(repository, repository.commit("HEAD"), environments, {}, nothing)
    moves = brought(here, wish, base.spec)
    if not moves:
        return
    here = replace(here, evidence=read_evidence(environments))
    there = World(repository, base.commit, base.folder, sources(base.folder, environment_names(base.folder)), nothing)
    progress(f"asking the gates of {wish.name} at {base.ref} about {len(moves)} releases")
    before = plan(base.spec, catalog_of(base.spec), as_of)
    change = Change("", before.money.month, report.plan.money.month, (), report.plan)
    request = Request("", wish.name, None, moment(as_of, None), looks)
    try:
        gates = answers(here, there, request, Sides(wish, base.spec, rules, ()), moves, change)
    except InvalidSpec as error:
        said = local(str(error), repository, base.folder)
        raise CannotStart(f"what releases of {wish.name} come from cannot be read at {base.ref}: {said}") from None
    for gate in gates:
        if gate.blocks:
            yield _finding(gate, wish, gate.service or moves[0].service, base.ref)


def _finding(gate: GateResult, wish: EnvironmentSpec, service: str, ref: str) -> Finding:
    entry = wish.services[service]
    verdict, says = (Verdict.FAIL, "refuses") if gate.state == "fail" else (Verdict.UNKNOWN, "cannot know")
    of = f"{gate.service}: " if gate.service else ""
    return Finding(
        rule=GATED, severity="critical", verdict=verdict, kind="Promotion", name=gate.gate, tenant=service.partition("/")[0],
        file=entry.place.file, line=entry.place.line("spec.release"), field="spec.release",
        message=f"Promotion into {wish.name}: the gate {gate.gate} of {ref} {says}: {of}{gate.said}.", remedy=gate.remedy)
