"""Wish to report: load, plan, render, judge. No cluster, no credentials, no network."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from gpuplane.catalog import catalog_of
from gpuplane.delivery.changes import Change
from gpuplane.delivery.chunks import LEAST, beside
from gpuplane.delivery.consequences import Consequences
from gpuplane.delivery.data_record import data_records
from gpuplane.delivery.judged_side import JudgedSide
from gpuplane.delivery.kept_findings import KeptFindings
from gpuplane.delivery.preview_report import Comparison, PreviewReport
from gpuplane.delivery.redaction import SECRETS, redaction_of
from gpuplane.delivery.renderable import require_renderable
from gpuplane.delivery.shared_judging import with_others
from gpuplane.delivery.spec_documents import document_views
from gpuplane.delivery.tenant_renders import TenantRenders
from gpuplane.delivery.wiring_figures import service_wirings
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability import matrix
from gpuplane.planning import plan
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.planning.later import Later
from gpuplane.planning.money.increase import increase_refusals
from gpuplane.planning.money.month import LEVELS, Month
from gpuplane.planning.refusal import RULES as PLANNED_RULES
from gpuplane.planning.refusal import Refusal
from gpuplane.planning.upgrade_order import control_plane_refusals
from gpuplane.policies.finding import Finding, Verdict
from gpuplane.policies.registry import all_rules, covers, judge
from gpuplane.spec.environment_spec import EnvironmentSpec, Place
from gpuplane.spec.errors import InvalidSpec, SpecError
from gpuplane.spec.vocabulary import TENANT

Progress = Callable[[str], None]
PROTECTED = "CH-01"
"""Id of the refusal to delete or replace what is protected."""
UNREAD = "CH-02"
"""Id of the verdict where the other side of a comparison cannot be read: what protects, and what a change may cost, was not asked."""
IDLE_EXEMPTION = "EX-01"
"""Id of the advice to remove an exemption that waives nothing."""


def preview(spec: EnvironmentSpec, as_of: date, progress: Progress = lambda _: None, renders: TenantRenders | None = None,
            kept: KeptFindings | None = None, rendered: Callable[[], None] = lambda: None, files: bool = True) -> PreviewReport:
    """Preview one environment.

    Args:
        spec: the wish.
        as_of: date that prices and exemptions are judged at.
        progress: called with a line for each step.
        renders: tenants that were rendered before; never where the answer lets an apply go.
        kept: what rules said of them.
        rendered: called when all tenants are.
        files: whether more than a terminal's text will be asked for.

    Raises:
        InvalidSpec: exemptions or settings name no rule that they could, or an operator cannot be released as it is written.
    """
    rules = all_rules()
    _require_waivable(spec, {rule.id for rule in rules})
    require_renderable(spec)
    progress(f"planning {len(spec.tenants)} tenants, {len(spec.services)} services, {len(spec.pools)} pools")
    catalog = catalog_of(spec)
    planned = plan(spec, catalog, as_of)
    empty = PlannedGraph((), catalog=catalog, parameters=spec.environment.spec.policies).on(as_of)
    with _said_beside(planned, len(spec.tenants)) as said_of_plan:
        side = JudgedSide(spec, planned, empty, as_of, progress, renders, kept, rendered, files)
        others = {"literals": side.literals, "digests": side.digests}
        found, more = with_others(rules, side.judged, others, side.processes(), wirings=files)
        planned = said_of_plan()
    side.learn(rules, found, more["literals"])
    judgement = judge(side.wide, spec.exemptions, as_of, run=lambda *_: found)
    sources, graph = side.sources, side.wide
    by_urn = side.views(finding.urn for finding in judgement.findings if finding.urn)
    located = Consequences(spec, planned).without(
        (sources.refine(finding, by_urn.get(finding.urn)), by_urn.get(finding.urn)) for finding in judgement.findings)
    literals = more["literals"]
    said = [*(from_refusal(refusal) for refusal in planned.refusals), *literals, *_idle_exemptions(spec, located)]
    findings = merged(said, located)
    # Only what the rule about secrets has found can hold one.
    secret = {finding.urn for finding in (*judgement.findings, *literals) if finding.rule == SECRETS}
    holders = (*by_urn.values(), *(view for view, _ in document_views(spec))) if secret else ()
    redaction = redaction_of(view for view in holders if view.urn in secret)
    return PreviewReport(
        environment=spec.name, as_of=as_of, plan=planned, resources=side.reported(redaction),
        findings=tuple(replace(each, message=redaction.text(each.message), waived=redaction.text(each.waived)) for each in findings),
        rules=tuple(rule.id for rule in rules), verdict=verdict_of(findings),
        isolation=matrix(graph), wirings=Later(lambda: service_wirings(spec, side.whole)),
        records=Later(lambda: data_records(spec, side.whole, findings, as_of)), redaction=redaction, stacks=more["digests"])


@contextmanager
def _said_beside(planned: EnvironmentPlan, tenants: int) -> Iterator[Callable[[], EnvironmentPlan]]:
    """What a plan refuses and notes, worked out by a child while this side is rendered.

    Yields:
        The plan with both; where there is no child, they are worked out when somebody asks.
    """
    if tenants < LEAST:
        yield lambda: planned
        return
    with beside(lambda: pickle.dumps((tuple(planned.refusals), tuple(planned.notes)))) as answer:
        def told() -> EnvironmentPlan:
            data = answer()
            if data is None:
                return planned
            refusals, notes = pickle.loads(data)  # noqa: S301 from a fork of this process, by a pipe
            return replace(planned, refusals=refusals, notes=notes)

        yield told


def _idle_exemptions(spec: EnvironmentSpec, findings: Collection[Finding]) -> Iterator[Finding]:
    """Exemptions that nothing needs: every exemption shows in a report, here or at what it waives."""
    place = spec.places.get(("Exemptions", spec.name))
    for index, item in enumerate(spec.exemptions):
        if not any(covers(item, finding) for finding in findings):
            path, wanted = f"spec.exemptions[{index}]", item.resource
            yield Finding(
                rule=IDLE_EXEMPTION, severity="low", verdict=Verdict.FAIL, kind=wanted.kind, namespace=wanted.namespace, name=wanted.name,
                field=path, file=place.file if place else "", line=place.line(path) if place else 0,
                message=f"The exemption of {wanted.kind} {wanted.name} from {item.rule} ({item.owner}, until {item.expires}, approved in "
                        f"{item.approval}) waives nothing.", remedy="Remove it: the next object of that name would be let pass unseen.")


def from_refusal(refusal: Refusal) -> Finding:
    """A refusal of the plan in the form of a finding: it always blocks."""
    return Finding(rule=refusal.rule, severity="critical", verdict=Verdict.FAIL, message=f"{refusal.path}: {refusal.claim}",
                   remedy=refusal.remedy, tenant=refusal.tenant, file=refusal.file, line=refusal.line, kind="", field=refusal.path)


def merged(refusals: list[Finding], findings: list[Finding]) -> tuple[Finding, ...]:
    """One list, said once: a rule's finding goes where the plan refuses the same place by the same rule."""
    said = {(refusal.rule, refusal.file) for refusal in refusals}
    kept = [finding for finding in findings if finding.waived or (finding.rule, finding.file) not in said]
    return tuple(sorted({*refusals, *kept}, key=lambda finding: finding.sort_key))


