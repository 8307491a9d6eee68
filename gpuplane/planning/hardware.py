"""Which hardware a pool's nodes are, where its document says one thing about it."""

from __future__ import annotations

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.instances import Instance
from gpuplane.spec.node_pool import NodePoolSpec


def hardware(pool: NodePoolSpec, catalog: Catalog) -> Instance | None:
    """The instance type of a pool that gpuplane creates.

    None where the catalogue has no such type, or where the type has another GPU than the pool names: one of the two words is a
    mistake, refused by itself (NP-01, NP-02), and whatever would follow from the wrong one is no news.
    """
    group = pool.eks_managed_node_group
    facts = catalog.instance(group.instance_type) if group is not None else None
    if facts is None or (facts.gpu != pool.gpu and catalog.gpu(pool.gpu) is not None):
        return None
    return facts
