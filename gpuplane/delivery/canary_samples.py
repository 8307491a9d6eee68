"""What was measured of a canary: asked of Prometheus, or read from a file that holds the same answers."""

from __future__ import annotations

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpuplane.delivery.exit_status import CannotStart
from gpuplane.planning.canary_measures import Question, questions, ready_query, window_seconds
from gpuplane.planning.canary_verdict import Samples, Share, Values
from gpuplane.spec.canary import Canary
from gpuplane.spec.environment_spec import ServiceEntry

TIMEOUT_SECONDS = 30
POINTS = 30
"""Values of a figure over the window; more would be nearly the same ones again."""


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
        read = json.loads(path.read_text(encoding="utf-8"))
        given: Mapping[str, Any] = read["measures"]
        asked = questions(entry, canary, window_seconds(canary, float(read["held_seconds"])))
        unknown = sorted(set(given) - {question.name for question in asked})
        if unknown:
            raise CannotStart(f"{path}: {', '.join(unknown)}: the canary is judged by {', '.join(each.name for each in asked)}.")
        return Samples(tuple(_given(question, given.get(question.name)) for question in asked), float(read["held_seconds"]),
                       int(read["ready"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotStart(f"{path}: not a file of samples ({type(error).__name__}: {error}).") from None


def _given(question: Question, value: Any) -> Share | Values:
    if not question.total:
        return Values(question.name, tuple(float(each) for each in value or ()), float(question.limit))
    counted = value or {"bad": 0, "total": 0}
    stable = (float(counted["stable"]["bad"]), float(counted["stable"]["total"])) if "stable" in counted else None
    return Share(question.name, float(counted["bad"]), float(counted["total"]), float(question.limit), stable, _worse(question))


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
