"""KV and prefix caches: one store of several tenants' prompts.

A cache of attention keys and values is found by a digest of the tokens: who shares it can tell what others asked, by whether an answer
comes faster, and reads what they computed. Engines keep it on their own GPUs unless they are told of a store (LMCache, Mooncake, Redis).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.reachability.edges import Edge, Maker, Medium, maker, platform, tenant
from gpuplane.graph.reachability.endpoints import namespace_of, urls
from gpuplane.graph.reachability.tenant_pods import among, tenant_pods, texts
from gpuplane.graph.tenancy import home, tenants_of_namespaces

_SCHEMES = frozenset({"redis", "rediss", "redis-sentinel", "valkey", "valkeys", "memcached", "lm", "infinistore", "mooncakestore"})
_STORES = ("LMCACHE_REMOTE_URL", "REDIS_URL", "REDIS_HOST", "VALKEY_HOST", "MOONCAKE_MASTER", "MOONCAKE_METADATA_SERVER", "MEMCACHED_HOST")
_ALLOWED = "by design: no other tenant is told of it"


def cache_edges(graph: PlannedGraph) -> Iterator[Edge]:
    """Tenants whose pods are told of one cache, and caches in other tenants' namespaces."""
    tenants = tenants_of_namespaces(graph)
    users: dict[str, dict[str, Maker]] = defaultdict(dict)
    for pods in tenant_pods(graph):
        for container in pods.template.containers:
            for name, text in texts(graph, pods.view, container).items():
                for host in _hosts(name, text):
                    namespace = namespace_of(host, home(pods.view))
                    where = host if namespace is None or "." in host.partition(":")[0] else f"{host} in namespace {namespace}"
                    by = maker(pods.view, f"{container.path}.{'args' if name == 'args' else 'env'}")
                    users[where].setdefault(pods.tenant, by)
                    whose = tenants.get(namespace or "")
                    if whose is not None and whose != pods.tenant:
                        sentence = f"{pods.view} keeps its cache in {where} of tenant {whose}"
                        yield Edge(Medium.CACHES, tenant(pods.tenant), tenant(whose), sentence, (by,))
    for where, by_tenant in sorted(users.items()):
        yield from among(Medium.CACHES, by_tenant, f"both tenants' pods use the cache {where}: each finds what the other computed")
        if len(by_tenant) == 1 and namespace_of(where.partition(" ")[0], "") not in (None, "", *tenants):
            (own, by), = by_tenant.items()
            sentence = f"pods of tenant {own} use the cache {where}"
            yield Edge(Medium.CACHES, tenant(own), platform(f"cache {where}"), sentence, (by,), allowed=_ALLOWED)


def _hosts(name: str, text: str) -> Iterator[str]:
    """Caches that an argument or a variable names."""
    if name in _STORES and "://" not in text and text:
        yield text.split("/")[0]
    for scheme, host in urls(text):
        if scheme in _SCHEMES or name in _STORES:
            yield host
