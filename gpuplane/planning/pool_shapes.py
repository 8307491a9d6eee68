"""Whether the parts of a pool fit each other: instance types, network, sharing and who starts the nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.instances import Instance
from gpuplane.planning.hardware import fitting
from gpuplane.planning.refusal import FABRIC, NEVER_SCALES, OTHER_GPU, UNKNOWN_HARDWARE, Refusal, refused
from gpuplane.spec.aws_nodes import AwsNodes
from gpuplane.spec.environment_spec import Place
from gpuplane.spec.errors import listed
from gpuplane.spec.node_pool import NodePool
from gpuplane.spec.tpu_nodes import TpuNodes

GPU_PRODUCT = "nvidia.com/gpu.product"
GPU_COUNT = "nvidia.com/gpu.count"
INSTANCE_TYPE = "node.kubernetes.io/instance-type"


def aws_refusals(pool: NodePool, place: Place, region: str | None, left_open: str, catalog: Catalog) -> Iterator[Refusal]:
    """NP-02 and NP-09: every instance type has the pool's GPU, all as many of them, and network cards for EFA where that is asked for.

    Args:
        left_open: what cannot be said of the pool until its hardware is known.
    """
    nodes, fits = pool.spec.aws_nodes, fitting(pool.spec, catalog)
    assert nodes is not None
    path, others = f"{pool.spec.path}.{nodes.types_path}", _of_other_gpus(pool, nodes, catalog)
    for has, types in others.items():
        yield _other_gpu(has, types, pool, path, place, region, left_open, catalog)
    shape = fits or (next(iter(others.values())) if len(others) == 1 else ())  # a gpu that none of them has is one mistake
    counts = sorted({facts.gpus for facts in shape})
    if len(counts) > 1:
        has = ", ".join(f"{facts.name} {facts.gpus}" for facts in shape)
        yield refused(OTHER_GPU, place, path,
                      f"the instance types have different numbers of GPUs ({has}), so a node of this pool has no shape.",
                      f"Make a pool of each. {left_open}", counts[0], counts[-1])
    yield from _fabric(pool, fits, place)


def _of_other_gpus(pool: NodePool, nodes: AwsNodes, catalog: Catalog) -> dict[str, tuple[Instance, ...]]:
    """Instance types that have another GPU than the pool names, by that GPU."""
    found: dict[str, tuple[Instance, ...]] = {}
    for name in nodes.types if catalog.gpu(pool.spec.gpu) is not None else ():
        facts = catalog.instance(name)
        if facts is not None and facts.gpu != pool.spec.gpu:
            has = facts.gpu or facts.gpu_model
            found[has] = (*found.get(has, ()), facts)
    return found


def _other_gpu(has: str, types: Sequence[Instance], pool: NodePool, path: str, place: Place, region: str | None, left_open: str,
               catalog: Catalog) -> Refusal:
    fitting_types = sorted(name for name, row in catalog.instances.items() if row.gpu == pool.spec.gpu)
    bring = f"{types[0].name} has {types[0].gpus} × {has}" if len(types) == 1 else f"{listed(facts.name for facts in types)} have {has}"
    change = "Remove it from the instance types" if fitting(pool.spec, catalog) else f"Set gpu: {has}"
    return refused(
        OTHER_GPU, place, path, f"{bring}, but spec.gpu is {pool.spec.gpu}{_unpriced(types, pool, region, catalog)}.",
        f"{change}, or choose one of: {', '.join(fitting_types) or 'none in the catalogue'}. {left_open}", pool.spec.gpu, has)


def _unpriced(types: Sequence[Instance], pool: NodePool, region: str | None, catalog: Catalog) -> str:
    """Words for types that have no price either, so that whoever sets ``gpu`` to theirs knows."""
    nodes = pool.spec.aws_nodes
    if region is None or nodes is None or nodes.block is not None:
        return ""
    lack = [facts.name for facts in types if any(catalog.hourly_price(facts.name, region, each) is None for each in nodes.purchases)]
    return f" (nor is a price of {'it' if len(types) == 1 else listed(lack)} known in {region})" if lack else ""


def _fabric(pool: NodePool, fits: Sequence[Instance], place: Place) -> Iterator[Refusal]:
    nodes = pool.spec.eks_managed_node_group or pool.spec.karpenter
    if nodes is None or nodes.efa is None:
        return
    path = f"{pool.spec.path}.efa"
    for facts in fits:
        if not facts.efa_interfaces:
            yield refused(FABRIC, place, path, f"{facts.name} has no EFA interface.",
                          "Remove efa, or choose an instance type that has one.", "1",
                          facts.efa_interfaces if facts.efa_interfaces is not None else "unknown")
        elif not facts.efa_on_primary_card:
            yield refused(FABRIC, place, path,
                          f"how the network cards of {facts.name} take EFA interfaces is not known here: not one for each.",
                          "Choose another instance type, or start the nodes yourself and name them as existing_nodes.")
    # Types without EFA, and types of different sizes, are refused already.
    if len({facts.efa_interfaces for facts in fits if facts.efa_interfaces}) > 1 and len({facts.gpus for facts in fits}) == 1:
        has = ", ".join(f"{facts.name} {facts.efa_interfaces}" for facts in fits)
        yield refused(FABRIC, place, path,
                      f"the instance types have different numbers of EFA interfaces ({has}); one launch template names them.",
                      "Keep one of the instance types.")


def karpenter_refusals(pool: NodePool, place: Place) -> Iterator[Refusal]:
    """NP-10: Karpenter starts nodes for resources that it knows of an instance type; MIG devices are none of them."""
    nodes = pool.spec.karpenter
    if nodes is None or pool.spec.strategy != "mig" or nodes.least_nodes == nodes.max_nodes:
        return
    yield refused(
        NEVER_SCALES, place, "spec.sharing.mig",
        "Karpenter knows nvidia.com/gpu of an instance type and no MIG device, so a pod that asks for one never starts a node.",
        f"Set karpenter.static_nodes to max_nodes ({nodes.max_nodes}), so that no pod has to, or use eks_managed_node_group.",
        nodes.max_nodes, nodes.least_nodes)


def existing_refusals(pool: NodePool, place: Place, catalog: Catalog) -> Iterator[Refusal]:
    """NP-02 of nodes that are there already: what their labels say of their GPUs is what the pool says."""
    nodes, gpu = pool.spec.existing_nodes, catalog.gpu(pool.spec.gpu)
    if nodes is None or gpu is None:
        return
    path, said = "spec.existing_nodes", nodes.node_selector
    product = str(said.get(GPU_PRODUCT, gpu.product_label)).removesuffix("-SHARED")
    named = next((row for row in catalog.gpus.values() if row.product_label == product), None)
    if named is not None and named.product_label != gpu.product_label:
        yield refused(OTHER_GPU, place, f"{path}.node_selector", f"the nodes' label {GPU_PRODUCT} is {product}, which is {named.name}, but "
                      f"spec.gpu is {gpu.name}.", f"Set gpu: {named.name}, or select nodes by {GPU_PRODUCT}: {gpu.product_label}.",
                      gpu.name, named.name)
    facts = catalog.instance(str(said.get(INSTANCE_TYPE, "")))
    counts = [(int(str(said[GPU_COUNT])), f"their label {GPU_COUNT}")] if str(said.get(GPU_COUNT, "")).isdecimal() else []
    counts += [(facts.gpus, facts.name)] if facts is not None and facts.gpus not in dict(counts) else []
    for count, source in counts:
        if count != nodes.gpus_per_node:
            yield refused(OTHER_GPU, place, f"{path}.gpus_per_node", f"{source} says {count} GPUs a node, but gpus_per_node is "
                          f"{nodes.gpus_per_node}.", f"Set gpus_per_node: {count}, or select other nodes.", nodes.gpus_per_node, count)


def tpu_refusals(nodes: TpuNodes, place: Place, left_open: str, catalog: Catalog) -> Iterator[Refusal]:
    """NP-01 of TPU nodes: the machine type is known, and forms slices of this topology.

    Args:
        left_open: what cannot be said of the pool until its hardware is known.
    """
    machine = catalog.tpus.get(nodes.machine_type)
    if machine is None:
        yield refused(UNKNOWN_HARDWARE, place, "spec.tpu.machine_type",
                      f'there is no TPU machine type "{nodes.machine_type}" in the catalogue.',
                      f"Choose one of: {', '.join(sorted(catalog.tpus))}. {left_open}", nodes.machine_type)
    elif nodes.topology not in machine.topologies:
        others = sorted(row.name for row in catalog.tpus.values()
                        if row.accelerator == machine.accelerator and nodes.topology in row.topologies)
        form = f"; {', '.join(others)} {'does' if len(others) == 1 else 'do'}" if others else ""
        yield refused(UNKNOWN_HARDWARE, place, "spec.tpu.topology",
                      f"{machine.name} is not known to form slices of {nodes.topology}{form}.",
                      f"Choose one of: {', '.join(machine.topologies)}. {left_open}", nodes.topology)
