"""What a pool's document asks for that cannot be: unknown hardware, impossible MIG layouts."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.mig import mig_layout_valid
from gpuplane.planning.crossing import listed
from gpuplane.planning.demand import Demand
from gpuplane.planning.refusal import MIG_LAYOUT, OTHER_GPU, UNKNOWN_HARDWARE, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec, Place
from gpuplane.spec.node_pool import EksManagedNodeGroup, NodePool

_INSTANCE = "spec.eks_managed_node_group.instance_type"
_LAYOUT = "spec.sharing.mig.layout"


def pool_refusals(spec: EnvironmentSpec, name: str, on_pool: Collection[Demand], catalog: Catalog) -> Iterator[Refusal]:
    """Every refusal that one pool's document deserves by itself, prices apart.

    Args:
        on_pool: what services ask of it: a mistake in its hardware names them, for nothing else is said of them on that account.
    """
    pool, place = spec.pools[name], spec.places[("NodePool", name)]
    if catalog.gpu(pool.spec.gpu) is None:
        yield refused(UNKNOWN_HARDWARE, place, "spec.gpu", f'there is no GPU "{pool.spec.gpu}" in the catalogue.',
                      _choose(pool.spec.gpu, catalog.gpus), pool.spec.gpu)
    yield from _mig(spec, pool, place, catalog)
    group = pool.spec.eks_managed_node_group
    if group is not None:
        yield from _instance(spec, pool, group, place, on_pool, catalog)


def _mig(spec: EnvironmentSpec, pool: NodePool, place: Place, catalog: Catalog) -> Iterator[Refusal]:
    sharing, gpu, operator = pool.spec.sharing, catalog.gpu(pool.spec.gpu), spec.environment.spec.gpu_operator
    if sharing is None or sharing.mig is None:
        return
    reason = mig_layout_valid(gpu, sharing.mig.layout) if gpu is not None else None
    if reason is not None:
        yield refused(MIG_LAYOUT, place, _LAYOUT, reason, "Choose another layout, or pools of different layouts.")
    if operator is not None and operator.mig_strategy != "mixed":
        yield refused(
            MIG_LAYOUT, place, _LAYOUT,
            f"gpu_operator.mig_strategy is {operator.mig_strategy}, so no device is advertised by its profile.",
            "Set mig_strategy: mixed in environment.yaml.", "mixed", operator.mig_strategy)


def _instance(spec: EnvironmentSpec, pool: NodePool, group: EksManagedNodeGroup, place: Place, on_pool: Collection[Demand],
              catalog: Catalog) -> Iterator[Refusal]:
    facts, region = catalog.instance(group.instance_type), spec.environment.spec.region
    if facts is None:
        yield refused(UNKNOWN_HARDWARE, place, _INSTANCE,
                      f'there is no instance type "{group.instance_type}" with GPUs in the catalogue.',
                      f"{_choose(group.instance_type, catalog.instances)} {_left_open(pool.name, on_pool)}", group.instance_type)
    elif facts.gpu != pool.spec.gpu and catalog.gpu(pool.spec.gpu) is not None:
        has = facts.gpu or facts.gpu_model
        fitting = sorted(name for name, row in catalog.instances.items() if row.gpu == pool.spec.gpu)
        priced = region is None or catalog.hourly_price(group.instance_type, region, group.capacity_type) is not None
        yield refused(
            OTHER_GPU, place, _INSTANCE,
            f"{group.instance_type} has {facts.gpus} × {has}, but spec.gpu is {pool.spec.gpu}"
            f"{'' if priced else f' (nor is a price of it known in {region})'}.",
            f"Set gpu: {has}, or choose one of: {', '.join(fitting) or 'none in the catalogue'}. {_left_open(pool.name, on_pool)}",
            pool.spec.gpu, has)


def _left_open(pool: str, on_pool: Collection[Demand]) -> str:
    """What cannot be said until the mistake is corrected."""
    named = f": {listed(demand.entry.name for demand in on_pool)}" if on_pool else ""
    return f"Until then, nothing on pool \"{pool}\" can be placed, counted or priced{named}."


def _choose(name: str, names: Iterable[str]) -> str:
    known = sorted(names)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"Did you mean {close[0]}?" if close else f"Choose one of: {', '.join(known)}."
