"""The one place where applies, approvals, broken glass, drift and adoptions go on the environment's record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from gpuplane.delivery.applying.digest import StackDigest
from gpuplane.delivery.applying.outcome import Outcome
from gpuplane.delivery.audit import AuditEvent, append
from gpuplane.delivery.command_line import say
from gpuplane.delivery.exit_status import CannotStart, EngineFailed
from gpuplane.delivery.live_progress import short
from gpuplane.planning.promotion.releases import digest_of
from gpuplane.spec.environment_spec import EnvironmentSpec, StackKey

if TYPE_CHECKING:
    from gpuplane.delivery.applying.approval import Approval
    from gpuplane.delivery.applying.drifted import Drift
    from gpuplane.delivery.audit.event import Json
    from gpuplane.policies.finding import Finding

_SHOWN = 200
"""Objects that one record names at most."""
_SERVICES = 500
"""Services that one record of an apply names at most; further ones have another record."""


def record_begin(spec: EnvironmentSpec, digests: Iterable[StackDigest], approval: Approval | None, glass: str) -> None:
    """An apply is about to begin. Broken glass has a record of its own; where it cannot be written, nothing is applied.

    Raises:
        CannotStart: it cannot be recorded.
    """
    stacks = {one.name: one.digest for one in digests}
    detail: dict[str, Json] = {"stacks": stacks}
    if approval is not None:
        detail["approved_by"] = sorted({name for names in approval.approvers.values() for name in names})
    if glass:
        append(spec, AuditEvent("break-glass", spec.name, "", "used", detail={**detail, "reason": glass}))
    append(spec, AuditEvent("apply", spec.name, "", "started", detail=detail))


def record_end(spec: EnvironmentSpec, outcomes: Iterable[Outcome], digests: Mapping[StackKey, StackDigest], kind: str = "apply") -> None:
    """What became of the stacks that were touched; a record of many, as one on S3 takes seconds.

    Raises:
        EngineFailed: it cannot be recorded; what was done stays done.
    """
    try:
        _record_end(spec, outcomes, digests, kind)
    except CannotStart as error:
        raise EngineFailed(f"What became of the stacks above is not on record: {error}") from None


def _record_end(spec: EnvironmentSpec, outcomes: Iterable[Outcome], digests: Mapping[StackKey, StackDigest], kind: str) -> None:
    touched = [one for one in outcomes if one.attempts]
    for destroyed in (False, True):
        found = [one for one in touched if (kind == "destroy" or one.result == "destroyed") == destroyed]
        for rows in _parts(spec, found):
            part = [one for one, _ in rows]
            append(spec, AuditEvent("destroy" if destroyed else "apply", spec.name, part[0].name if len(part) == 1 else "",
                                    "done" if all(one.is_done for one in part) else "failed", _graph(part, digests), {
                "tenants": [one.key.tenant for one in part if one.key.tenant],
                "stacks": {one.name: {**_stack(one, digests), "services": services} for one, services in rows}}))


def _parts(spec: EnvironmentSpec, found: Iterable[Outcome]) -> Iterator[list[tuple[Outcome, dict[str, str]]]]:
    """Stacks with the releases of their services, by as many as a record has; a stack with more services is in several."""
    part: list[tuple[Outcome, dict[str, str]]] = []
    room = _SERVICES
    for one in found:
        releases = list(_releases(spec, one.key).items())
        for start in range(0, max(1, len(releases)), _SERVICES):
            services = releases[start:start + _SERVICES]
            if part and (len(part) == _SHOWN or len(services) > room or start):
                yield part
                part, room = [], _SERVICES
            part.append((one, dict(services)))
            room -= len(services)
    if part:
        yield part


def _releases(spec: EnvironmentSpec, key: StackKey) -> dict[str, str]:
    """Digest of the release of each service in a stack, as the files had it: what a promotion asks for."""
    entries = () if key.layer != "tenants" else spec.services_of(key.tenant) if key.tenant else tuple(spec.services.values())
    return {entry.name: digest_of(entry.document.spec) for entry in entries if not entry.role}


def _graph(part: Sequence[Outcome], digests: Mapping[StackKey, StackDigest]) -> dict[str, str]:
    return {"graph": digests[part[0].key].digest} if len(part) == 1 and part[0].key in digests else {}


def _stack(one: Outcome, digests: Mapping[StackKey, StackDigest]) -> dict[str, Json]:
    return {"result": one.result, "changes": one.changes, "attempts": one.attempts, "reason": one.reason,
            "digest": digests[one.key].digest if one.key in digests else ""}


def record_approval(spec: EnvironmentSpec, by: str, reason: str, digests: Sequence[StackDigest], lift: Sequence[str]) -> None:
    """Somebody approved stacks."""
    for part in (digests[start:start + _SHOWN] for start in range(0, len(digests), _SHOWN)):
        append(spec, AuditEvent("approval", spec.name, part[0].name if len(part) == 1 else "", "given",
                                {"graph": part[0].digest} if len(part) == 1 else {}, {
            "approved_by": by, "reason": reason, "lift": list(lift), "stacks": {one.name: one.digest for one in part},
            "tenants": [one.key.tenant for one in part if one.key.tenant]}))


def record_drift(spec: EnvironmentSpec, found: Sequence[Drift], repaired: bool, *, whole: bool = False) -> None:
    """Drift was seen, or brought back.

    Args:
        whole: every stack was looked at, not some tenants or one layer.
    """
    if found:
        append(spec, AuditEvent("drift", spec.name, "", "repaired" if repaired else "found", detail={
            "tenants": sorted({one.tenant for one in found if one.tenant}), "objects": [
                {"object": short(one.urn), "tenant": one.tenant, "gone": one.gone, "fields": [each.path for each in one.fields],
                 "who": one.who} for one in found[:_SHOWN]], "count": len(found), "whole": whole}))


def record_no_drift(spec: EnvironmentSpec, not_applied: Sequence[str]) -> None:
    """Every stack was looked at and nothing had drifted: what a promotion asks for. Where it cannot be recorded, that is said.

    Args:
        not_applied: stacks that are not there yet.
    """
    try:
        append(spec, AuditEvent("drift", spec.name, "", "none", detail={"not_applied": list(not_applied[:_SHOWN]), "whole": True}))
    except CannotStart as error:
        say(f"not in the audit: {error}")


def record_adoption(spec: EnvironmentSpec, stack: str, objects: Sequence[str]) -> None:
    """Objects that were there already were taken into a stack."""
    append(spec, AuditEvent("adopt", spec.name, stack, "done", detail={"objects": list(objects[:_SHOWN]), "count": len(objects)}))


def record_plan(spec: EnvironmentSpec, stacks: Iterable[StackDigest], exempted: Sequence[Finding]) -> None:
    """What would be applied, and the exemptions that it rests on: these in one record, for one on S3 takes seconds.

    Args:
        exempted: findings that an exemption waives.
    """
    append(spec, AuditEvent("plan", spec.name, "", "made", detail={"stacks": {one.name: one.digest for one in stacks}}))
    if exempted:
        rules = sorted({one.rule for one in exempted})
        append(spec, AuditEvent("exemption", spec.name, rules[0] if len(rules) == 1 else "", "used", detail={
            "tenants": sorted({one.tenant for one in exempted if one.tenant}), "count": len(exempted), "waived": [
                {"rule": one.rule, "object": f"{one.kind} {one.namespace}/{one.name}", "tenant": one.tenant, "why": one.waived}
                for one in exempted[:_SHOWN]]}))


def record_verdict(spec: EnvironmentSpec, result: str, rules: int, blocking: Sequence[str], waived: Sequence[str]) -> None:
    """The whole environment was judged before an apply: by the program and the documents that would have been applied.

    Args:
        result: ``pass`` or ``fail``.
        rules: how many judged.
        blocking, waived: sentences.
    """
    append(spec, AuditEvent("verdict", spec.name, "", result, detail={
        "rules": rules, "blocking": list(blocking[:_SHOWN]), "blocking_count": len(blocking), "waived": list(waived[:_SHOWN])}))


def record_bootstrap(place: str, environment: str, made: Sequence[str]) -> None:
    """Bucket, key or role for state were made or set; the first record of an environment goes into what was just made.

    Args:
        place: of the log, a folder or ``s3://`` URL.
    """
    append(place, AuditEvent("bootstrap", environment, "", "done", detail={"made": list(made[:_SHOWN])}))


def record_restore(spec: EnvironmentSpec, stacks: Sequence[str]) -> None:
    """State was put back from a copy."""
    append(spec, AuditEvent("restore", spec.name, "", "done", detail={"stacks": list(stacks)}))
