"""From an endpoint back to where what answers there came from: objects, release, evidence, approvals, promotions, commits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from gpuplane.catalog import catalog_of
from gpuplane.delivery.changes import is_real
from gpuplane.delivery.offline_engine import render
from gpuplane.delivery.promotion.evidence_files import raw_state
from gpuplane.delivery.promotion.release_history import stretches
from gpuplane.delivery.promotion.repository import Commit
from gpuplane.delivery.promotion.trailers import EVIDENCE, PROMOTION, ROLLBACK
from gpuplane.delivery.promotion.world import World, service_of
from gpuplane.delivery.source_map import SourceMap
from gpuplane.planning import plan
from gpuplane.planning.json_value import json_value
from gpuplane.planning.promotion.measures import interval_of, shown
from gpuplane.planning.promotion.releases import digest_of, moved, release_digest
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry
from gpuplane.spec.evaluation import EVIDENCE_FOLDER, Evaluation, EvaluationResult

SCHEMA_VERSION = 1
"""Version of the JSON form; it grows by one when a field changes its meaning or goes."""


@dataclass(frozen=True)
class LineageObject:
    """An object that the service's document makes."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True)
class LineageResult:
    """A raw result file that an evaluation rests on.

    Attributes:
        raw: ``verified``: it lies beside the evaluation, has its digest, and says the same when it is read again; ``elsewhere``: it does
            not lie there.
        stored_at: where it is kept; empty where nobody said.
        named: what the file itself says that was measured, e.g. ``model Qwen/Qwen2.5-7B-Instruct``; the rest is the word of who added it.
        measures: the figures, with their intervals.
    """

    digest: str
    format: str
    measured_on: str
    raw: str
    stored_at: str
    named: tuple[str, ...]
    measures: tuple[str, ...]


@dataclass(frozen=True)
class LineageEvaluation:
    """An evaluation of exactly this release; its own digest was checked when it was read."""

    digest: str
    environment: str
    gpu: str
    results: tuple[LineageResult, ...]
    commit: str
    author: str


@dataclass(frozen=True)
class LineageApproval:
    """Somebody who agreed to this release in this environment; ``author`` wrote the commit that says so."""

    digest: str
    approved_by: str
    approved_on: str
    commit: str
    author: str


@dataclass(frozen=True)
class LineageCommit:
    """A commit that changed the service's file.

    Attributes:
        when: of its committer, in UTC.
        promotions, rollbacks: what it says of itself.
        evidence: digests that it names.
    """

    hash: str
    when: str
    author: str
    subject: str
    promotions: tuple[str, ...]
    rollbacks: tuple[str, ...]
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Lineage:
    """Everything that leads to one endpoint.

    Attributes:
        endpoints: where callers reach it.
        release: digest of release and adapters.
        since, since_commit: when this release came into the environment, by git; empty where nobody knows.
        commits: newest first.
    """

    schema_version: int
    environment: str
    service: str
    commit: str
    endpoints: tuple[str, ...]
    objects: tuple[LineageObject, ...]
    release: str
    model: str
    revision: str
    image: str
    since: str
    since_commit: str
    evaluations: tuple[LineageEvaluation, ...]
    approvals: tuple[LineageApproval, ...]
    commits: tuple[LineageCommit, ...]

    def to_json_value(self) -> dict[str, Any]:
        """Plain JSON values with sorted keys."""
        value: dict[str, Any] = json_value(self)
        return value


def lineage(world: World, environment: str, service: str, as_of: date) -> Lineage:
    """Walk back from one service.

    Raises:
        CannotStart: there is no such service, or a raw result file was changed.
        InvalidSpec: the environment or evidence is wrong.
    """
    spec = world.environment(environment)
    entry = service_of(spec, service)
    value, path = moved(entry.document.spec), world.file_of(environment, entry)
    release, model = release_digest(value), entry.document.spec.release.model
    now = next(stretches(world.repository, world.commit, path), None)
    return Lineage(
        SCHEMA_VERSION, environment, service, world.commit, tuple(_endpoints(spec, entry)), _objects(spec, entry, as_of), release,
        model.uri, model.revision or model.uri.partition("@")[2], entry.document.spec.release.server.image,
        _time(now.seconds) if now is not None else "", now.commit.hash if now is not None else "",
        tuple(_evaluation(world, digest, each) for digest, each in sorted(world.evidence.evaluations.items())
              if each.spec.service == service and digest_of(each.spec) == release),
        tuple(_approvals(world, environment, service, release)),
        tuple(_commit(each, service) for each in world.repository.changes(world.commit, path)))


def _endpoints(spec: EnvironmentSpec, entry: ServiceEntry) -> Iterator[str]:
    traffic, gateway = getattr(entry.document.spec, "traffic", None), spec.environment.spec.gateway
    if traffic is not None and gateway is not None:
        yield f"https://{gateway.hostname(entry.tenant)}/v1 (model {traffic.model_name or entry.document.name})"
    yield f"{entry.document.kind} {entry.tenant}/{entry.object_name}, inside the cluster"


def _objects(spec: EnvironmentSpec, entry: ServiceEntry, as_of: date) -> tuple[LineageObject, ...]:
    sources = SourceMap(spec)
    views = (sources.locate(view) for view in render(spec, plan(spec, catalog_of(spec), as_of)))
    found = {LineageObject(view.kind, view.namespace, view.name) for view in views if is_real(view) and view.file == entry.place.file}
    return tuple(sorted(found, key=lambda each: (each.kind, each.namespace, each.name)))


def _evaluation(world: World, digest: str, evaluation: Evaluation) -> LineageEvaluation:
    commit = _added(world, digest)
    return LineageEvaluation(digest, evaluation.spec.environment, evaluation.spec.platform.gpu,
                             tuple(_result(world, each) for each in evaluation.spec.results),
                             commit.hash if commit else "", commit.author if commit else "")


def _result(world: World, result: EvaluationResult) -> LineageResult:
    return LineageResult(
        result.digest, result.format, result.measured_on, raw_state(world.folder, result), result.stored_at,
        tuple(f"{key} {value}" for key, value in sorted(result.says.items())),
        tuple(f"{name} {shown(interval_of(each))} of {each.samples}" for name, each in sorted(result.measures.items())))


def _approvals(world: World, environment: str, service: str, release: str) -> Iterator[LineageApproval]:
    for digest, each in sorted(world.evidence.approvals.items()):
        if (each.spec.environment, each.spec.service, each.spec.release) == (environment, service, release):
            commit = _added(world, digest)
            yield LineageApproval(digest, each.spec.approved_by, each.spec.approved_on, commit.hash if commit else "",
                                  commit.author if commit else "")


def _added(world: World, digest: str) -> Commit | None:
    return world.repository.added(world.commit, world.repository.path(f"{EVIDENCE_FOLDER}/{digest.replace(':', '-')}.yaml"))


def _commit(commit: Commit, service: str) -> LineageCommit:
    promotions, rollbacks = (tuple(value for value in commit.trailer(key) if value.startswith(f"{service} "))
                             for key in (PROMOTION, ROLLBACK))
    return LineageCommit(commit.hash, _time(commit.seconds), commit.author, commit.subject, promotions, rollbacks, commit.trailer(EVIDENCE))


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
