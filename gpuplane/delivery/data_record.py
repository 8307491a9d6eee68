"""The data-protection record of a tenant: what is processed, where, how long, by whom and protected how, as far as it is declared.

It is what the law asks of who processes personal data (GDPR Art. 30), made from the same wish and planned objects as everything else,
so it cannot be out of date. What no file says (purpose, legal basis, whose data) is listed for people to complete.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from heapq import merge
from operator import itemgetter
from typing import Any, Final

from gpuplane.catalog.obligations import NAMES
from gpuplane.graph.data_flow import flows
from gpuplane.graph.data_stores import BUCKETS, access_log, days_kept, encryption_key, key_of, lifecycle_rules, stores
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown, items
from gpuplane.graph.tenancy import data_class
from gpuplane.planning.refusal import RULES as PLANNED_RULES
from gpuplane.policies.finding import Finding, Verdict
from gpuplane.policies.registry import all_rules
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry
from gpuplane.spec.llm_inference_service import LLMInferenceService
from gpuplane.spec.tenant import TenantSpec
from gpuplane.spec.vocabulary import is_personal

SCHEMA_VERSION = 1
"""Version of the JSON form; it grows by one when a field changes its meaning or goes."""
TO_COMPLETE: Final = {
    "purpose": "purpose of the processing", "legal_basis": "legal basis (GDPR Art. 6, and Art. 9 for special categories)",
    "data_subjects": "whose data it is, and which categories", "contact": "contact of the controller and of the data protection officer"}
"""What a record needs and only people can say: fields of a tenant's ``data_protection``."""
_RULES: Final = {
    "customer_keys": ("PII-03",), "tls": ("PII-05",), "residency": ("PII-10",), "retention_days": ("PII-09",),
    "payload_logging": ("PII-06", "PII-08"), "trace_capture": ("PII-07",), "cache_sharing": ("PII-17",), "external_fallback": ("PII-11",),
    "authentication": ("PII-15",), "access_log": ("PII-16",), "offboarding_days": ()}
"""Rules by which each obligation is judged; for the last one people answer."""


@dataclass(frozen=True)
class Processing:
    """A service that processes the data: model and revision, pool, and whether requests are logged or traced."""

    service: str
    model: str
    revision: str
    pool: str
    logged: bool
    traced: bool


@dataclass(frozen=True)
class Store:
    """Where data lies: what kind of store, its region, its key in words, days until it deletes (null: not said), whether reads are
    recorded (null: not said)."""

    name: str
    kind: str
    region: str | None
    data_class: str | None
    key: str
    deleted_after_days: int | None
    reads_recorded: bool | None


@dataclass(frozen=True)
class Recipient:
    """Who else receives data or may look at it: callers, people by group, providers outside with their region and agreement."""

    name: str
    kind: str
    region: str | None
    approved_for: str | None
    processing_agreement: str | None


@dataclass(frozen=True)
class ObligationState:
    """One obligation: what the class owes, the rules that judge it, and how it stands: ``no violation`` among what is planned,
    ``violated``, ``unknown``, ``waived``, ``not owed``, or ``declared`` where no rule can judge it; ``findings`` says what is wrong."""

    name: str
    owed: str
    rules: tuple[str, ...]
    state: str
    findings: tuple[str, ...]


@dataclass(frozen=True)
class DataRecord:
    """The record of one tenant."""

    schema_version: int
    environment: str
    as_of: date
    tenant: str
    owner: str
    data_class: str
    region: str | None
    allowed_regions: tuple[str, ...]
    processing: tuple[Processing, ...]
    stores: tuple[Store, ...]
    recipients: tuple[Recipient, ...]
    flows: tuple[str, ...]
    obligations: tuple[ObligationState, ...]
    source: str
    declared: Mapping[str, str]
    to_complete: tuple[str, ...]


def data_records(spec: EnvironmentSpec, graph: PlannedGraph, findings: Sequence[Finding], as_of: date) -> tuple[DataRecord, ...]:
    """The record of every tenant of an environment, by name."""
    shares = _Shares(graph, findings)
    return tuple(_record(spec, graph, shares, as_of, name) for name in sorted(spec.tenants))


class _Shares:
    """What is there of each tenant, found once for all."""

    def __init__(self, graph: PlannedGraph, findings: Sequence[Finding]) -> None:
        self.stores: dict[str | None, list[ResourceView]] = defaultdict(list)
        self.flows: dict[str | None, set[str]] = defaultdict(set)
        self._findings: dict[str, list[tuple[int, Finding]]] = defaultdict(list)
        self.rules = {rule.id for rule in all_rules()} | set(PLANNED_RULES)
        for view in stores(graph):
            self.stores[graph.tenant_of(view)].append(view)
        for flow in flows(graph):
            for name in {graph.tenant_of(flow.source), graph.tenant_of(flow.target)}:
                self.flows[name].add(f"{flow.source} → {flow.target}")
        judging = {rule for rules in _RULES.values() for rule in rules}
        for place, finding in enumerate(findings):
            if finding.rule in judging:  # those of nobody are each tenant's: all of them for each would be their square
                self._findings[finding.tenant].append((place, finding))

    def findings(self, tenant: str) -> list[Finding]:
        """Those of a tenant and those of nobody, in the order of all."""
        return [finding for _, finding in merge(self._findings.get(tenant, ()), self._findings.get("", ()), key=itemgetter(0))]


