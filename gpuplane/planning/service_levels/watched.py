"""OB-03: a promise that nothing can measure is refused; what is measured a little differently is noted."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from gpuplane.catalog.metrics import can_be_traced, measurable
from gpuplane.planning.refusal import UNMEASURED_OBJECTIVE, Refusal, refused
from gpuplane.planning.service_levels.burn_rate import burn_alerts, hours
from gpuplane.planning.service_levels.indicators import MEASURABLE, UNITS_PER_SECOND, Indicator, Unmeasured, indicators
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry


def unmeasured_refusals(spec: EnvironmentSpec) -> Iterator[Refusal]:
    """Every promise that the service's engine has no metric for, where the environment is watched."""
    if spec.environment.spec.monitoring is None:
        return
    for entry in spec.services.values():
        for unmeasured in indicators(entry.document.spec)[1]:
            yield _refused(entry, unmeasured)


def indicator_notes(spec: EnvironmentSpec) -> Iterator[str]:
    """Thresholds that are not bucket boundaries, means, and loads so small that one bad request calls somebody."""
    if spec.environment.spec.monitoring is None:
        return
    for name, entry in sorted(spec.services.items()):
        objectives = entry.document.spec.objectives
        if objectives is None:
            continue
        for field, statistic in objectives.targets:
            if statistic == "mean":
                yield f"{name}: a mean has no error budget, so {field}.mean is planned with and shown, but no alert watches it."
        for indicator in indicators(entry.document.spec)[0]:
            if indicator.is_rounded:
                yield _rounded(name, indicator)
            if _counts_requests(indicator) and _is_rare(indicator, objectives.requests_per_second):
                yield (f"{name}: at {objectives.requests_per_second:f} requests a second, two bad requests within an hour burn the budget "
                       f"of {indicator.path} fast enough to call somebody; loosen it, or leave it out while there is so little traffic.")


def tracing_notes(spec: EnvironmentSpec) -> Iterator[str]:
    """Services that send no traces although the environment has a collector."""
    if spec.environment.spec.tracing is None:
        return
    for name, entry in sorted(spec.services.items()):
        engine, version = entry.document.spec.release.engine
        if not can_be_traced(engine, version):
            yield f"{name} sends no traces: the image of {engine} {version} can not, and would not start if it were told to."


def _refused(entry: ServiceEntry, unmeasured: Unmeasured) -> Refusal:
    possible = [*measurable(*entry.document.spec.release.engine, MEASURABLE), "availability_percent"]
    if unmeasured.smallest is not None:
        remedy = f"Promise {unmeasured.smallest} ms or more, or leave it out."
    else:
        remedy = f"Leave it out; this engine can be held to {', '.join(sorted(possible))}."
    path = f"spec.objectives.{unmeasured.path}"
    return refused(UNMEASURED_OBJECTIVE, entry.place, path, f"{unmeasured.reason}.", remedy, tenant=entry.tenant)


def _rounded(name: str, indicator: Indicator) -> str:
    metric = indicator.metric
    assert metric is not None
    assert indicator.bound is not None
    assert indicator.promised is not None
    to_ms = Decimal(1000) / UNITS_PER_SECOND[metric.unit]
    above = next((bound for bound in metric.buckets if bound >= indicator.promised), None)
    upper = f"; the next is {above * to_ms:.0f} ms" if above is not None else ""
    return (f"{name}: {indicator.path} is watched at {indicator.bound * to_ms:.0f} ms, not {indicator.promised * to_ms:.0f} ms: "
            f"the nearest boundary of {metric.name} that overlooks nothing{upper}.")


def _counts_requests(indicator: Indicator) -> bool:
    return indicator.metric is not None and (indicator.metric.type == "histogram" or bool(indicator.total))


def _is_rare(indicator: Indicator, requests_per_second: Decimal) -> bool:
    """Whether two bad requests reach the fastest alert's threshold within its long window, at the planned load."""
    alert = burn_alerts(indicator.budget)[0]
    return alert.threshold(indicator.budget) * requests_per_second * hours(alert.long) * 3600 < 2
