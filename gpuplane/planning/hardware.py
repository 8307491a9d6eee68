"""Which hardware a pool's nodes are, where its document says one thing about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.instances import Instance
from gpuplane.spec.node_pool import NodePoolSpec


def hardware(pool: NodePoolSpec, catalog: Catalog) -> Instance | None:
    """The instance type of a pool that gpuplane creates; of several the first, with the least that any of them brings.

    None where the catalogue lacks one of them, where one has another GPU than the pool names, or where they have different numbers
    of GPUs: one of the words is a mistake, refused by itself (NP-01, NP-02), and whatever would follow from the wrong one is no news.
    """
    nodes, found = pool.aws_nodes, fitting(pool, catalog)
    if nodes is None or len(found) < len(nodes.types) or len({facts.gpus for facts in found}) > 1:
        return None
    return found[0] if len(found) == 1 else _least_of(found)


def fitting(pool: NodePoolSpec, catalog: Catalog) -> tuple[Instance, ...]:
    """The instance types of a pool that the catalogue knows and that have its GPU; of a pool of an unknown GPU all that it knows."""
    types = pool.aws_nodes.types if pool.aws_nodes is not None else ()
    known = (catalog.instance(name) for name in types)
    return tuple(facts for facts in known if facts is not None and (facts.gpu == pool.gpu or catalog.gpu(pool.gpu) is None))


def _least_of(found: Sequence[Instance]) -> Instance:
    return replace(
        found[0], name=" or ".join(facts.name for facts in found), vcpus=min(facts.vcpus for facts in found),
        memory_gib=min(facts.memory_gib for facts in found), max_pods=_least(found, lambda facts: facts.max_pods),
        local_disk_gb=_least(found, lambda facts: facts.local_disk_gb), efa_interfaces=_least(found, lambda facts: facts.efa_interfaces),
        network_gbit=None if any(facts.network_gbit is None for facts in found) else min(facts.network_gbit for facts in found
                                                                                         if facts.network_gbit is not None))


def _least(found: Sequence[Instance], of: Callable[[Instance], int | None]) -> int | None:
    amounts = [of(facts) for facts in found]
    return None if None in amounts else min(amount for amount in amounts if amount is not None)
