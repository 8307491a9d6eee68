"""What the plan's arithmetic says about room on nodes: for so many replicas, on all nodes of a pool or on some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gpuplane.planning.demand import demands, of_pools
from gpuplane.planning.environment_plan import EnvironmentPlan
from gpuplane.planning.placement.claims import Verdict
from gpuplane.planning.placement.environment_placement import zones
from gpuplane.planning.placement.pods import nodes_of, pod_of
from gpuplane.planning.placement.pool_placement import claims_at, verdict_at
from gpuplane.spec.environment_spec import EnvironmentSpec


def room_for(spec: EnvironmentSpec, planned: EnvironmentPlan, pool: str, replicas: Mapping[str, int],
             nodes: Mapping[str, int]) -> Verdict:
    """Whether the pods of so many replicas run on so many of a pool's nodes.

    Args:
        replicas: by ``tenant/service``.
        nodes: by zone; by ``""`` where the pool names no zones.
    """
    plan = planned.pools[pool]
    asked = [demand for demand in of_pools(demands(spec))[pool] if replicas.get(demand.entry.name)]
    pods = {demand.entry.name: pod_of(demand, plan) for demand in asked}
    claims = claims_at(asked, pods, lambda demand: replicas[demand.entry.name])
    if not claims:
        return "always"
    most = sum(nodes.values())
    if not most:
        return "not packable"
    groups = tuple(replace(group, count=nodes.get(group.name.partition("/")[2], 0)) for group in nodes_of(plan, zones(spec, pool)))
    return verdict_at(tuple(group for group in groups if group.count), claims, most, True)

