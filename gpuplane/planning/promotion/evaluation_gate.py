"""The gate of evaluations: there is fresh evidence of exactly what would run, and every claim on it holds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from gpuplane.catalog.bench_results import SAME_SIZE
from gpuplane.planning.promotion.gate import GateResult
from gpuplane.planning.promotion.measures import Claim, bound_claim, relative_claim
from gpuplane.planning.promotion.releases import FieldDifference, differences, moved
from gpuplane.planning.proof import Proof
from gpuplane.spec.evaluation import EvaluatedMeasure, EvaluatedPlatform, Evaluation, EvaluationResult
from gpuplane.spec.promotion import EvaluationGate, EvaluationGates, MeasureGate

GATE = "evaluations"
_ADD = "Evaluate it where it runs, and gpuplane evidence add."


@dataclass(frozen=True)
class Candidate:
    """What would move, and what it would meet.

    Attributes:
        service: ``TENANT/SERVICE``.
        new: release and adapters that would run.
        now: those that run now.
        platform: of the target.
        upstream: environments whose evaluations count.
        as_of: the day that ages are counted to.
    """

    service: str
    new: Mapping[str, Any]
    now: Mapping[str, Any]
    platform: EvaluatedPlatform
    upstream: tuple[str, ...]
    as_of: date


@dataclass(frozen=True)
class _Found:
    digest: str
    result: EvaluationResult
    measure: EvaluatedMeasure
    platform: EvaluatedPlatform


def evaluation_results(gates: EvaluationGates, candidate: Candidate, evidence: Mapping[str, Evaluation]) -> tuple[GateResult, ...]:
    """What the gate says of one service: one result for each claim, or one that says why there is nothing to claim from."""
    required = next((entry for entry in gates.required if any(names(pattern, candidate.service) for pattern in entry.services)), None)
    if required is None:
        return (GateResult(GATE, candidate.service, "unknown", "no entry of evaluations.required names it",
                           "Say what must be measured of it, or not_evaluated with the reason."),)
    if required.measures is None:
        return (GateResult(GATE, candidate.service, "waived", f"not evaluated: {required.not_evaluated}"),)
    own = {digest: each for digest, each in sorted(evidence.items())
           if each.spec.service == candidate.service and each.spec.environment in candidate.upstream}
    bound = {digest: each for digest, each in own.items() if not _unbound(gates, candidate.new, candidate.platform, each)}
    if not bound:
        return (_nothing_bound(gates, candidate, own),)
    baseline = {digest: each for digest, each in evidence.items()
                if each.spec.service == candidate.service and not differences(moved(each.spec), candidate.now)}
    return tuple(_claims(gates, required, candidate, bound, baseline))


def names(pattern: str, service: str) -> bool:
    """Whether ``TENANT/SERVICE`` is meant by a pattern in which ``*`` stands for any name."""
    return all(wanted in ("*", given) for wanted, given in zip(pattern.split("/"), service.split("/"), strict=True))


def _unbound(gates: EvaluationGates, release: Mapping[str, Any], platform: EvaluatedPlatform, each: Evaluation,
             ) -> tuple[FieldDifference, ...]:
    """Where what was evaluated is not what would run."""
    return (*differences(moved(each.spec), release),
            *(found for found in platform_differences(each.spec.platform, platform) if found.path not in gates.may_differ))


def platform_differences(evaluated: EvaluatedPlatform, target: EvaluatedPlatform) -> tuple[FieldDifference, ...]:
    """Where two platforms differ; a chart that only the evaluated one had changes nothing where it is not."""
    here, there = (each.model_dump(mode="json") for each in (evaluated, target))
    here["charts"] = {name: version for name, version in here["charts"].items() if name in there["charts"]}
    return tuple(FieldDifference(f"charts.{found.path.removeprefix('charts.')}" if found.path.startswith("charts") else found.path,
                                 found.here, found.there) for found in differences(here, there))


def _nothing_bound(gates: EvaluationGates, candidate: Candidate, own: Mapping[str, Evaluation]) -> GateResult:
    if not own:
        return GateResult(GATE, candidate.service, "unknown",
                          f"nothing was evaluated of it in {' or '.join(candidate.upstream) or 'any environment before'}", _ADD)
    nearest = min(own.items(), key=lambda item: (len(_unbound(gates, candidate.new, candidate.platform, item[1])), item[0]))
    found = _unbound(gates, candidate.new, candidate.platform, nearest[1])
    said = "; ".join(f"{each.path}: evaluated {each.here}, would run {each.there}" for each in found)
    paths = [each.path for each in found]
    remedy = _ADD if any(path.startswith(("release", "lora")) for path in paths) else (
        f"{_ADD} Or, where it makes no difference, write may_differ: [{', '.join(paths)}] into the gate.")
    return GateResult(GATE, candidate.service, "fail", f"what was evaluated is not what would run ({_short(nearest[0])}): {said}", remedy)


def _claims(gates: EvaluationGates, required: EvaluationGate, candidate: Candidate, bound: Mapping[str, Evaluation],
            baseline: Mapping[str, Evaluation]) -> Iterator[GateResult]:
    oldest = (candidate.as_of - timedelta(days=gates.max_age_days)).isoformat()
    for gate in required.measures or ():
        known = [found for found in _all(bound, gate.measure) if found.result.measured_on <= candidate.as_of.isoformat()]
        fresh = [found for found in known if found.result.measured_on >= oldest]
        if not fresh:
            yield _not_measured(gates, gate, candidate, bound, known)
            continue
        usable = [(found, _lacking(gate, found)) for found in fresh]
        claims = [tuple(_judged(gate, found, baseline)) for found, lacking in usable if not lacking]
        rests_on = tuple(dict.fromkeys(found.digest for found, _ in usable))
        if not claims:
            yield GateResult(GATE, candidate.service, "unknown", f"{gate.measure}: {usable[0][1]}", _ADD, None, rests_on)
        for same in zip(*claims, strict=True):
            state, said, proof = _decisive(same)
            yield GateResult(GATE, candidate.service, state, said, "" if state == "pass" else _remedy(state, said), proof, rests_on)


def _decisive(claims: Sequence[Claim]) -> Claim:
    """One claim on several fresh evaluations: one that it surely fails counts, so that nobody evaluates until it happens to pass."""
    return min(claims, key=lambda claim: ("fail", "pass", "unknown").index(claim[0]))


def _judged(gate: MeasureGate, found: _Found, baseline: Mapping[str, Evaluation]) -> Iterator[Claim]:
    source = f"{found.digest} ({found.result.format}, {found.result.measured_on}, raw {found.result.digest})"
    for limit, least in ((gate.at_least, True), (gate.at_most, False)):
        if limit is not None:
            yield bound_claim(gate.measure, found.measure, limit, least, source)
    if gate.not_worse_by is None and gate.not_worse_by_percent is None:
        return
    now, why = _comparable(gate.measure, found, baseline)
    for worse, percent in ((gate.not_worse_by, None), (None, gate.not_worse_by_percent)):
        if worse is None and percent is None:
            continue
        if now is not None:
            yield relative_claim(gate.measure, found.measure, now.measure, worse, percent, f"{source}; now: {now.digest}")
        else:
            said = f"{gate.measure} cannot be compared with what the target runs now: {why}"
            yield "unknown", said, Proof(f"{gate.measure} against now", "needs a figure of what the target runs now", (), "unknown", "",
                                         (source,))


def _comparable(name: str, found: _Found, baseline: Mapping[str, Evaluation]) -> tuple[_Found | None, str]:
    """The newest figure of what the target runs now that was measured in the same way."""
    why = "nothing was evaluated of that"
    for now in _all(baseline, name):
        differing = _conditions(name, found, now)
        if not differing:
            return now, ""
        why = f"it was measured otherwise ({'; '.join(differing)})"
    return None, why


def _conditions(name: str, one: _Found, other: _Found) -> list[str]:
    """Conditions of a figure that differ; those of other tasks do not count, nor token counts within 5 %."""
    task = name.partition("/")[0]
    here, there = ({key: value for key, value in each.result.conditions.items() if "/" not in key or key.startswith(f"{task}/")}
                   for each in (one, other))
    found = [f"{key} {here.get(key, 'not said')} against {there.get(key, 'not said')}" for key in sorted(here.keys() | there.keys())
             if not _alike(key, here.get(key, ""), there.get(key, ""))]
    if one.result.format == "vllm-bench-serve" and one.platform.gpu != other.platform.gpu:
        found.append(f"gpu {one.platform.gpu} against {other.platform.gpu}")
    return found


def _alike(key: str, one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        return key.endswith("_tokens") and math.isclose(float(one), float(other), rel_tol=SAME_SIZE)
    except ValueError:
        return False


def _all(evidence: Mapping[str, Evaluation], name: str) -> list[_Found]:
    """Every figure of a name, newest first; of one day, in the order of digests."""
    found = [_Found(digest, result, result.measures[name], each.spec.platform) for digest, each in sorted(evidence.items())
             for result in each.spec.results if name in result.measures]
    return sorted(found, key=lambda each: each.result.measured_on, reverse=True)


def _not_measured(gates: EvaluationGates, gate: MeasureGate, candidate: Candidate, bound: Mapping[str, Evaluation],
                  known: Sequence[_Found]) -> GateResult:
    if known:
        said = f"{gate.measure} was measured on {known[0].result.measured_on}, more than {gates.max_age_days} days before {candidate.as_of}"
    else:
        there = sorted({name for each in bound.values() for result in each.spec.results for name in result.measures})
        said = f"{gate.measure} was not measured; measured were {', '.join(there[:8])}{' …' if len(there) > 8 else ''}"
    return GateResult(GATE, candidate.service, "unknown", said, _ADD)


def _lacking(gate: MeasureGate, found: _Found) -> str:
    if found.measure.samples < gate.min_samples:
        return f"{found.measure.samples} samples; {gate.min_samples} are needed at least"
    if gate.at_requests_per_second is not None:
        load = found.result.measures.get("requests_per_second")
        if load is None or load.value < float(gate.at_requests_per_second):
            reached = "no load is said" if load is None else f"{load.value:.3g} requests/s were answered"
            return f"{reached} while it was measured; {gate.at_requests_per_second:f} are needed at least"
    return ""


def _remedy(state: str, said: str) -> str:
    if state == "fail":
        return "This release does not move; change it, or let the owners of the gate change the claim."
    if "knowable" in said:
        return "Save samples (vllm bench serve --save-detailed)."
    return "Evaluate with more samples, and what the target runs now under the same conditions."


def _short(digest: str) -> str:
    return digest[:19]
