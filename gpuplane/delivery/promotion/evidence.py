"""New documents of evidence: what ran, by the commit that it ran from, together with what result files say of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gpuplane.catalog import catalog_of
from gpuplane.catalog.bench_results import WrongResult
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.promotion.evaluated_platform import platform_of
from gpuplane.delivery.promotion.evidence_files import document_text
from gpuplane.delivery.promotion.world import World, service_of
from gpuplane.graph.secret_literals import spans
from gpuplane.planning import plan
from gpuplane.planning.promotion.releases import digest_of
from gpuplane.planning.promotion.result_files import evaluation_result
from gpuplane.spec.environment_spec import ServiceEntry
from gpuplane.spec.evaluation import RESULTS_FOLDER, ApprovalSpec, EvaluationResult, EvaluationSpec

MOST_KEPT_BYTES = 4 << 20
"""Largest raw file that is kept in git."""


def new_evaluation(world: World, environment: str, service: str, contents: Mapping[Path, bytes], as_of: date, served_as: str | None,
                   stored_at: str, keep: bool) -> tuple[str, dict[str, bytes]]:
    """Digest of the document, and the files to write below ``evidence/``.

    Raises:
        CannotStart: a file is no result, or is one of something else than what the commit says that ran; all reasons at once.
    """
    spec = world.environment(environment)
    entry = service_of(spec, service)
    results, wrong = [], []
    for path, content in contents.items():
        try:
            result = evaluation_result(content, stored_at)
        except (WrongResult, ValidationError) as error:
            wrong.append(f"{path}: {error}")
            continue
        results.append(result)
        wrong += [f"{path}: {problem}" for problem in (*_other(result, entry, served_as, as_of), *(_unkeepable(content) if keep else ()))]
    if wrong:
        raise CannotStart("\n".join(wrong))
    platform = platform_of(spec, plan(spec, catalog_of(spec), as_of), entry)
    said = EvaluationSpec(
        environment=environment, service=service, release=entry.document.spec.release, lora=getattr(entry.document.spec, "lora", None),
        platform=platform, results=tuple(sorted(results, key=lambda each: each.digest)))
    digest, text = document_text("Evaluation", said.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    files = {f"{digest.replace(':', '-')}.yaml": text.encode()}
    if keep:
        files |= {f"{RESULTS_FOLDER}/{evaluation_result(content).digest.replace(':', '-')}.json": content for content in contents.values()}
    return digest, files


def resting_on(world: World, path: Path) -> Iterator[tuple[str, bool]]:
    """Digest of each evaluation that a raw file is bound to, and whether it says what the file says.

    Raises:
        CannotStart: the file is no result.
    """
    try:
        read = evaluation_result(path.read_bytes())
    except (WrongResult, ValidationError) as error:
        raise CannotStart(f"{path}: {error}") from None
    for digest, evaluation in world.evidence.evaluations.items():
        for result in evaluation.spec.results:
            if result.digest == read.digest:
                yield digest, result == read.model_copy(update={"stored_at": result.stored_at})


def new_approval(world: World, environment: str, service: str, release: str | None, who: str, as_of: date, note: str,
                 ) -> tuple[str, str, dict[str, bytes]]:
    """Digests of the document and of the release, and the file to write below ``evidence/``.

    Raises:
        CannotStart: no environment before has that release.
    """
    target = world.environment(environment)
    service_of(target, service)
    sources = target.environment.spec.promotion.sources if target.environment.spec.promotion is not None else ()
    there = {name: digest_of(service_of(world.environment(name), service).document.spec) for name in sources}
    known = ", ".join(f"{name} has {digest}" for name, digest in there.items()) or f"{environment} has no promotion.from"
    if release is None and len(set(there.values())) != 1:
        raise CannotStart(f"say which with --release: {known}.")
    chosen = release or next(iter(there.values()))
    if chosen not in there.values():
        raise CannotStart(f"{chosen} can come from nowhere: {known}.")
    try:
        said = ApprovalSpec(environment=environment, service=service, release=chosen, approved_by=who, approved_on=as_of.isoformat(),
                            note=note)
    except ValidationError as error:
        raise CannotStart(f"{error.errors()[0]['loc'][0]}: {error.errors()[0]['msg']}") from None
    digest, text = document_text("Approval", said.model_dump(mode="json", exclude_defaults=True))
    return digest, chosen, {f"{digest.replace(':', '-')}.yaml": text.encode()}


def _other(result: EvaluationResult, entry: ServiceEntry, served_as: str | None, as_of: date) -> Iterator[str]:
    """What a file says that it measured, where that is not what ran."""
    release = entry.document.spec.release
    names = _names(entry) | ({served_as} if served_as is not None else set())
    model, revision, image = (result.says.get(key) for key in ("model", "revision", "image"))
    if model is not None and model not in names:
        yield (f"says that {model} was measured; {entry.name} has {release.model.uri}. Name another file, or, where it is served under "
               f"that name, give --served-as {model}.")
    known = release.model.revision
    if revision is not None and known is not None and not (revision.startswith(known) or known.startswith(revision)):
        yield f"says that revision {revision} was measured; {entry.name} has {known}."
    if image is not None and image.partition("@")[2] != release.server.image.partition("@")[2]:
        yield f"says that image {image} was measured; {entry.name} has {release.server.image}."
    if result.measured_on > as_of.isoformat():
        yield f"says that it was measured on {result.measured_on}, which is after {as_of}."


def _names(entry: ServiceEntry) -> set[str]:
    """What the model may be called: its repository, its service, and what callers ask for."""
    document: Any = entry.document
    repository = document.spec.release.model.model.partition("://")[2]
    traffic = getattr(document.spec, "traffic", None)
    asked = getattr(traffic, "model_name", None)
    adapters = [each.name for each in document.spec.lora.adapters] if getattr(document.spec, "lora", None) is not None else []
    return {repository, repository.rpartition("/")[2], document.name, entry.name, "/mnt/models", *adapters, *((asked,) if asked else ())}


def _unkeepable(content: bytes) -> Iterator[str]:
    if len(content) > MOST_KEPT_BYTES:
        yield f"{len(content)} bytes is more than the {MOST_KEPT_BYTES} that are kept in git; store it elsewhere and give --stored-at."
    if next(iter(spans(content.decode("utf-8", "replace"))), None) is not None:
        yield "holds what has the form of a secret, so it is not kept in git; store it elsewhere and give --stored-at."
