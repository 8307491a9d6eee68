"""What was measured of a canary: asked of Prometheus, or read from a file that holds the same answers."""

from __future__ import annotations

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.json_file import read_object
from gpuplane.planning.canary_measures import Question, questions, ready_query, window_seconds
from gpuplane.planning.canary_verdict import Samples, Share, Values
from gpuplane.spec.canary import Canary
from gpuplane.spec.environment_spec import ServiceEntry
from gpuplane.spec.errors import dotted, listed, shown

TIMEOUT_SECONDS = 30
POINTS = 30
"""Values of a figure over the window; more would be nearly the same ones again."""


_MOST_BYTES = 5_000_000
_FORM = ('{"held_seconds": N, "ready": N, "measures": {NAME: {"bad": N, "total": N, "stable": {"bad": N, "total": N}} or [VALUE, ...]}}, '
         "no number below 0, and bad at most total.")
_Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Counted(BaseModel):
    """Requests that were bad, of all."""

    model_config = ConfigDict(extra="forbid", strict=True)

    bad: _Number
    total: _Number

    @model_validator(mode="after")
    def _bad_at_most_all(self) -> Self:
        if self.bad > self.total:
            raise ValueError(f"bad is {self.bad:g} of {self.total:g}")
        return self


class Compared(Counted):
    """The same of the canary, and of its service at the same time."""

    stable: Counted | None = None


class SamplesFile(BaseModel):
    """What ``--samples`` reads."""

    model_config = ConfigDict(extra="forbid", strict=True)

    held_seconds: _Number
    ready: Annotated[int, Field(ge=0, le=1_000_000)]
    measures: dict[str, Compared | Annotated[tuple[_Number, ...], Field(strict=False)]]


def from_prometheus(url: str, entry: ServiceEntry, canary: Canary, held_seconds: float, now: float) -> Samples:
    """Ask Prometheus.

    Args:
        url: of Prometheus, e.g. ``http://localhost:9090``.
        held_seconds: how long the present step has lasted.
        now: Unix time that is asked for.

    Raises:
        CannotStart: Prometheus does not answer, or not to a query.
    """
    seconds = window_seconds(canary, held_seconds)

    def number(query: str) -> float:
        found = _ask(url, "query", {"query": query, "time": now})
        return _finite(found[0]["value"][1]) if found else 0.0

    def series(query: str) -> tuple[float, ...]:
        span = {"query": query, "start": now - seconds, "end": now, "step": max(1, seconds // POINTS)}
        return tuple(_finite(value) for _, value in next((row["values"] for row in _ask(url, "query_range", span)), ()))

    def measured(question: Question) -> Share | Values:
        if not question.total:
            return Values(question.name, series(question.query), float(question.limit))
        def bad_and_all(query: str, of_all: str) -> tuple[float, float]:
            counted, total = number(query), number(of_all)
            return (total - counted if question.counts_good else counted), total

        return Share(question.name, *bad_and_all(question.query, question.total), float(question.limit),
                     bad_and_all(*question.of_service), _worse(question))

    return Samples(tuple(map(measured, questions(entry, canary, seconds))), held_seconds, round(number(ready_query(entry, canary))))


def from_file(path: Path, entry: ServiceEntry, canary: Canary) -> Samples:
    """Read ``{"held_seconds": N, "ready": N, "measures": {NAME: {"bad": N, "total": N, "stable": {"bad": N, "total": N}} or
    [VALUE, ...]}}``; what is left out was not measured.

    Raises:
        CannotStart: the file is not of that form, or names what the canary is not judged by.
    """
    try:
        read = SamplesFile.model_validate(read_object(path, _MOST_BYTES))
    except ValidationError as error:
        wrong = sorted(f"{dotted(one['loc'])[:200]}: {one['msg']}" for one in error.errors(include_url=False))
        raise CannotStart(f"{path}: {listed(wrong)}. Allowed: {_FORM}") from None
    asked = questions(entry, canary, window_seconds(canary, read.held_seconds))
    unknown = sorted(set(read.measures) - {question.name for question in asked})
    if unknown:
        raise CannotStart(f"{path}: {listed(map(shown, unknown))}: the canary is judged by {', '.join(each.name for each in asked)}.")
    return Samples(tuple(_given(path, question, read.measures.get(question.name)) for question in asked), read.held_seconds, read.ready)


def _given(path: Path, question: Question, value: Compared | tuple[float, ...] | None) -> Share | Values:
    if value is not None and isinstance(value, Compared) != bool(question.total):
        kind = '{"bad": N, "total": N}' if question.total else "[VALUE, ...]"
        raise CannotStart(f"{path}: measures.{question.name} is to be {kind}.")
    if not isinstance(value, Compared):
        return (Share(question.name, 0, 0, float(question.limit), None, _worse(question)) if question.total
                else Values(question.name, value or (), float(question.limit)))
    stable = (value.stable.bad, value.stable.total) if value.stable is not None else None
    return Share(question.name, value.bad, value.total, float(question.limit), stable, _worse(question))


def _worse(question: Question) -> float | None:
    return None if question.worse is None else float(question.worse)


def _finite(value: Any) -> float:
    number = float(value)
    return number if math.isfinite(number) else 0.0


def _ask(url: str, what: str, arguments: Mapping[str, Any]) -> list[Any]:
    if not url.startswith(("http://", "https://")):
        raise CannotStart(f"--prometheus {url}: not an address of HTTP.")
    address = f"{url.rstrip('/')}/api/v1/{what}?{urllib.parse.urlencode(arguments)}"
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 checked above
            found: list[Any] = json.load(answer)["data"]["result"]
            return found
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(300).decode(errors="replace")
        raise CannotStart(f"{url}: does not answer {arguments['query']}: {said}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotStart(f"{url}: is no Prometheus that answers ({error}).") from None
