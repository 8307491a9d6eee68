"""A tenant leaves: nothing of it stays, and nobody else notices."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.delivery.handoff.delivery_parts import TENANTS, part_of, waves
from gpuplane.delivery.rehearsal.claim import Claim, agrees
from gpuplane.delivery.rehearsal.cleaning import marked_objects
from gpuplane.delivery.rehearsal.scenarios.levels import reach
from gpuplane.delivery.rehearsal.stage import Stage
from gpuplane.graph.resource_view import ResourceView
from gpuplane.spec.vocabulary import TENANT

NAME = "offboarding"
_PROOF = "the tenant's part of the planned graph (gpuplane destroy --offboard)"
_NAMED = 5


def offboarding(stage: Stage) -> Iterator[Claim]:
    """Tenants leave one after the other, as ``gpuplane destroy --offboard`` removes them; the last one stays."""
    reach(stage, stage.awake)
    tenants = sorted(stage.spec.tenants)
    if len(tenants) == 1 and not stage.short:
        yield Claim(NAME, "", "a tenant", "it leaves", _PROOF, "", "", "not rehearsed", "there is no other tenant that would stay")
    for tenant in tenants[:1] if stage.short else tenants[:-1]:
        yield from _offboard(stage, tenant)


def _offboard(stage: Stage, tenant: str) -> Iterator[Claim]:
    own = [view for view in stage.views if part_of(view, frozenset(stage.spec.tenants)) == f"{TENANTS}/{tenant}"]
    before = {pod.uid for pod in stage.seen.pods() if pod.ready and not pod.service.startswith(f"{tenant}/")}
    with stage.step(NAME, f"{tenant} leaves: {len(own)} objects"):
        _remove(stage, own)
        stage.leave(tenant)
        stage.settle(lambda: not _left(stage, tenant, own))
        left = _left(stage, tenant, own)
        yield Claim(NAME, tenant, tenant, "everything of it is gone", _PROOF, f"{len(own)} objects and what they made: nothing left",
                    "nothing left" if not left else f"{len(left)} left: {', '.join(left[:_NAMED])}", agrees(not left))
        after = {pod.uid for pod in stage.seen.pods() if pod.ready}
        yield Claim(NAME, "", f"all but {tenant}", "pods that run on", _PROOF, f"all {len(before)}",
                    f"{len(before & after)} of {len(before)}", agrees(before <= after))


def _remove(stage: Stage, own: list[ResourceView]) -> None:
    """What others need goes last, as an engine destroys it."""
    order = waves(own, {view.urn: frozenset(view.dependencies) for view in own})
    for wave in sorted(set(order.values()), reverse=True):
        of_wave = [view for view in own if order[view.urn] == wave]
        for view in of_wave:
            stage.server.delete(stage.server.kinds[view.api_version, view.kind], view.name, view.namespace)
        stage.settle(lambda of_wave=of_wave: not _there(stage, of_wave), quiet=False)  # type: ignore[misc]


def _there(stage: Stage, views: list[ResourceView]) -> list[str]:
    return [str(view) for view in views
            if stage.server.get(stage.server.kinds[view.api_version, view.kind], view.name, view.namespace) is not None]


def _left(stage: Stage, tenant: str, own: list[ResourceView]) -> list[str]:
    """Objects of the tenant's part, and anything that bears its label, wherever it is."""
    labelled = [f"{kind.kind} {body['metadata'].get('namespace', '')}/{body['metadata']['name']}"
                for kind, body in marked_objects(stage.server, f"{TENANT}={tenant}")]
    return sorted({*_there(stage, own), *labelled})
