"""What a pool's document asks for that cannot be: unknown hardware, impossible MIG layouts, unknown prices."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.mig import mig_layout_valid
from gpuplane.planning.environment_plan import PoolPlan
from gpuplane.planning.refusal import MIG_LAYOUT, OTHER_GPU, UNKNOWN_HARDWARE, UNKNOWN_PRICE, Refusal, refused
from gpuplane.spec.environment_spec import EnvironmentSpec, Place
from gpuplane.spec.node_pool import EksManagedNodeGroup, NodePool

_INSTANCE = "spec.eks_managed_node_group.instance_type"
_LAYOUT = "spec.sharing.mig.layout"


def pool_refusals(spec: EnvironmentSpec, plan: PoolPlan, catalog: Catalog) -> Iterator[Refusal]:
    """Every refusal that one pool's document deserves by itself."""
    pool, place = spec.pools[plan.name], spec.places[("NodePool", plan.name)]
    if catalog.gpu(pool.spec.gpu) is None:
        yield refused(UNKNOWN_HARDWARE, place, "spec.gpu", f'there is no GPU "{pool.spec.gpu}" in the catalogue.',
                      _choose(pool.spec.gpu, catalog.gpus), pool.spec.gpu)
    yield from _mig(spec, pool, place, catalog)
    group = pool.spec.eks_managed_node_group
    if group is not None:
        yield from _instance(pool, group, place, catalog)
        if plan.usd_per_node_hour is None or plan.worst_case_usd_per_node_hour is None:
            yield _unpriced(spec, group, place, catalog)


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


def _instance(pool: NodePool, group: EksManagedNodeGroup, place: Place, catalog: Catalog) -> Iterator[Refusal]:
    facts = catalog.instance(group.instance_type)
    if facts is None:
        yield refused(UNKNOWN_HARDWARE, place, _INSTANCE,
                      f'there is no instance type "{group.instance_type}" with GPUs in the catalogue.',
                      _choose(group.instance_type, catalog.instances), group.instance_type)
    elif facts.gpu != pool.spec.gpu and catalog.gpu(pool.spec.gpu) is not None:
        has = facts.gpu or facts.gpu_model
        fitting = sorted(name for name, row in catalog.instances.items() if row.gpu == pool.spec.gpu)
        yield refused(
            OTHER_GPU, place, _INSTANCE, f"{group.instance_type} has {facts.gpus} × {has}, but spec.gpu is {pool.spec.gpu}.",
            f"Set gpu: {has}, or choose one of: {', '.join(fitting) or 'none in the catalogue'}.", pool.spec.gpu, has)


def _unpriced(spec: EnvironmentSpec, group: EksManagedNodeGroup, place: Place, catalog: Catalog) -> Refusal:
    words, region = group.capacity_type.replace("_", " "), spec.environment.spec.region
    priced = ", ".join(catalog.priced_regions(group.instance_type)) or "none"
    return refused(
        UNKNOWN_PRICE, place, _INSTANCE,
        f"the price of {group.instance_type} {words} in {region} is unknown, and unknown is not 0 "
        f"(on-demand prices are known in: {priced}).",
        "Choose an instance type, region or capacity_type with a known price, or add its row to the price book.",
        "a price", "none")


def _choose(name: str, names: Iterable[str]) -> str:
    known = sorted(names)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"Did you mean {close[0]}?" if close else f"Choose one of: {', '.join(known)}."
