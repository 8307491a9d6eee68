"""What a pool's document asks for that cannot be: unknown hardware, impossible MIG layouts."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.mig import mig_layout_valid
from gpuplane.planning.demand import Demand
from gpuplane.planning.pool_shapes import aws_refusals, existing_refusals, karpenter_refusals, tpu_refusals
from gpuplane.planning.refusal import GPU_SHARING, MIG_LAYOUT, UNKNOWN_HARDWARE, Refusal, refused
from gpuplane.spec.aws_nodes import AwsNodes
from gpuplane.spec.environment_spec import EnvironmentSpec, Place
from gpuplane.spec.errors import listed
from gpuplane.spec.node_pool import NodePool

_LAYOUT = "spec.sharing.mig.layout"


def pool_refusals(spec: EnvironmentSpec, name: str, on_pool: Collection[Demand], catalog: Catalog) -> Iterator[Refusal]:
    """Every refusal that one pool's document deserves by itself, prices apart.

    Args:
        on_pool: what services ask of it: a mistake in its hardware names them, for nothing else is said of them on that account.
    """
    pool, place, left_open = spec.pools[name], spec.places[("NodePool", name)], _left_open(name, on_pool)
    if pool.spec.tpu is not None:
        yield from tpu_refusals(pool.spec.tpu, place, left_open, catalog)
        return
    if catalog.gpu(pool.spec.gpu) is None:
        yield refused(UNKNOWN_HARDWARE, place, "spec.gpu", f'there is no GPU "{pool.spec.gpu}" in the catalogue.',
                      choose(pool.spec.gpu, catalog.gpus), pool.spec.gpu)
    yield from _mig(spec, pool, place, catalog)
    yield from _mps(pool, place, catalog)
    yield from _bottlerocket(pool, place)
    yield from existing_refusals(pool, place, catalog)
    yield from karpenter_refusals(pool, place)
    if pool.spec.aws_nodes is not None:
        yield from _instances(pool, pool.spec.aws_nodes, place, left_open, catalog)
        yield from aws_refusals(pool, place, spec.environment.spec.region, left_open, catalog)


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


def _left_open(pool: str, on_pool: Collection[Demand]) -> str:
    """What cannot be said until a mistake in the hardware is corrected."""
    named = f": {listed(demand.entry.name for demand in on_pool)}" if on_pool else ""
    return f"Until then, nothing on pool \"{pool}\" can be placed, counted or priced{named}."


def _mps(pool: NodePool, place: Place, catalog: Catalog) -> Iterator[Refusal]:
    gpu = catalog.gpu(pool.spec.gpu)
    if pool.spec.strategy == "mps" and gpu is not None and "mps" not in gpu.sharing_modes:
        yield refused(GPU_SHARING, place, "spec.sharing.mps",
                      f"MPS needs compute capability 7.0 or newer; {gpu.name} has {gpu.compute_capability}.",
                      "Share it by time_slicing, or choose a newer GPU.", "7.0", gpu.compute_capability)


def _bottlerocket(pool: NodePool, place: Place) -> Iterator[Refusal]:
    """Bottlerocket shares GPUs by its own settings (``settings.kubelet-device-plugins.nvidia``, documentation of 1.34 to 1.54)."""
    nodes = pool.spec.aws_nodes
    if pool.spec.sharing is None or nodes is None or not nodes.bottlerocket:
        return
    field = "ami_type" if pool.spec.eks_managed_node_group is not None else nodes.image_path
    operand = "MIG manager cannot change its host" if pool.spec.strategy == "mig" else "device plugin would hand out the same GPUs again"
    yield refused(GPU_SHARING, place, "spec.sharing",
                  f"GPUs are shared by {pool.spec.strategy} through the GPU Operator, and Bottlerocket has a device plugin of its own, "
                  f"which reads the node's settings alone: the operator's {operand}.",
                  f"Take an AL2023 image at {pool.spec.path}.{field}, or share nothing.", "AL2023", "Bottlerocket")


def _instances(pool: NodePool, nodes: AwsNodes, place: Place, left_open: str, catalog: Catalog) -> Iterator[Refusal]:
    path = f"{pool.spec.path}.{nodes.types_path}"
    for name in nodes.types:
        if catalog.instance(name) is None:
            yield refused(UNKNOWN_HARDWARE, place, path, f'there is no instance type "{name}" with GPUs in the catalogue.',
                          f"{choose(name, catalog.instances)} {left_open}", name)


def choose(name: str, names: Iterable[str]) -> str:
    """A remedy for a name that is not known: the closest of those that are, or all of them."""
    known = sorted(names)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"Did you mean {close[0]}?" if close else f"Choose one of: {', '.join(known)}."
