"""What a rule's expressions can be answered by: of a tenant's rules the tenant's own objects and those of no tenant.

What another tenant happens to export, record or scrape is no answer. Rules of no tenant see everything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import chain
from typing import TypeVar

from gpuplane.graph.resource_view import ResourceView, items, lookup, told
from gpuplane.graph.tenancy import owner
from gpuplane.graph.wiring.index import Index
from gpuplane.graph.wiring.monitors import scrapes_of
from gpuplane.graph.wiring.pods import Pods

Item = TypeVar("Item")


class RuleSight:
    """What the rules of one tenant see.

    Args:
        index: all objects.
        tenant: whose rules; None for those of no tenant.

    Attributes:
        pods, namespaces: that are seen.
        recorded: names of series that rules record.
    """

    def __init__(self, index: Index, tenant: str | None) -> None:
        found = _by_tenant(index)
        self.tenant, self._scrapes = tenant, scrapes_of(index)
        self.pods = self._of(found.pods)
        self.namespaces = self._of(found.namespaces)
        self.recorded = frozenset(self._of(found.recorded))

    def _of(self, by_tenant: Mapping[str | None, Sequence[Item]]) -> Sequence[Item]:
        if self.tenant is None:
            return [*chain.from_iterable(by_tenant.values())]
        return [*by_tenant.get(None, ()), *by_tenant.get(self.tenant, ())]

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Namespaces with model servers whose engine cannot be read."""
        return frozenset(pods.namespace for pods in self.pods if pods.serving and pods.engine is None)

    def monitors(self, pods: Pods) -> list[ResourceView]:
        """Monitors that scrape the metrics of pods."""
        return [view for view in self._scrapes.reached.get(id(pods), ()) if self._sees(view)]

    def scraped(self, pods: Pods) -> bool | None:
        """Whether the metrics of pods are scraped; None where the objects do not tell, or a monitor is broken already."""
        return self._scrapes.scraped(pods, self._sees)

    def _sees(self, view: ResourceView) -> bool:
        return self.tenant is None or owner(self._scrapes.index.graph, view) in (None, self.tenant)


class _ByTenant:
    """Objects of an index by whose they are; those of no tenant by None."""

    def __init__(self, index: Index) -> None:
        graph = index.graph

        def by(each: Iterable[Item], whose: Callable[[Item], ResourceView]) -> Mapping[str | None, Sequence[Item]]:
            found: dict[str | None, list[Item]] = defaultdict(list)
            for item in each:
                found[owner(graph, whose(item))].append(item)
            return found

        self.pods = by(index.pods, lambda pods: pods.view)
        self.namespaces = by(graph.namespaces.values(), lambda view: view)
        self.recorded = {tenant: [name for view in views for name in _names(view)]
                         for tenant, views in by(graph.objects("PrometheusRule"), lambda view: view).items()}


def _names(view: ResourceView) -> Iterable[str]:
    """Series that a PrometheusRule records."""
    return (str(lookup(rule, "record")) for group in items(view.get("spec", "groups")) for rule in items(lookup(group, "rules"))
            if told(rule, "record"))


@lru_cache(maxsize=4)
def _by_tenant(index: Index) -> _ByTenant:
    return _ByTenant(index)


@lru_cache(maxsize=4)
def _sights(index: Index) -> dict[str | None, RuleSight]:  # noqa: ARG001 one for each index
    return {}


def sight_of(index: Index, view: ResourceView) -> RuleSight:
    """What the expressions of an object see."""
    tenant, known = owner(index.graph, view), _sights(index)
    if tenant not in known:
        known[tenant] = RuleSight(index, tenant)
    return known[tenant]