def _record(spec: EnvironmentSpec, graph: PlannedGraph, shares: _Shares, as_of: date, name: str) -> DataRecord:
    tenant = spec.tenants[name].spec
    owed = graph.obligations[tenant.data_classification]
    mine = shares.findings(name)
    services = [entry for entry in spec.services_of(name) if not entry.role]
    return DataRecord(
        SCHEMA_VERSION, spec.name, as_of, name, tenant.owner, tenant.data_classification, spec.environment.spec.region,
        tenant.allowed_regions, tuple(_processing(spec, entry) for entry in services),
        tuple(_store(graph, view) for view in shares.stores.get(name, ())),
        tuple(_recipients(spec, tenant, services)),
        tuple(sorted(shares.flows.get(name, ()))),
        tuple(_obligation(each, getattr(owed, each), mine, shares.rules) for each in NAMES), f"{owed.source} ({owed.as_of})",
        tenant.data_protection.model_dump(exclude_none=True),
        tuple(text for key, text in TO_COMPLETE.items()
              if is_personal(tenant.data_classification) and getattr(tenant.data_protection, key) is None))


def _processing(spec: EnvironmentSpec, entry: ServiceEntry) -> Processing:
    service, document = entry.document.spec, entry.document
    vllm = service.release.vllm
    logged = getattr(service, "logging", None) is not None or (vllm is not None and bool(vllm.arguments.enable_log_requests))
    model = service.release.model
    traced = spec.environment.spec.tracing is not None and (vllm is not None or isinstance(document, LLMInferenceService))
    return Processing(document.name, model.uri, model.revision or "", service.placement.pool, logged, traced)


def _store(graph: PlannedGraph, view: ResourceView) -> Store:
    bucket = view.type in BUCKETS
    days = [each for rule in items(lifecycle_rules(graph, view).value) for each in days_kept(rule)] if bucket else [
        view.get("retentionInDays") or view.get("backupRetentionPeriod")]
    told = [each for each in days if isinstance(each, int)]
    region = view.get("region")
    return Store(str(view.get("bucket") or view.get("name") or view.name), view.kind, region if isinstance(region, str) else None,
                 data_class(graph, view), _key(graph, view), max(told, default=None), access_log(graph, view) if bucket else None)


def _key(graph: PlannedGraph, view: ResourceView) -> str:
    value = encryption_key(graph, view).value
    own = key_of(graph, value)
    if own is not None:
        return f"own key {own.name}{', rotated' if own.get('enableKeyRotation') is True else ''}"
    return "known after apply" if isinstance(value, Unknown) else str(value or "none of its own")


def _recipients(spec: EnvironmentSpec, tenant: TenantSpec, services: Sequence[ServiceEntry]) -> Iterator[Recipient]:
    for kind, groups in (("may change and evict workloads", tenant.access.having("operator")),
                         ("may change workloads", tenant.access.having("developer")), ("may look", tenant.access.having("viewer"))):
        yield from (Recipient(group, kind, None, None, None) for group in groups)
    for emergency in tenant.access.break_glass:
        yield Recipient(emergency.group, f"may open a shell in an emergency until {emergency.expires}", None, None, None)
    models, gateway = tenant.access.models, spec.environment.spec.gateway
    if models is not None:
        yield Recipient("callers with an API key" if models.api_keys is not None else "callers with a token of the identity provider",
                        "calls models", None, None, None)
    used = {fallback.provider for entry in services if (traffic := entry.document.spec.traffic) is not None
            for fallback in traffic.fallback}
    for name in sorted(each for each in used if each is not None):
        if gateway is not None:
            provider = gateway.providers[name]
            yield Recipient(name, f"processor at {provider.hostname}", provider.region, provider.approved_for,
                            provider.processing_agreement)


def _obligation(name: str, owed: Any, findings: Sequence[Finding], known: Set[str]) -> ObligationState:
    rules = tuple(rule for rule in _RULES[name] if rule in known)
    text = str(owed).lower() if isinstance(owed, bool) else str(owed if owed is not None else "no limit")
    found = [finding for finding in findings if finding.rule in rules]
    return ObligationState(name, text, rules, _state(owed, rules, found), tuple(finding.message for finding in found))


def _state(owed: Any, rules: tuple[str, ...], found: Sequence[Finding]) -> str:
    standing = [finding for finding in found if not finding.waived]
    if any(finding.verdict is Verdict.FAIL for finding in standing):
        return "violated"
    if standing:
        return "unknown"
    if found:
        return "waived"
    if owed in (False, None, "allowed"):
        return "not owed"
    return "no violation" if rules else "declared"
