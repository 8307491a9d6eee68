"""What follows from traffic: whom a fallback may send data to, what is let in at once, and limits against what replicas serve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from gpuplane.planning.fleet.service_throughput import ServiceThroughput
from gpuplane.planning.proof import Proof
from gpuplane.planning.refusal import RESIDENCY, UNAPPROVED_PROVIDER, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry
from gpuplane.spec.gateway import ModelProvider
from gpuplane.spec.tenant import TenantSpec
from gpuplane.spec.traffic import PERIOD_SECONDS, Limit
from gpuplane.spec.vocabulary import is_personal, more_sensitive


def traffic_refusals(spec: EnvironmentSpec) -> Iterator[Refusal]:
    """PII-10 and PII-11: a fallback sends prompts only where their data may be, and to whom it may be given."""
    for entry in spec.services.values():
        tenant = spec.tenants[entry.tenant].spec
        for path, name, provider in _providers(spec, entry):
            yield from _residency(entry, tenant, path, name, provider)
            yield from _approval(entry, tenant, path, name, provider)


def most_in_flight(entry: ServiceEntry) -> int | None:
    """Requests that each proxy lets in at once: what all replicas work on, and the queue; None where that is not declared."""
    traffic, at_once = entry.document.spec.traffic, _at_once(entry)
    if traffic is None or at_once is None:
        return None
    working = entry.document.spec.scaling.max_replicas * at_once
    return working + working * traffic.queue_percent // 100


def traffic_proofs(spec: EnvironmentSpec) -> Iterator[Proof]:
    """What each service lets in, and every limit as a rate."""
    for name, entry in spec.services.items():
        traffic, most = entry.document.spec.traffic, most_in_flight(entry)
        if traffic is not None and most is not None:
            yield Proof(
                f"service {name}: requests in flight at most, through each proxy",
                "max_replicas × max_num_seqs × (1 + queue_percent ÷ 100), rounded down",
                (("max_replicas", str(entry.document.spec.scaling.max_replicas)), ("max_num_seqs", str(_at_once(entry))),
                 ("queue_percent", str(traffic.queue_percent))), str(most), "requests", (str(entry.place.relative),))
        yield from _limit_proofs(f"service {name}", traffic.limits if traffic is not None else (), entry.place.relative)
    for name, tenant in spec.tenants.items():
        models = tenant.spec.access.models
        yield from _limit_proofs(f"tenant {name}", models.limits if models is not None else (), spec.places[("Tenant", name)].relative)


def traffic_notes(spec: EnvironmentSpec, throughput: Mapping[str, ServiceThroughput]) -> Iterator[str]:
    """Circuit breakers that are not sized, and limits over what replicas serve, as far as their throughput is known."""
    for name, entry in spec.services.items():
        traffic = entry.document.spec.traffic
        if traffic is not None and entry.document.spec.release.vllm is not None and most_in_flight(entry) is None:
            yield (f"How many requests {name} works on at once is not declared, so each proxy lets in 1024 (Envoy's default): "
                   "vLLM's max_num_seqs would bound it.")
        for limit in traffic.limits if traffic is not None else ():
            serves = _per_second((entry,), throughput, limit)
            yield from _unreachable(f"service {name}", limit, serves)
    for name, tenant in spec.tenants.items():
        models = tenant.spec.access.models
        reached = tuple(entry for entry in spec.services_of(name) if entry.document.spec.traffic is not None)
        for limit in models.limits if models is not None else ():
            yield from _unreachable(f"tenant {name}", limit, _per_second(reached, throughput, limit))


def _providers(spec: EnvironmentSpec, entry: ServiceEntry) -> Iterator[tuple[str, str, ModelProvider]]:
    traffic, gateway = entry.document.spec.traffic, spec.environment.spec.gateway
    for index, fallback in enumerate(traffic.fallback if traffic is not None else ()):
        if fallback.provider is not None and gateway is not None:
            yield f"spec.traffic.fallback[{index}].provider", fallback.provider, gateway.providers[fallback.provider]


def _residency(entry: ServiceEntry, tenant: TenantSpec, path: str, name: str, provider: ModelProvider) -> Iterator[Refusal]:
    allowed = ", ".join(tenant.allowed_regions)
    if tenant.allowed_regions and provider.region not in tenant.allowed_regions:
        yield refused(RESIDENCY, entry.place, path, f'provider "{name}" processes in {provider.region}, but the tenant\'s data may be '
                      f"only in: {allowed}.", "Fall back to a service of the tenant, or to a provider in one of these regions.",
                      allowed, provider.region, entry.tenant)


def _approval(entry: ServiceEntry, tenant: TenantSpec, path: str, name: str, provider: ModelProvider) -> Iterator[Refusal]:
    data = tenant.data_classification
    if more_sensitive(data, provider.approved_for):
        yield refused(UNAPPROVED_PROVIDER, entry.place, path, f'provider "{name}" is approved for data up to {provider.approved_for}, '
                      f"and the tenant's is {data}.", "Fall back to a service of the tenant, or to a provider that is approved for it.",
                      data, provider.approved_for, entry.tenant)
    elif is_personal(data) and provider.processing_agreement is None:
        yield refused(UNAPPROVED_PROVIDER, entry.place, path, f'no processing agreement with provider "{name}" is recorded, and the '
                      f"tenant's data is {data}.", "Record processing_agreement in gateway.providers, or fall back to a service of "
                      "the tenant.", "a processing agreement", "none", entry.tenant)


def _at_once(entry: ServiceEntry) -> int | None:
    """Requests that one replica works on at once, as the engine is told."""
    vllm = entry.document.spec.release.vllm
    return vllm.arguments.max_num_seqs if vllm is not None else None


def _limit_proofs(whose: str, limits: tuple[Limit, ...], source: str) -> Iterator[Proof]:
    for limit in limits:
        each = " for each caller" if limit.for_each == "caller" else ""
        rate = (Decimal(limit.amount) / PERIOD_SECONDS[limit.per]).quantize(Decimal("0.01"))
        yield Proof(f"{whose}: limit of {limit.amount} {_words(limit)} a {limit.per}{each}", "amount ÷ seconds",
                    (("amount", str(limit.amount)), ("seconds", str(PERIOD_SECONDS[limit.per]))), f"{rate:f}",
                    f"{_words(limit)} a second", (source,))


def _words(limit: Limit) -> str:
    return limit.measure.replace("_", " ")


def _per_second(entries: tuple[ServiceEntry, ...], throughput: Mapping[str, ServiceThroughput], limit: Limit) -> Decimal | None:
    """What all replicas of these services serve a second, in the limit's measure; None where that is not known of each."""
    total = Decimal(0)
    for entry in entries:
        serves = throughput.get(entry.name)
        one = _of_replica(serves, limit.measure) if serves is not None else None
        if one is None:
            return None
        total += one * entry.document.spec.scaling.max_replicas
    return total if entries else None


def _of_replica(serves: ServiceThroughput, measure: str) -> Decimal | None:
    tokens = {"input_tokens": serves.replica_input_tokens_per_second, "output_tokens": serves.replica_output_tokens_per_second}
    if measure == "requests":
        return serves.replica_requests_per_second
    if measure != "total_tokens":
        return tokens[measure]
    known = [value for value in tokens.values() if value is not None]
    return sum(known, Decimal(0)) if len(known) == len(tokens) else None


def _unreachable(whose: str, limit: Limit, per_second: Decimal | None) -> Iterator[str]:
    if per_second is not None and limit.amount > per_second * PERIOD_SECONDS[limit.per]:
        most = int(per_second * PERIOD_SECONDS[limit.per])
        yield (f"The limit of {limit.amount} {_words(limit)} a {limit.per} of {whose} is more than its replicas serve within their "
               f"objectives, about {most}: requests are slow or turned away before it holds.")
