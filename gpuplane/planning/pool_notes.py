"""What a reader should know of a pool though nothing is refused: when its capacity is there, and who does not see what."""

from __future__ import annotations

from collections.abc import Iterator

from gpuplane.planning.environment_plan import PoolPlan, Pools
from gpuplane.planning.pool_isolation import SHARED_WITHOUT_ISOLATION
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.node_pool import NodePool


def pool_notes(spec: EnvironmentSpec, pools: Pools) -> Iterator[str]:
    """Notes of all pools."""
    for name, plan in sorted(pools.items()):
        yield from _window(plan)
        yield from _karpenter(spec.pools[name])
        yield from _slices(spec, plan)


def _window(plan: PoolPlan) -> Iterator[str]:
    window = plan.window
    if window is None:
        return
    days = f'Pool "{plan.name}" has capacity from {window.starts} to {window.ends} (capacity block)'
    yield f"{days}: {window.closed}, so on this day it has none." if window.closed else (
        f"{days}; EC2 begins to end its nodes 30 minutes before the end: have its services scaled down or moved by then.")


def _karpenter(pool: NodePool) -> Iterator[str]:
    nodes = pool.spec.karpenter
    if nodes is None:
        return
    if pool.spec.strategy in SHARED_WITHOUT_ISOLATION:
        yield (f'Pool "{pool.name}": Karpenter counts the physical GPUs of an instance type and not the pods that share them, so for a '
               "burst of pods it starts more nodes than they fill, until max_nodes.")
    if pool.spec.strategy == "mig":
        yield f'Pool "{pool.name}": Karpenter does not know MIG devices; all {nodes.max_nodes} nodes run without being asked for.'
    if nodes.consolidation.when == "empty_or_underutilized":
        yield (f'Pool "{pool.name}": Karpenter may move running pods to fewer nodes; a model server that is moved loads its weights again '
               "(consolidation.when: empty moves none).")


def _slices(spec: EnvironmentSpec, plan: PoolPlan) -> Iterator[str]:
    tpu = spec.pools[plan.name].spec.tpu
    if tpu is None or not plan.gpus_per_node:
        return
    yield f'Pool "{plan.name}": whether models fit the memory of TPU chips is not judged.'
    if plan.slice_hosts > 1:
        chips = tpu.chips_per_slice
        odd = sorted(name for name, tenant in spec.tenants.items()
                     if plan.name in tenant.spec.quota and tenant.spec.quota[plan.name].nominal_quota % chips)
        yield (f'Pool "{plan.name}": a slice of {tpu.topology} is {plan.slice_hosts} hosts that work only together: GKE starts, repairs '
               "and ends them as one.")
        if odd:
            yield f'Pool "{plan.name}": the quotas of {", ".join(odd)} are no whole slices of {chips} chips; the rest can never be used.'
