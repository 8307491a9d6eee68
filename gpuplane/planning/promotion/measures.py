"""Claims on one measured figure: surely true, surely false, or not knowable from the samples there are."""

from __future__ import annotations

from decimal import Decimal
from math import ceil, inf, isfinite

from gpuplane.planning.intervals import Interval, difference
from gpuplane.planning.promotion.gate import State
from gpuplane.planning.proof import Proof
from gpuplane.spec.evaluation import EvaluatedMeasure

Claim = tuple[State, str, Proof]


def interval_of(measure: EvaluatedMeasure) -> Interval:
    """The figure with its interval; infinite ends where the file could not give them."""
    return Interval(-inf if measure.low is None else measure.low, measure.value, inf if measure.high is None else measure.high)


def bound_claim(name: str, measure: EvaluatedMeasure, limit: Decimal, least: bool, source: str) -> Claim:
    """That a figure is at least, or at most, ``limit``, with its whole interval."""
    found, bound = interval_of(measure), float(limit)
    good, bad = (found.low >= bound, found.high < bound) if least else (found.high <= bound, found.low > bound)
    word = "at least" if least else "at most"
    said = f"{name} is {shown(found)} of {measure.samples}, {word} {number(bound)}"
    state: State = "pass" if good else "fail" if bad else "unknown"
    if state == "unknown":
        said += f"; {_lacking(measure, bound)}"
    return state, said, Proof(
        f"{name} {word} {number(bound)}", "low ≥ limit" if least else "high ≤ limit",
        (("value", number(found.value)), ("low", number(found.low)), ("high", number(found.high)), ("samples", str(measure.samples)),
         ("interval", measure.interval), ("limit", number(bound))), state, "95 %", (source,))


def relative_claim(name: str, measure: EvaluatedMeasure, now: EvaluatedMeasure, worse_by: Decimal | None, percent: Decimal | None,
                   source: str) -> Claim:
    """That a figure is not worse, by more than so much, than that of what the target runs now.

    The loss is ``target - factor × candidate``-like: for a figure that should be high what the target has, less the candidate's; for one
    that should be low the other way round. ``percent`` scales the target's side.
    """
    new, old = interval_of(measure), interval_of(now)
    share, allowed = float(percent or 0) / 100, float(worse_by or 0)
    if measure.better == "higher":
        loss = _negative(difference(new, old, 1 - share)) if share < 1 else Interval(-inf, -inf, -inf)
    else:
        loss = difference(new, old, 1 + share)
    state: State = "pass" if loss.high <= allowed else "fail" if loss.low > allowed else "unknown"
    limit = f"{percent:f} % worse" if percent is not None else f"{number(allowed)} worse"
    said = (f"{name} is {shown(new)} of {measure.samples}; what the target runs now has {shown(old)} of {now.samples}; at most {limit}: "
            f"worse by {_loss(loss, share)}")
    if state == "unknown":
        said += ("; the samples do not decide it" if isfinite(loss.high) and isfinite(loss.low) else
                 "; without samples in both files it is not knowable")
    formula = ("(1 - p) × target - candidate ≤ d" if measure.better == "higher" else "candidate - (1 + p) × target ≤ d")
    return state, said, Proof(
        f"{name} at most {limit} than now", f"{formula}, with the interval of the difference",
        (("candidate", shown(new)), ("target", shown(old)), ("p", number(share)), ("d", number(allowed)), ("low", number(loss.low)),
         ("high", number(loss.high))), state, "95 %", (source,))


def samples_needed(measure: EvaluatedMeasure, bound: float) -> int | None:
    """About how many samples would decide a claim, at the same figure; None where the figure lies on the bound or has no interval."""
    found = interval_of(measure)
    gap, half = abs(found.value - bound), max(found.value - found.low, found.high - found.value)
    if not isfinite(half) or gap <= 0 or measure.samples <= 0:
        return None
    return ceil(measure.samples * (half / gap) ** 2)


def shown(interval: Interval) -> str:
    """``0.71 (0.69 to 0.74)``."""
    if not isfinite(interval.low) and not isfinite(interval.high):
        return f"{number(interval.value)} (no interval)"
    return f"{number(interval.value)} ({number(interval.low)} to {number(interval.high)})"


def number(value: float) -> str:
    """A figure in at most five digits; ``?`` for an end that is not known."""
    return f"{value:.5g}" if isfinite(value) else "?"


def _negative(interval: Interval) -> Interval:
    return Interval(-interval.high, -interval.value, -interval.low)


def _loss(loss: Interval, share: float) -> str:
    beyond = " beyond that share" if share else ""
    return f"{number(loss.low)} to {number(loss.high)}{beyond}"


def _lacking(measure: EvaluatedMeasure, bound: float) -> str:
    if measure.interval == "none":
        return "the file holds no samples of it, so how sure it is is not knowable"
    needed = samples_needed(measure, bound)
    if needed is None or needed <= measure.samples:
        return "its interval has the limit in it"
    return f"its interval has the limit in it; at this figure it would take about {needed} samples"
