"""Placement of a whole environment: pools first, for what they must keep running; then every workload's chain and the refusals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.mig import written
from gpuplane.planning.demand import Demand, Demands, of_pools
from gpuplane.planning.environment_plan import PoolPlan, Pools, Quotas, quota_resource
from gpuplane.planning.placement.chain import PoolChain
from gpuplane.planning.placement.layout_advice import layout_advice
from gpuplane.planning.placement.pool_placement import at_guaranteed, at_maximum, at_minimum, place_pool
from gpuplane.planning.placement.remedies import remedy
from gpuplane.planning.placement.schedulability import LayoutAdvice, PlacedLevel, PoolPlacement, Schedulability
from gpuplane.planning.refusal import UNSCHEDULABLE, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.errors import listed

Placements = Mapping[str, PoolPlacement]


def placements(spec: EnvironmentSpec, asked: Demands, pools: Pools, catalog: Catalog) -> Placements:
    """Every pool's services on its nodes; pools of unknown hardware are left out, which is refused by itself."""
    of_pool = of_pools(asked)
    known = [(name, pool) for name, pool in sorted(pools.items()) if pool.gpus_per_node]
    return {name: replace(place_pool(pool, of_pool[name], zones(spec, name)), layout=_layout(spec, pool, of_pool[name], catalog))
            for name, pool in known}


def _layout(spec: EnvironmentSpec, pool: PoolPlan, asked: Sequence[Demand], catalog: Catalog) -> LayoutAdvice | None:
    sharing, gpu = spec.pools[pool.name].spec.sharing, catalog.gpu(pool.gpu)
    if sharing is None or sharing.mig is None or gpu is None:
        return None
    return layout_advice(gpu, sharing.mig.layout, pool.max_nodes * pool.gpus_per_node, asked)


def schedulability(spec: EnvironmentSpec, asked: Demands, pools: Pools, quotas: Mapping[str, Quotas],
                   placed: Placements) -> tuple[Schedulability, ...]:
    """Every workload at its minimum and at its maximum, sorted by its name."""
    of_pool = of_pools(asked)
    chains = {name: _chain(spec, pools[name], of_pool[name], placement) for name, placement in placed.items()}
    found: list[Schedulability] = []
    for tenant, of_tenant in asked.items():
        peaks: dict[str, int] = defaultdict(int)
        for demand in of_tenant:
            peaks[demand.quota_key] += 0 if demand.may_borrow else demand.peak_with_surge
        for demand in of_tenant:
            if demand.pool in chains:
                found += chains[demand.pool].follow(demand, quotas[tenant], peaks[demand.quota_key])
    return tuple(sorted(found, key=lambda row: (row.workload, row.at != "minimum")))


def placement_refusals(spec: EnvironmentSpec, asked: Demands, pools: Pools, placed: Placements) -> Iterator[Refusal]:
    """NP-04: the pods that must always run, and those that quotas promise, find a place together.

    Where there are fewer devices than they ask for, that is refused as a quota; here it is their sizes that do not fit.
    """
    of_pool = of_pools(asked)
    for name, placement in placed.items():
        levels = ((placement.minimum, at_minimum, "the minimum replicas"),
                  (placement.guaranteed, at_guaranteed, "the replicas that the quotas promise, with surge,"))
        for level, replicas, words in levels:
            if level.verdict == "not packable" and level.nodes is not None and _devices_suffice(pools[name], of_pool[name], replicas):
                yield _refusal(spec, pools[name], of_pool[name], replicas, level, words)
                break


def placement_notes(placed: Placements) -> Iterator[str]:
    """What is worth knowing though nothing is refused."""
    for name, placement in placed.items():
        if placement.minimum.verdict == "packable":
            yield (f'Pool "{name}": all minimum replicas fit on {_nodes(placement.minimum.available_nodes)}, but the scheduler may place '
                   "them so that one is left over: it does not look at GPUs first.")
        if placement.minimum.verdict == "unproven":
            yield (f'Pool "{name}": whether all minimum replicas fit on {_nodes(placement.minimum.available_nodes)} was not settled: '
                   f"at least {placement.minimum.lower_bound} are needed.")
        if placement.layout is not None and placement.layout.better:
            cuts = " and ".join(f"{gpus} GPUs as {layout}" for layout, gpus in placement.layout.better)
            lacking = written(placement.layout.short)
            yield f'Pool "{name}": its MIG layout lacks {lacking} for what the quotas promise; cut {cuts}, and there is enough.'


def zones(spec: EnvironmentSpec, pool: str) -> Mapping[str, int]:
    """Most nodes by availability zone, empty where the pool names none."""
    return spec.pools[pool].spec.zones


def _chain(spec: EnvironmentSpec, pool: PoolPlan, asked: Sequence[Demand], placement: PoolPlacement) -> PoolChain:
    at = zones(spec, pool.name)
    promised = remedy(pool, asked, at, at_guaranteed, placement.guaranteed)
    mends = {"minimum": remedy(pool, asked, at, at_minimum, placement.minimum),
             "maximum": promised or remedy(pool, asked, at, at_maximum, placement.maximum)}
    return PoolChain(pool, spec.pools[pool.name], asked, placement, at, mends)


def _refusal(spec: EnvironmentSpec, pool: PoolPlan, asked: Sequence[Demand], replicas: Callable[[Demand], int], level: PlacedLevel,
             words: str) -> Refusal:
    document = spec.pools[pool.name].spec
    field = "slices" if document.tpu is not None else "max_nodes"
    parts = listed(f"{demand.entry.name} {replicas(demand)} × {demand.per_replica}" for demand in asked if replicas(demand))
    least = "" if level.nodes == level.lower_bound else "at least "
    needed = level.lower_bound if least else level.nodes
    return refused(
        UNSCHEDULABLE, spec.places[("NodePool", pool.name)], f"{document.path}.{field}",
        f"{words} of all services on pool \"{pool.name}\" ({parts}) need {least}{needed} nodes, and there are never more than "
        f"{level.available_nodes}: there are devices enough, but not beside the CPU and memory of one node for each pod ({level.method}).",
        remedy(pool, asked, zones(spec, pool.name), replicas, level), needed, level.available_nodes)


def _devices_suffice(pool: PoolPlan, asked: Sequence[Demand], replicas: Callable[[Demand], int]) -> bool:
    total: dict[str, int] = defaultdict(int)
    for demand in asked:
        total[quota_resource(pool, demand.quota_key)] += replicas(demand) * demand.per_replica
    return all(count <= pool.capacity[resource] for resource, count in total.items())


def _nodes(count: int) -> str:
    return f"{count} node" if count == 1 else f"{count} nodes"
