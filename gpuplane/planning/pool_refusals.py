"""What a pool's document asks for that cannot be: unknown hardware, impossible MIG layouts, unknown prices."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.mig import mig_layout_valid
from gpuplane.planning.environment_plan import PoolPlan
from gpuplane.planning.pool_shapes import aws_refusals, existing_refusals, karpenter_refusals, tpu_refusals
from gpuplane.planning.refusal import GPU_SHARING, MIG_LAYOUT, UNKNOWN_HARDWARE, UNKNOWN_PRICE, Refusal, refused
from gpuplane.spec.aws_nodes import AwsNodes
from gpuplane.spec.environment_spec import EnvironmentSpec, Place
from gpuplane.spec.node_pool import NodePool

_LAYOUT = "spec.sharing.mig.layout"


def pool_refusals(spec: EnvironmentSpec, plan: PoolPlan, catalog: Catalog) -> Iterator[Refusal]:
    """Every refusal that one pool's document deserves by itself."""
    pool, place = spec.pools[plan.name], spec.places[("NodePool", plan.name)]
    if pool.spec.tpu is not None:
        yield from tpu_refusals(pool.spec.tpu, place, catalog)
        if plan.gpus_per_node and plan.usd_per_node_hour is None:
            yield _unpriced_tpu(spec, pool.spec.tpu.machine_type, place)
        return
    if catalog.gpu(pool.spec.gpu) is None:
        yield refused(UNKNOWN_HARDWARE, place, "spec.gpu", f'there is no GPU "{pool.spec.gpu}" in the catalogue.',
                      choose(pool.spec.gpu, catalog.gpus), pool.spec.gpu)
    yield from _mig(spec, pool, place, catalog)
    yield from _mps(pool, place, catalog)
    yield from existing_refusals(pool, place, catalog)
    yield from karpenter_refusals(pool, place)
    nodes = pool.spec.aws_nodes
    if nodes is not None:
        yield from _instances(pool, nodes, place, catalog)
        yield from aws_refusals(pool, place, catalog)
        if plan.usd_per_node_hour is None or plan.worst_case_usd_per_node_hour is None:
            yield _unpriced(spec, pool, nodes, place, catalog)


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


def _mps(pool: NodePool, place: Place, catalog: Catalog) -> Iterator[Refusal]:
    gpu = catalog.gpu(pool.spec.gpu)
    if pool.spec.strategy == "mps" and gpu is not None and "mps" not in gpu.sharing_modes:
        yield refused(GPU_SHARING, place, "spec.sharing.mps",
                      f"MPS needs compute capability 7.0 or newer; {gpu.name} has {gpu.compute_capability}.",
                      "Share it by time_slicing, or choose a newer GPU.", "7.0", gpu.compute_capability)


def _instances(pool: NodePool, nodes: AwsNodes, place: Place, catalog: Catalog) -> Iterator[Refusal]:
    path = f"{pool.spec.path}.{nodes.types_path}"
    for name in nodes.types:
        if catalog.instance(name) is None:
            yield refused(UNKNOWN_HARDWARE, place, path, f'there is no instance type "{name}" with GPUs in the catalogue.',
                          choose(name, catalog.instances), name)


def _unpriced(spec: EnvironmentSpec, pool: NodePool, nodes: AwsNodes, place: Place, catalog: Catalog) -> Refusal:
    region, words = spec.environment.spec.region, " or ".join(each.replace("_", " ") for each in nodes.purchases)
    priced = set.intersection(*(set(catalog.priced_regions(name)) for name in nodes.types))
    return refused(
        UNKNOWN_PRICE, place, f"{pool.spec.path}.{nodes.types_path}",
        f"the price of {' or '.join(nodes.types)} {words} in {region} is unknown, and unknown is not 0 "
        f"(on-demand prices are known in: {', '.join(sorted(priced)) or 'none'}).",
        "Choose an instance type, region or capacity type with a known price, or add its row to the price book.",
        "a price", "none")


def _unpriced_tpu(spec: EnvironmentSpec, machine: str, place: Place) -> Refusal:
    region = spec.environment.spec.region
    add = f"Add its row to prices of catalog.yaml (instance: {machine}, region: {region or 'europe-west4'}, offer: on_demand)"
    return refused(
        UNKNOWN_PRICE, place, "spec.tpu.machine_type",
        f"the price of a {machine} host {f'in {region}' if region else 'where no region is known'} is unknown, and unknown is not 0.",
        f"{add}." if region is not None else f"{add}, and say cluster.region in environment.yaml.", "a price", "none")


def choose(name: str, names: Iterable[str]) -> str:
    """A remedy for a name that is not known: the closest of those that are, or all of them."""
    known = sorted(names)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"Did you mean {close[0]}?" if close else f"Choose one of: {', '.join(known)}."
