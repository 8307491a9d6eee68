"""From the base ref to this one, on a cluster that serves: whose pods are made anew, what the API server refuses, what goes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gpuplane.delivery.changes import Change, changes_between
from gpuplane.delivery.handoff.delivery_parts import waves
from gpuplane.delivery.preview_report import plain
from gpuplane.delivery.pull_request.restarts import Restart, restarts
from gpuplane.delivery.rehearsal.applied import RefusedObject, Rehearsable, apply_all
from gpuplane.delivery.rehearsal.claim import Claim, agrees
from gpuplane.delivery.rehearsal.model_pods import deployments_of
from gpuplane.delivery.rehearsal.stage import Stage
from gpuplane.graph.resource_view import ResourceView

NAME = "upgrade"
_PROOF = "what differs between the refs, and which fields are of pods' templates or cannot change in place (gpuplane preview --against)"

_OF_PROMPTS, _OF_ANSWERS = ("spec.prefill.",), ("spec.template.", "spec.parallelism.")
"""Fields of an LLMInferenceService that are of one role's pods alone."""


@dataclass(frozen=True)
class Base:
    """The other ref.

    Attributes:
        ref: as it was named.
        views: its planned graph.
        work: what of it is applied.
    """

    ref: str
    views: tuple[ResourceView, ...]
    work: Rehearsable


def upgrade(stage: Stage, base: Base, head: Sequence[ResourceView], work: Rehearsable) -> tuple[list[Claim], tuple[RefusedObject, ...]]:
    """Apply the base ref, wait until it serves, apply this one over it.

    Args:
        head: this ref's planned graph, and ``work`` what of it is applied.

    Returns:
        Claims, and the objects that the API server refused without the plan having said so.
    """
    changes = changes_between(_plain(base.views), _plain(head))
    with stage.step(NAME, f"{base.ref}: {len(base.work.objects)} objects"):
        first = apply_all(stage.server, base.work, stage.run, stage.progress, stage.left_seconds)
        _serve(stage, base)
    before = _pods(stage)
    with stage.step(NAME, f"this ref over {base.ref}: {sum(change.view.is_kubernetes for change in changes)} objects differ"):
        refused = apply_all(stage.server, work, stage.run, stage.progress, stage.left_seconds)
        replaced, unforeseen = _recreated(stage, refused, changes)
        gone = _remove(stage, base, work)
        stage.wait_for_deployments()
        expected = _by_service(stage, restarts(changes, head, stage.planned.tenants))
        stage.settle(lambda: _is_done(stage, before, expected))
        claims = [*_restart_claims(stage, before, expected), *replaced, *gone]
    return claims, (*first, *unforeseen)


def _serve(stage: Stage, base: Base) -> None:
    """Every service of the base ref with a replica or its minimum, as an autoscaler would keep it."""
    served = [view for view in base.work.objects if view.kind not in stage.server.unattended]
    wanted = {name: count for view in served for name, count in deployments_of(view).items()}
    stage.seen.wait(lambda: all(stage.seen.deployment(name) for name in wanted), stage.left_seconds())
    for name, count in wanted.items():
        if stage.seen.deployment(name) is not None:
            stage.scale_to(name, count)
    stage.settle(lambda: all(stage.seen.ready()[name] == count for name, count in wanted.items()))


def _pods(stage: Stage) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for pod in stage.seen.pods():
        if pod.ready:
            found[pod.service].add(pod.uid)
    return {name: frozenset(uids) for name, uids in found.items()}


def _by_service(stage: Stage, found: Sequence[Restart]) -> Mapping[str, Restart]:
    """The restarts by service, pods that read prompts apart from those that write answers."""
    of_object = {each.service: each for each in found}
    expected = dict(of_object)
    for name in stage.services:
        entry = stage.spec.services[name]
        said = of_object.get(f"{entry.tenant}/{entry.object_name}")
        other = _OF_ANSWERS if entry.role else _OF_PROMPTS
        causes = tuple(cause for cause in said.causes if not cause.startswith(other)) if said is not None else ()
        expected.pop(name, None)
        if said is not None and (causes or said.action != "update"):
            expected[name] = replace(said, service=name, causes=causes)
    return expected


