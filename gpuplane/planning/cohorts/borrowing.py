"""Borrowing limits that promise what nobody can lend (QF-06)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from gpuplane.planning.cohorts.environment_tree import flavor_resource
from gpuplane.planning.cohorts.quota_tree import FlavorResource
from gpuplane.planning.cohorts.shares import Shares
from gpuplane.planning.environment_plan import Quotas
from gpuplane.planning.refusal import INERT_BORROWING, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec

_NAMED = 6
"""Lenders that a refusal names."""


def borrowing_refusals(spec: EnvironmentSpec, quotas: Mapping[str, Quotas], shares: Shares) -> Iterator[Refusal]:
    """QF-06: a borrowing limit is at most what all others of the tree can lend together, when they use nothing themselves."""
    for tenant in sorted(quotas):
        for key, quota in quotas[tenant].items():
            if quota.borrowing > quota.lendable:
                named = list(islice(shares.lenders(tenant, flavor_resource(key, spec.pools)), _NAMED + 1))
                words = ", ".join(f"{lender.name} {lender.lends}" for lender in named[:_NAMED]) or "none"
                words += " and more" if len(named) > _NAMED else ""
                yield refused(
                    INERT_BORROWING, spec.places[("Tenant", tenant)], f"spec.quota.{key}.borrowing_limit",
                    f'borrowing_limit {quota.borrowing} of "{key}" is more than the {quota.lendable} that others can lend it at most '
                    f"(lenders: {words}).", f"Set borrowing_limit: {quota.lendable}, or raise what the others have and lend.",
                    quota.borrowing, quota.lendable, tenant)
    yield from _cohorts(spec, shares)


def _cohorts(spec: EnvironmentSpec, shares: Shares) -> Iterator[Refusal]:
    for name, cohort in sorted(spec.environment.spec.cohorts.items()):
        for key, quota in sorted(cohort.quota.items()):
            lendable = _lendable(shares, name, flavor_resource(key, spec.pools))
            if quota.borrowing_limit is not None and quota.borrowing_limit > lendable:
                yield refused(
                    INERT_BORROWING, spec.places[("Environment", spec.name)], f"spec.cohorts.{name}.quota.{key}.borrowing_limit",
                    f'borrowing_limit {quota.borrowing_limit} of cohort {name} for "{key}" is more than the {lendable} that the rest of '
                    "its tree can lend it at most.", f"Set borrowing_limit: {lendable}, or leave it out.",
                    quota.borrowing_limit, lendable)


def _lendable(shares: Shares, cohort: str, key: FlavorResource) -> int:
    node = shares.tree.cohorts[cohort]
    if node.parent is None:
        return 0
    return max(0, node.local(key) + shares.tree.potential(node.parent, key) - node.subtree.get(key, 0))
