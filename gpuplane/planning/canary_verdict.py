"""Whether a canary goes on, waits or goes back: a pure function of what was measured, with the reasons in words.

Nothing is claimed from a bare mean. A share of requests is judged by its Wilson score interval (E. B. Wilson, 1927), a figure that comes
as a series of values by the interval of its median from order statistics (the binomial sign interval, which assumes no distribution).
Both at 95 %: good is what is within its limit with the whole interval, bad what is beyond it with the whole interval. Where the service
itself is surely beyond the limit, its canary is not to blame: nothing is concluded. The difference of two shares is judged by the hybrid
score interval (R. G. Newcombe, 1998, method 10).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Literal

from gpuplane.planning.intervals import Z, difference_interval, median_interval, wilson

Verdict = Literal["advance", "promote", "hold", "roll back"]
State = Literal["good", "unsure", "bad"]


@dataclass(frozen=True)
class Share:
    """Requests of the canary that were not as they should be, of all that it answered; at most ``allowed`` of 1 may be.

    Attributes:
        stable: the same counts, bad and all, of its service at the same time; None where nobody asked.
        worse: how much larger its share may be than its service's, of 1; None: they are not compared.
    """

    name: str
    bad: float
    total: float
    allowed: float
    stable: tuple[float, float] | None = None
    worse: float | None = None


@dataclass(frozen=True)
class Values:
    """A figure of the canary over time, which should be at most ``most``."""

    name: str
    values: tuple[float, ...]
    most: float


@dataclass(frozen=True)
class Samples:
    """What was measured in the present step.

    Attributes:
        measures: shares and series; one that Prometheus has no answer to has a total of 0, or no values.
        held_seconds: how long the step has lasted.
        ready: replicas of the canary that answer.
    """

    measures: tuple[Share | Values, ...]
    held_seconds: float
    ready: int


@dataclass(frozen=True)
class Steps:
    """Where a canary stands, as its document says.

    Attributes:
        percent: its present share; 0 while its weights load.
        steps: the shares that it goes through.
        replicas: that it has at that share.
    """

    percent: int
    steps: tuple[int, ...]
    hold_seconds: int
    min_requests: int
    replicas: int


@dataclass(frozen=True)
class Judgement:
    """The verdict, the share that follows from it (None: it stays), and why."""

    verdict: Verdict
    percent: int | None
    reasons: tuple[str, ...]


def judge_canary(samples: Samples, at: Steps) -> Judgement:
    """Advance, hold or roll back.

    Whatever is surely bad rolls back at once. To advance, the step must have lasted, every replica must answer, the canary must have
    answered enough requests, and every measure must surely be good. At 0 there are no requests to judge: it advances once it is ready.
    """
    found = [judged for measure in samples.measures for judged in _judged(measure, at)] if at.percent else []
    bad = [reason for state, reason in found if state == "bad"]
    if at.percent and samples.ready == 0:
        bad.append("no replica of it answers")
    if bad:
        return Judgement("roll back", 0, tuple(bad))
    waiting = [*_not_yet(samples, at), *(reason for state, reason in found if state == "unsure")]
    if waiting:
        return Judgement("hold", None, tuple(waiting))
    good = tuple(reason for _, reason in found) or (f"{samples.ready} of {at.replicas} replicas answer",)
    following = next((step for step in at.steps if step > at.percent), None)
    return Judgement("promote" if following is None else "advance", following, good)


def requests_needed(allowed: float) -> int:
    """Requests without any bad one that prove a share of at most ``allowed`` (0 to 1)."""
    return ceil(Z * Z * (1 - allowed) / allowed) if allowed > 0 else 0


def _not_yet(samples: Samples, at: Steps) -> Iterator[str]:
    if at.percent and samples.held_seconds < at.hold_seconds:
        yield f"{at.percent} % has lasted {samples.held_seconds:.0f} of {at.hold_seconds} s"
    if samples.ready < at.replicas:
        yield f"{samples.ready} of {at.replicas} replicas answer"


def _judged(measure: Share | Values, at: Steps) -> Iterator[tuple[State, str]]:
    if isinstance(measure, Values):
        yield _values(measure)
        return
    yield _share(measure, at.min_requests)
    if measure.worse is not None and measure.total >= at.min_requests:
        yield _compared(measure, measure.stable or (0.0, 0.0), measure.worse)


def _compared(measure: Share, stable: tuple[float, float], worse: float) -> tuple[State, str]:
    low, high = difference_interval(measure.bad, measure.total, *stable)
    said = (f"{measure.name} against {stable[0]:.0f} of {stable[1]:.0f} requests of its service: {_percent(low)} to {_percent(high)} "
            f"percentage points more, at most {_percent(worse)}")
    return ("bad" if low > worse else "good" if high <= worse else "unsure"), said


def _share(measure: Share, least: int) -> tuple[State, str]:
    low, high = wilson(measure.bad, measure.total)
    counted = f"{measure.name}: {measure.bad:.0f} of {measure.total:.0f} requests"
    said = f"{counted}, {_percent(low)} to {_percent(high)} %, at most {_percent(measure.allowed)} %"
    if low > measure.allowed:
        if measure.stable is not None and wilson(*measure.stable)[0] > measure.allowed:
            return "unsure", f"{said}; so are {measure.stable[0]:.0f} of {measure.stable[1]:.0f} of its service: it is not to blame"
        return "bad", said
    if measure.total < least:
        return "unsure", f"{counted}; {least} are needed at least"
    if high <= measure.allowed:
        return "good", said
    return "unsure", f"{said}; without a bad one it would take {requests_needed(measure.allowed)}"


def _values(measure: Values) -> tuple[State, str]:
    interval = median_interval(measure.values)
    if interval is None:
        return "unsure", f"{measure.name}: {len(measure.values)} values; six are needed at least"
    said = f"{measure.name}: median {interval[0]:g} to {interval[1]:g} of {len(measure.values)} values, at most {measure.most:g}"
    return ("bad" if interval[0] > measure.most else "good" if interval[1] <= measure.most else "unsure"), said


def _percent(share: float) -> str:
    return f"{100 * share:.2f}".rstrip("0").rstrip(".")
