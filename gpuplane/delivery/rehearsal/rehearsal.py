"""One rehearsal from an empty cluster to an empty cluster, and what it found."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from gpuplane.catalog import catalog_of
from gpuplane.delivery.exit_status import REFUSED, Stop
from gpuplane.delivery.offline_engine import render
from gpuplane.delivery.rehearsal.api_server import ApiServer
from gpuplane.delivery.rehearsal.applied import LeftOut, RefusedObject, Rehearsable, apply_all, rehearsable
from gpuplane.delivery.rehearsal.claim import Claim
from gpuplane.delivery.rehearsal.cleaning import require_clean
from gpuplane.delivery.rehearsal.control_plane import begin, require_room, require_throw_away, runs
from gpuplane.delivery.rehearsal.controllers import controller_claims
from gpuplane.delivery.rehearsal.kueue_sharing import shares_otherwise
from gpuplane.delivery.rehearsal.observation import Eviction, Moment, Observation
from gpuplane.delivery.rehearsal.scenarios.burst import burst
from gpuplane.delivery.rehearsal.scenarios.canary import canary
from gpuplane.delivery.rehearsal.scenarios.load import maximum_load, minimum_load
from gpuplane.delivery.rehearsal.scenarios.lost_nodes import lost_nodes
from gpuplane.delivery.rehearsal.scenarios.offboarding import offboarding
from gpuplane.delivery.rehearsal.scenarios.rolling_update import rolling_update
from gpuplane.delivery.rehearsal.scenarios.upgrade import Base, upgrade
from gpuplane.delivery.rehearsal.stage import OutOfTime, Scenario, Stage, Step
from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning import plan
from gpuplane.planning.canaries import with_canaries
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.spec.environment_spec import EnvironmentSpec

SCENARIOS: Mapping[str, Scenario] = MappingProxyType({
    "minimum": minimum_load, "maximum": maximum_load, "burst": burst, "rolling-update": rolling_update, "canary": canary,
    "lost-nodes": lost_nodes, "offboarding": offboarding})
"""Every scenario by its name on the command line, in the order in which they run."""
CLEANING_SECONDS = 120.0

Progress = Callable[[str], None]
Guard = Callable[[str], AbstractContextManager[None]]
"""Looks after a rehearsal, named as :func:`begin` does, from its beginning until it has cleaned up."""


def nobody(_run: str) -> AbstractContextManager[None]:
    """For a cluster that ends with this process."""
    return nullcontext()


class NothingToRehearse(Stop):
    """The plan is refused: what cannot be granted needs no rehearsal."""

    status = REFUSED


@dataclass(frozen=True)
class Rehearsal:
    """What a rehearsal found.

    Attributes:
        refused: objects that the API server did not take; each is a disagreement.
        unfinished: why not all of it was rehearsed; empty where all was.
        seconds: how long it took, cleaning up left out.
    """

    environment: str
    as_of: date
    control_plane: str
    controllers: Mapping[str, bool]
    applied: int
    left_out: tuple[LeftOut, ...]
    refused: tuple[RefusedObject, ...]
    claims: tuple[Claim, ...]
    steps: tuple[Step, ...]
    moments: tuple[Moment, ...]
    evictions: tuple[Eviction, ...]
    unfinished: str
    seconds: float

    @property
    def disagreements(self) -> tuple[Claim, ...]:
        """Claims where plan and cluster differ."""
        return tuple(claim for claim in self.claims if claim.verdict == "disagree")

    @property
    def agrees(self) -> bool:
        """Whether something was rehearsed, to its end, and nothing differs."""
        return any(claim.verdict == "agree" for claim in self.claims) and not (self.disagreements or self.refused or self.unfinished)


@dataclass(frozen=True)
class OtherRef:
    """Another ref, and its planned graph."""

    ref: str
    views: tuple[ResourceView, ...]


@dataclass(frozen=True)
class Wanted:
    """What is to be rehearsed.

    Attributes:
        wish: as it was written.
        spec: the same, canaries as services of their own.
        views: the planned graph.
    """

    wish: EnvironmentSpec
    spec: EnvironmentSpec
    planned: EnvironmentPlan
    views: tuple[ResourceView, ...]


def wanted(spec: EnvironmentSpec, as_of: date, progress: Progress) -> Wanted:
    """Plan and render.

    Raises:
        NothingToRehearse: the plan is refused.
    """
    progress("planning")
    planned = plan(spec, catalog_of(spec), as_of)
    if planned.refusals:
        lines = "\n".join(f"  {one.rule} {one.file}:{one.line} {one.path}: {one.claim}" for one in planned.refusals)
        raise NothingToRehearse(f"the plan of {spec.name} is refused, so there is nothing to rehearse:\n{lines}")
    return Wanted(spec, with_canaries(spec), planned, render(spec, planned, progress))


def rehearse(server: ApiServer, work: Wanted, scenarios: Sequence[str], limit_seconds: float, progress: Progress,
             short: bool = False, base: OtherRef | None = None, guard: Guard = nobody, cleans: bool = True) -> Rehearsal:
    """Apply, load, break, compare; the cluster is empty again afterwards, whatever happens.

    Args:
        scenarios: names of :data:`SCENARIOS`, in order.
        short: less of each, for CI.
        base: another ref, which is applied first and then upgraded to this one.
        guard: who cleans up where this process cannot; nobody, where the cluster ends with it.
        cleans: whether the cluster is emptied; one that ends with this process needs not be.

    Raises:
        NotThrowAway: the cluster is not one to rehearse on.
        EngineFailed: it does not answer, or something stays behind.
    """
    require_throw_away(server)
    sorted_views = rehearsable(work.views, server.discover().keys())
    former = Base(base.ref, base.views, rehearsable(base.views, server.kinds.keys())) if base is not None else None
    objects = (*sorted_views.objects, *(former.work.objects if former else ()))
    require_room(server, objects, [pool.node_labels for pool in work.planned.pools.values()])
    with guard(begin(server, work.spec.name)):
        try:
            return _rehearsed(server, work, sorted_views, scenarios, limit_seconds, progress, short, former)
        finally:
            if cleans:
                require_clean(server, CLEANING_SECONDS, progress)


def _rehearsed(server: ApiServer, work: Wanted, sorted_views: Rehearsable, scenarios: Sequence[str], limit_seconds: float,
               progress: Progress, short: bool, former: Base | None) -> Rehearsal:
    seen, began = Observation(server, frozenset(work.spec.tenants)), time.monotonic()
    seen.start()
    stage = Stage(server, work.spec, work.planned, sorted_views.objects, seen, progress, began + limit_seconds,
                  work.wish, short)
    claims, refused, unfinished = list[Claim](), tuple[RefusedObject, ...](), ""
    try:
        with stage.step("apply", f"{len(sorted_views.objects)} objects"):
            stage.add_nodes(at_maximum=False)
            if former is None:
                refused = apply_all(server, sorted_views, work.spec.name, progress, stage.left_seconds)
            else:
                claims, refused = upgrade(stage, former, work.views, sorted_views)
            claims += controller_claims(stage)
            unfinished = shares_otherwise(stage)
        if not unfinished and any(stage.seen.deployment(name) is None for name in stage.services) and stage.acts["KServe"]:
            unfinished = "services have no Deployments, so nothing could be loaded"
        for name in scenarios if stage.services and stage.acts["KServe"] and not unfinished else ():
            claims += SCENARIOS[name](stage)
    except OutOfTime as error:
        unfinished = str(error)
    finally:
        seen.stop()
    return Rehearsal(
        work.spec.name, work.planned.as_of, server.address, dict(stage.acts),
        len(sorted_views.objects), sorted_views.left_out, refused, tuple(claims), tuple(stage.steps), tuple(seen.moments),
        tuple(seen.evictions), unfinished, round(time.monotonic() - began, 1))


def clean_up(server: ApiServer, progress: Progress, run: str = "") -> None:
    """Remove what a rehearsal that was killed has left.

    Args:
        run: only of this one; empty for whichever was here.

    Raises:
        NotThrowAway: the cluster is not marked.
        EngineFailed: something stays behind.
    """
    require_throw_away(server)
    server.discover()
    require_clean(server, CLEANING_SECONDS, progress, lambda: not run or runs(server, run))
