"""Which releases a service's file has had, by git's history: since when the present one is there, and what was before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from gpuplane.delivery.promotion.repository import Commit, Repository
from gpuplane.planning.promotion.releases import BLOCKS, release_digest
from gpuplane.spec.llm_inference_service import LoraAdapters
from gpuplane.spec.model import SpecModel
from gpuplane.spec.release import Release
from gpuplane.spec.yaml_source import WISH_LIMITS, parse_text

_MODELS: Mapping[str, type[SpecModel]] = {"release": Release, "lora": LoraAdapters}


@dataclass(frozen=True)
class Stretch:
    """A release, and the commit of the first parents' line that brought it in.

    Attributes:
        value: release and adapters, as :func:`gpuplane.planning.promotion.releases.moved` gives them.
        seconds: since when, in Unix time: never before the commit that it was built on, whatever its own clock said.
        at_least: the history is cut off there; it may have been there for longer.
    """

    digest: str
    value: Mapping[str, Any]
    commit: Commit
    seconds: int
    at_least: bool = False


def stretches(repository: Repository, commit: str, path: str) -> Iterator[Stretch]:
    """Every release that a file has had, newest first; a commit that changed something else begins no new one."""
    first: tuple[str, Mapping[str, Any], Commit] | None = None
    for each in repository.history(commit, path):
        value = released(repository.read(each.hash, path))
        digest = release_digest(value) if value is not None else ""
        if first is not None and digest != first[0]:
            yield _stretch(repository, *first)
        first = (digest, value, each) if value is not None else None
    if first is not None:
        yield _stretch(repository, *first)


@lru_cache(maxsize=8)
def built_on(repository: Repository, commit: str, now: int) -> Mapping[str, int]:
    """For each commit on the first parents' line, when the newest of those before it was made, in Unix time.

    A commit whose committer's clock was behind is not as old as it says; one whose clock was ahead, so that it is of a time that has not
    come yet, says nothing about those after it.

    Args:
        now: Unix time.
    """
    found, newest = {}, 0
    for name, seconds in reversed(repository.line(commit)):
        found[name] = newest
        newest = max(newest, seconds) if seconds <= now else newest
    return found


def released(content: bytes | None) -> dict[str, Any] | None:
    """Release and adapters of a service's file; None where there is none. What today's models cannot read is taken as it is written."""
    if content is None:
        return None
    try:
        documents, _ = parse_text(content.decode("utf-8"), "", WISH_LIMITS)
    except UnicodeDecodeError:
        return None
    value = documents[0].value if len(documents) == 1 else None
    spec = value.get("spec") if isinstance(value, dict) else None
    if not isinstance(spec, dict) or "release" not in spec:
        return None
    return {name: _plain(name, spec[name]) for name in BLOCKS if name in spec}


def _plain(name: str, value: Any) -> Any:
    try:
        found = _MODELS[name].model_validate_json(json.dumps(value), by_alias=True, by_name=False)
    except (ValidationError, ValueError, TypeError):
        return value
    return found.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _stretch(repository: Repository, digest: str, value: Mapping[str, Any], commit: Commit) -> Stretch:
    seconds = max(commit.seconds, repository.one(commit.parents[0]).seconds) if commit.parents else commit.seconds
    return Stretch(digest, value, commit, seconds, repository.boundary(commit))
