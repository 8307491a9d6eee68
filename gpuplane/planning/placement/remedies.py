"""What would mend a pool whose services do not all find a place: the cheapest change first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from gpuplane.planning.demand import Demand
from gpuplane.planning.environment_plan import PoolPlan, host_quota, quota_resource
from gpuplane.planning.placement.allocatable import GIB
from gpuplane.planning.placement.claims import Amounts, amounts
from gpuplane.planning.placement.packing import pack
from gpuplane.planning.placement.pods import CPU, MEMORY, nodes_of, pod_of
from gpuplane.planning.placement.pool_placement import claims_at
from gpuplane.planning.placement.schedulability import PlacedLevel
from gpuplane.spec.errors import listed

_FIELDS = (("cpu", CPU, 1000), ("memory_gib", MEMORY, GIB))


def remedy(pool: PoolPlan, asked: Sequence[Demand], zones: Mapping[str, int], replicas: Callable[[Demand], int], level: PlacedLevel) -> str:
    """A sentence; empty where the level's verdict needs none.

    Asking for less of the host costs nothing, so it comes first where it is enough; nodes come next.
    """
    if level.verdict != "not packable":
        return ""
    words = [*_less_of_the_host(pool, asked, zones, replicas), *_more_nodes(pool, level)]
    if not words:
        return "Lower the replicas, or choose a pool whose nodes have room for them."
    text = ", or ".join(words)
    return f"{text[0].upper()}{text[1:]}."


def _more_nodes(pool: PoolPlan, level: PlacedLevel) -> Iterator[str]:
    if level.nodes is not None and level.nodes > level.available_nodes:
        more = level.nodes - level.available_nodes
        most = "" if level.nodes == level.lower_bound else "at most "
        noun = "node" if more == 1 else "nodes"
        yield f"raise max_nodes of pool {pool.name} from {level.available_nodes} to {level.nodes} ({most}{more} more {noun})"


def _less_of_the_host(pool: PoolPlan, asked: Sequence[Demand], zones: Mapping[str, int],
                      replicas: Callable[[Demand], int]) -> Iterator[str]:
    """Lower what is out of proportion: a pod with one GPU of eight can have an eighth of the node's CPU and memory."""
    pods, lowered = {}, []
    for demand in asked:
        pod = pods[demand.entry.name] = pod_of(demand, pool)
        fair = dict(zip((CPU, MEMORY), host_quota(pool, quota_resource(pool, demand.quota_key), demand.per_pod), strict=True))
        for field, name, unit in _FIELDS:
            if dict(pod)[name] > fair[name] * unit and fair[name]:
                pod = pods[demand.entry.name] = _with(pod, name, fair[name] * unit)
                lowered.append(f"{field} of {demand.entry.name} to {fair[name]}")
    if lowered and pack(nodes_of(pool, zones), claims_at(asked, pods, replicas), pool.max_nodes).packable:
        yield f"lower {listed(lowered, 3)}"


def _with(pod: Amounts, name: str, amount: int) -> Amounts:
    return amounts({**dict(pod), name: amount})
