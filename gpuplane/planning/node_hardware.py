"""What one node of a pool brings at least, by the catalogue: the weakest of the instance types that it may have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.instances import Instance
from gpuplane.spec.aws_nodes import AwsNodes


def aws_hardware(nodes: AwsNodes, catalog: Catalog) -> Instance | None:
    """The instance type, or of several the first with the least that any of them brings; None where the catalogue lacks one."""
    found = [facts for name in nodes.types if (facts := catalog.instance(name)) is not None]
    if len(found) < len(nodes.types):
        return None
    if len(found) == 1:
        return found[0]
    return replace(
        found[0], name=" or ".join(nodes.types), gpus=min(facts.gpus for facts in found), vcpus=min(facts.vcpus for facts in found),
        memory_gib=min(facts.memory_gib for facts in found), max_pods=_least(found, lambda facts: facts.max_pods),
        local_disk_gb=_least(found, lambda facts: facts.local_disk_gb), efa_interfaces=_least(found, lambda facts: facts.efa_interfaces),
        network_gbit=None if any(facts.network_gbit is None for facts in found) else min(facts.network_gbit for facts in found
                                                                                         if facts.network_gbit is not None))


def _least(found: list[Instance], of: Callable[[Instance], int | None]) -> int | None:
    amounts = [of(facts) for facts in found]
    return None if None in amounts else min(amount for amount in amounts if amount is not None)
