"""What scaling asks of engines and of callers: triggers that the engine measures, and the first caller's wait for a service at none.

Cold start = node start (where the pool may stand at no nodes) + load of the weights (:mod:`gpuplane.planning.memory.host`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil, floor
from types import MappingProxyType

from gpuplane.catalog.metrics import measurable, metric_that_measures
from gpuplane.planning.environment_plan import ColdStart, Pools, TenantPlan
from gpuplane.planning.memory.interval import Interval
from gpuplane.planning.memory.service_memory import ServiceMemory
from gpuplane.planning.refusal import UNMEASURED_TRIGGER, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry
from gpuplane.spec.scaling import Scaling

MEASURES: Mapping[str, str] = MappingProxyType({
    "waiting_requests": "waiting_requests", "running_requests": "running_requests",
    "output_tokens_per_second": "output_tokens", "kv_cache_percent": "kv_cache_percent"})
"""Trigger to what an engine's metric measures for it."""
NODE_START_SECONDS = Interval(90.0, 240.0, 600.0)
"""From the pending pod to a node with its driver and the engine's image. An assumption, not a measurement of ours: the report names it."""


def scaled_by_keda(scaling: Scaling) -> bool:
    """Whether KEDA moves its replicas, and KServe leaves them alone."""
    return scaling.triggers is not None or scaling.scale_to_zero is not None


def scaling_refusals(spec: EnvironmentSpec) -> Iterator[Refusal]:
    """OB-04: triggers that the engine's release has no metric for."""
    for entry in spec.services.values():
        triggers, (engine, version) = entry.document.spec.scaling.triggers, entry.document.spec.release.engine
        for trigger, measured in MEASURES.items():
            if getattr(triggers, trigger, None) is None or metric_that_measures(engine, version, measured) is not None:
                continue
            has = [name for name in MEASURES if measurable(engine, version, [MEASURES[name]])]
            yield refused(
                UNMEASURED_TRIGGER, entry.place, f"spec.scaling.triggers.{trigger}",
                f"{engine} {version} has no metric that measures it; it has one for: {', '.join(has) or 'none'}.",
                "Choose one of these." if has else "Remove triggers: the CPU's load is what is left to scale on.", trigger,
                ", ".join(has), entry.tenant)


def cold_starts(spec: EnvironmentSpec, pools: Pools, memories: Mapping[str, ServiceMemory]) -> Mapping[str, ColdStart]:
    """How long the first caller waits, of each service that runs down to none."""
    return {name: _cold_start(pools, memories.get(name), entry) for name, entry in spec.services.items()
            if entry.document.spec.scaling.min_replicas == 0}


def with_cold_starts(tenants: Mapping[str, TenantPlan], starts: Mapping[str, ColdStart]) -> dict[str, TenantPlan]:
    """Tenants' plans with the cold starts of their services."""
    return {name: tenant.with_each("cold_start", starts) for name, tenant in tenants.items()}


def _cold_start(pools: Pools, memory: ServiceMemory | None, entry: ServiceEntry) -> ColdStart:
    pool = pools[entry.document.spec.placement.pool]
    starts_node = pool.committed_nodes == 0 and pool.max_nodes > 0
    if memory is None or memory.host is None:
        return ColdStart(None, None, None, starts_node)
    seconds = memory.host.load_seconds + NODE_START_SECONDS if starts_node else memory.host.load_seconds
    return ColdStart(floor(seconds.low), ceil(seconds.expected), ceil(seconds.high), starts_node)


def scaling_notes(spec: EnvironmentSpec, starts: Mapping[str, ColdStart]) -> Iterator[str]:
    """What callers and operators of services should know: cold starts, promises that they break, and drains that stand still."""
    for name, start in starts.items():
        if start.low is not None and start.expected is not None:
            yield from _broken_promises(spec.services[name], start.low, start.expected)
    for name, entry in spec.services.items():
        service = entry.document.spec
        if service.disruption.max_unavailable == 0:
            yield f"Service {name}: disruption.max_unavailable 0 stops every drain of its nodes, upgrades of them too."
        elif service.disruption.max_unavailable >= service.scaling.max_replicas > 1:
            yield (f"Service {name}: disruption.max_unavailable {service.disruption.max_unavailable} lets a drain take all "
                   f"{service.scaling.max_replicas} replicas at once.")


def cold_start_text(name: str, start: ColdStart) -> str:
    """A cold start in a sentence."""
    if start.expected is None:
        return f"Service {name} runs down to no replica; how long its engine loads is not known here, so neither is its cold start."
    node = (f", about {NODE_START_SECONDS.expected:.0f} of them for a node to start (assumed, not measured)" if start.starts_node else
            ", on a node that runs already; more where it has no device free")
    return (f"Service {name} runs down to no replica: its first answer then takes about {start.expected} s "
            f"({start.low} to {start.high}){node}.")


def _broken_promises(entry: ServiceEntry, low: int, expected: int) -> Iterator[str]:
    objectives, timeout = entry.document.spec.objectives, entry.document.spec.request_timeout_seconds
    ttft = objectives.ttft_ms if objectives is not None else None
    promised = max(ttft.given.values(), default=None) if ttft is not None else None
    if promised is not None and promised < low * 1000:
        yield (f"Service {entry.name} promises a first token within {promised.normalize():f} ms; a cold start takes at least "
               f"{low} s, so requests that wake it miss the objective.")
    if timeout < expected:
        yield (f"Service {entry.name}: request_timeout_seconds {timeout} is less than a cold start of about "
               f"{expected} s, so the request that wakes it fails: callers have to try again.")