def verdict_of(findings: tuple[Finding, ...]) -> Verdict:
    """Fail if anything that blocks fails, else unknown if anything that blocks is unknown, else pass."""
    verdicts = {finding.verdict for finding in findings if finding.blocks}
    return next((verdict for verdict in (Verdict.FAIL, Verdict.UNKNOWN) if verdict in verdicts), Verdict.PASS)


def with_comparison(spec: EnvironmentSpec, report: PreviewReport, comparison: Comparison) -> PreviewReport:
    """The report with what differs from another ref; that something protected would go, or that a step is too dear, is a refusal."""
    lost = [_lost(change) for change in comparison.changes if change.view.protect and change.action in ("delete", "replace")]
    steps = [from_refusal(refusal) for refusal in increase_refusals(spec, report.plan.money, _months(comparison.plan))]
    steps += [from_refusal(refusal) for refusal in control_plane_refusals(spec, (comparison.plan or {}).get("versions", {}))]
    unread = [_unread(spec, comparison)] if comparison.is_unread else []
    findings = tuple(sorted({*report.findings, *lost, *steps, *unread}, key=lambda finding: finding.sort_key))
    return replace(report, comparison=comparison, findings=findings, verdict=verdict_of(findings))


def _months(plan: Mapping[str, Any] | None) -> dict[str, Month]:
    """Months of a plan in its JSON form by tenant, and of the environment as ``""``; empty for one of before there was a ledger."""
    money = (plan or {}).get("money")
    if not isinstance(money, dict):
        return {}
    rows = {"": money, **money.get("tenants", {})}
    return {name: Month(*(None if (amount := row["month"][f"{level}_usd_per_month"]) is None else Decimal(amount) for level in LEVELS))
            for name, row in rows.items()}