def _is_done(stage: Stage, before: Mapping[str, frozenset[str]], expected: Mapping[str, Restart]) -> bool:
    """Whether all controllers have looked, and whoever is to restart has."""
    if stage.seen.leaving() or not all(pod.ready for pod in stage.seen.pods() if pod.admitted and pod.node):
        return False
    after = _pods(stage)
    return all(stage.is_reconciled(name) for name in stage.services) and not any(
        before[name] & after.get(name, frozenset()) for name, says in expected.items() if name in before and not _of_cloud(says))


def _of_cloud(says: Restart) -> bool:
    return bool(says.causes) and all(cause.startswith("nodes of pool") for cause in says.causes)


def _restart_claims(stage: Stage, before: Mapping[str, frozenset[str]], expected: Mapping[str, Restart]) -> Iterator[Claim]:
    after = _pods(stage)
    for name in sorted(before.keys() & set(stage.services)):
        says, kept = expected.get(name), before[name] & after.get(name, frozenset())
        planned = "its pods stay" if says is None else f"its pods are made anew: {'; '.join(says.causes)[:160] or says.action}"
        observed = f"{len(kept)} of {len(before[name])} pods are the same, {len(after.get(name, ()))} run"
        of_cloud = says is not None and _of_cloud(says)
        verdict = "not rehearsed" if of_cloud else agrees((says is None) == (kept == before[name]))
        yield Claim(NAME, name.partition("/")[0], name, "what restarts", _PROOF, planned, observed, verdict,
                    "nodes are the cloud's" if of_cloud else "")


def _recreated(stage: Stage, refused: Sequence[RefusedObject], changes: Sequence[Change]) -> tuple[list[Claim], list[RefusedObject]]:
    """What the plan replaces is refused in place, so it is deleted and made anew; what it updates is not.

    Returns:
        Claims, and what was refused that the plan does not change but make.
    """
    changing = {str(change.view): change for change in changes if change.action in ("replace", "update") and change.view.is_kubernetes}
    names = {each.name: each.why for each in refused}
    claims = []
    for name, change in changing.items():
        why = names.get(name)
        if change.action == "replace":
            claims.append(Claim(NAME, "", name, "it cannot change in place", _PROOF, f"replaced: {change.reason}",
                                f"refused: {why}" if why else "changed in place", agrees(why is not None),
                                "" if why else "it would be deleted and made anew without need"))
        elif why is not None:
            fields = ", ".join(field.path for field in change.fields)
            claims.append(Claim(NAME, "", name, "it changes in place", _PROOF, f"updated: {fields[:160]}", f"refused: {why}", "disagree",
                                "an apply fails, or deletes it and makes it anew, and the plan says neither"))
        if change.action == "replace" and why is not None:
            kind = stage.server.kinds[change.view.api_version, change.view.kind]
            stage.server.delete(kind, change.view.name, change.view.namespace)
            stage.settle(lambda kind=kind, view=change.view: stage.server.get(kind, view.name, view.namespace) is None,  # type: ignore[misc]
                         quiet=False)
            stage.apply(change.view.props)
    return claims, [each for each in refused if each.name not in changing]


def _remove(stage: Stage, base: Base, work: Rehearsable) -> Iterator[Claim]:
    """What the base ref had and this one has not goes, what others need last."""
    kept = {view.urn for view in work.objects}
    gone = [view for view in base.work.objects if view.urn not in kept]
    order = waves(gone, {view.urn: frozenset(view.dependencies) for view in gone})
    for view in sorted(gone, key=lambda view: -order[view.urn]):
        stage.server.delete(stage.server.kinds[view.api_version, view.kind], view.name, view.namespace)
    if gone:
        def left() -> list[str]:
            return [str(view) for view in gone
                    if stage.server.get(stage.server.kinds[view.api_version, view.kind], view.name, view.namespace) is not None]

        stage.settle(lambda: not left(), quiet=False)
        yield Claim(NAME, "", f"{len(gone)} objects", "what is no longer declared goes", _PROOF, "none is left",
                    f"{len(left())} left{': ' if left() else ''}{', '.join(left()[:5])}", agrees(not left()))


def _plain(views: Sequence[ResourceView]) -> tuple[ResourceView, ...]:
    """The same as after a trip through JSON, so that equal is equal."""
    return tuple(replace(view, props=plain(dict(view.props))) for view in views)
