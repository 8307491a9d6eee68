"""One mistake, one sentence: what rules find on objects only because of something that the plan refuses already.

A pool whose hardware or price is not known, and a replica that no node can take, are refused where they are written. Its flavor
without a capacity, its services without a price, the sums of its queue and its tenant's month then follow. A sum that the
plan refuses at the service that crosses the limit is not said again at another one. Nothing else is left out, and nothing that blocks
goes without a refusal that does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from decimal import Decimal
from functools import cached_property

from gpuplane.graph.resource_view import ResourceView
from gpuplane.planning.demand import Demands, by_key, demands
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.planning.node_fit import impossible_replicas
from gpuplane.planning.refusal import (
    MINIMUM_OVER_NOMINAL,
    OVER_BUDGET,
    PEAK_OVER_QUOTA,
    QUOTA_OVER_CAPACITY,
    UNKNOWN_PRICE,
    WORST_CASE_OVER_LIMIT,
)
from gpuplane.policies.finding import Finding
from gpuplane.spec.environment_spec import EnvironmentSpec, ServiceEntry

_FLAVOR = re.compile(r"^spec\.resourceGroups\[(\d+)\]\.flavors\[(\d+)\]")


class Consequences:
    """What follows from the refusals of a plan."""

    def __init__(self, spec: EnvironmentSpec, plan: EnvironmentPlan) -> None:
        self._spec, self._plan = spec, plan
        self._pools = {pool.name for pool in plan.pools.values() if pool.usd_per_node_hour is None}
        self._bare = {name for name in self._pools if not plan.pools[name].gpus_per_node}

    @cached_property
    def _asked(self) -> Demands:
        return demands(self._spec)

    @cached_property
    def _homeless(self) -> Collection[str]:
        impossible = impossible_replicas(self._asked, self._plan.pools)
        return {name for name, entry in self._spec.services.items() if entry.place.file in impossible}

    @cached_property
    def _affected(self) -> Collection[str]:
        return {*self._homeless, *(name for name, entry in self._spec.services.items()
                                   if entry.document.spec.placement.pool in self._pools)}

    def without(self, findings: Iterable[tuple[Finding, ResourceView | None]]) -> list[Finding]:
        """The findings that say something of their own, each given with the object it is about."""
        return [finding for finding, view in findings if finding.waived or view is None or not self._follows(finding, view)]

    def _follows(self, finding: Finding, view: ResourceView) -> bool:
        service = f"{view.namespace}/{view.name}"
        if finding.rule == UNKNOWN_PRICE:
            return view.name in self._pools if view.kind not in ("InferenceService", "LLMInferenceService") else service in self._affected
        if finding.rule == QUOTA_OVER_CAPACITY:
            return _flavor(finding, view) in self._bare
        if finding.rule in (PEAK_OVER_QUOTA, MINIMUM_OVER_NOMINAL):
            return service in self._spec.services and self._is_judged(finding.rule, self._spec.services[service])
        return finding.rule in (OVER_BUDGET, WORST_CASE_OVER_LIMIT) and self._within(finding.tenant)

    def _is_judged(self, rule: str, entry: ServiceEntry) -> bool:
        """Whether the plan refuses the sum of those that share the service's quota, or has judged it without impossible replicas."""
        sharing = by_key(self._asked[entry.tenant])[entry.document.spec.placement.quota_key]
        files = {demand.entry.place.file for demand in sharing}
        return (any(f"{entry.tenant}/{demand.name}" in self._homeless for demand in sharing)
                or any(refusal.rule == rule and refusal.file in files for refusal in self._plan.refusals))

    def _within(self, tenant: str) -> bool:
        """Whether what the tenant's other services always cost is within its budget."""
        if not any(name.startswith(f"{tenant}/") for name in self._affected):
            return False
        sure = sum((service.committed_usd_per_month or Decimal(0) for service in self._plan.tenants[tenant].services
                    if f"{tenant}/{service.name}" not in self._affected), Decimal(0))
        use = self._plan.money.tenants[tenant].budget
        return sure * 100 <= use.limit_usd_per_month * use.block_percent


def _flavor(finding: Finding, view: ResourceView) -> str:
    """The flavor whose quota a finding on a queue or cohort is about; empty for another field."""
    found = _FLAVOR.match(finding.field)
    return str(view.get("spec", "resourceGroups", int(found[1]), "flavors", int(found[2]), "name") or "") if found else ""