def _lost(change: Change) -> Finding:
    view = change.view
    return Finding(
        rule=PROTECTED, severity="critical", verdict=Verdict.FAIL, kind=view.kind, namespace=view.namespace, name=view.name, urn=view.urn,
        tenant=str(view.labels.get(TENANT, "")), file=view.file if change.action == "replace" else "",
        message=f"{view} is protected, and this change would {change.action} it{f' ({change.reason})' if change.reason else ''}.",
        remedy="Keep its document, or set protected: false in a change of its own that its owners approve.")


def _unread(spec: EnvironmentSpec, comparison: Comparison) -> Finding:
    return Finding(
        rule=UNREAD, severity="critical", verdict=Verdict.UNKNOWN, kind="", field="",
        stops=UNREAD not in spec.environment.spec.policies.allow_unknown,
        message=f"{comparison.note} So nobody knows whether this change deletes what is protected, or costs more than a change may.",
        remedy=f"Repair {comparison.ref}, compare with a ref that can be previewed, or leave --against out.")


def _require_waivable(spec: EnvironmentSpec, known: Collection[str]) -> None:
    """Exemptions waive rules on objects; the plan's own refusals are changed in the wish. No word of an environment is about no rule."""
    place = spec.places.get(("Exemptions", spec.name))
    said = spec.environment.spec.policies
    setting = spec.places.get(("Environment", spec.name))
    errors = [_no_such_rule(setting, f"spec.policies.{name}[{index}]", rule, allowed)
              for name, allowed in (("mandatory", known), ("allow_unknown", {*known, UNREAD}))
              for index, rule in enumerate(getattr(said, name)) if rule not in allowed]
    for index, exemption in enumerate(spec.exemptions):
        path = f"spec.exemptions[{index}].rule"
        if exemption.rule not in known:
            errors.append(_no_such_rule(place, path, exemption.rule, known))
        elif exemption.rule in PLANNED_RULES:
            errors.append(_wrong(place, path, f"{exemption.rule} follows from the plan's arithmetic and cannot be waived.",
                                 "Change the quota or budget itself."))
    if errors:
        raise InvalidSpec(errors)


def _no_such_rule(place: Place | None, path: str, rule: str, known: Collection[str]) -> SpecError:
    return _wrong(place, path, f'there is no rule "{rule}"; there are: {", ".join(sorted(known))}.', "Correct the id.")


def _wrong(place: Place | None, path: str, message: str, remedy: str) -> SpecError:
    return SpecError(place.file if place else "", place.line(path) if place else 0, path, message, remedy)
