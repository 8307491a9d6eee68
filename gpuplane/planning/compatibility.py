"""Engines that do not run on the GPU they are placed on, or not with the driver of its nodes. Unknown is said, not refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.compatibility import (
    Driver,
    EngineBuild,
    engine_build,
    feature,
    gpu_support,
    node_image_driver,
    operator_driver,
    pinned_driver,
)
from gpuplane.catalog.gpus import Gpu
from gpuplane.catalog.instances import Instance
from gpuplane.planning.hardware import fitting
from gpuplane.planning.refusal import ENGINE_ON_GPU, FEATURE_ON_GPU, IMAGE_ON_NODE, OLD_DRIVER, Refusal, refused
from gpuplane.spec.aws_nodes import AwsNodes
from gpuplane.spec.eks_managed_node_group import EksManagedNodeGroup
from gpuplane.spec.environment_spec import EnvironmentSpec, Place, ServiceEntry
from gpuplane.spec.errors import listed
from gpuplane.spec.node_pool import NodePool

_ARGUMENTS = ("dtype", "quantization", "kv_cache_dtype")


def compatibility_refusals(spec: EnvironmentSpec, catalog: Catalog) -> Iterator[Refusal]:
    """NP-04 to NP-07: what cannot start, whatever memory it has."""
    for name, pool in spec.pools.items():
        yield from _pool(spec, name, pool, catalog)
    for entry in spec.services.values():
        pool = spec.pools[entry.document.spec.placement.pool]
        gpu = catalog.gpu(pool.spec.gpu)
        build = _build(entry)
        if gpu is not None and build is not None:
            yield from _engine(spec, entry, pool, gpu, build)
        if gpu is not None:
            yield from _features(entry, pool, gpu)


def compatibility_notes(spec: EnvironmentSpec, catalog: Catalog) -> Iterator[str]:
    """What nobody has said: drivers of nodes, versions older than any row, and fp8 caches on GPUs that lack fp8."""
    unknown: set[tuple[str, int]] = set()
    for entry in spec.services.values():
        pool = spec.pools[entry.document.spec.placement.pool]
        engine, version = _engine_of(entry)
        build, gpu = _build(entry), catalog.gpu(pool.spec.gpu)
        if build is None:
            yield f"What CUDA and driver {engine} {version} of {entry.name} needs is not known here."
        elif _driver(spec, pool) is None:
            unknown.add((pool.name, build.driver))
        if gpu is not None and entry.document.spec.release.vllm is not None:
            yield from _unsure(entry, gpu)
    for name, driver in sorted(unknown):
        yield f'The driver of the nodes of pool "{name}" is not known here; its services need branch {driver} or newer.'


def _pool(spec: EnvironmentSpec, name: str, pool: NodePool, catalog: Catalog) -> Iterator[Refusal]:
    nodes, group, place = pool.spec.aws_nodes, pool.spec.eks_managed_node_group, spec.places["NodePool", name]
    if nodes is None:
        return
    gpu, driver = catalog.gpu(pool.spec.gpu), _driver(spec, pool)
    if group is not None:
        yield from _processors(group, fitting(pool.spec, catalog), place)
    support = gpu_support(gpu.capability) if gpu is not None else None
    if gpu is not None and support is not None and driver is not None and driver.branch < support.driver:
        yield refused(
            OLD_DRIVER, place, f"{pool.spec.path}.{nodes.image_path}",
            f"release {_image(spec, nodes)} brings driver {driver.version}; {gpu.name} (compute capability {gpu.compute_capability}) "
            f"needs branch {support.driver} or newer ({support.source}).", f"Take a newer {nodes.image_path}.",
            support.driver, driver.version)


def _processors(group: EksManagedNodeGroup, types: Sequence[Instance], place: Place) -> Iterator[Refusal]:
    other = [facts for facts in types if facts.arch not in (None, group.arch)]
    if not other:
        return
    image = group.ami_type.replace("x86_64", "ARM_64") if group.arch == "x86_64" else group.ami_type.replace("ARM_64", "x86_64")
    mixed = len(other) < len(types)
    yield refused(
        IMAGE_ON_NODE, place, "spec.eks_managed_node_group.ami_type",
        f"{group.ami_type} is built for {group.arch}, but {listed(facts.name for facts in other)} {'has' if len(other) == 1 else 'have'} "
        f"{other[0].arch} processors.",
        f"Choose {image} or other instance types: a pool has one kind of processor." if mixed else f"Choose {image}.",
        other[0].arch, group.arch)


def _engine(spec: EnvironmentSpec, entry: ServiceEntry, pool: NodePool, gpu: Gpu, build: EngineBuild) -> Iterator[Refusal]:
    engine, version = _engine_of(entry)
    path, support, driver = f"spec.release.{engine}.version", gpu_support(gpu.capability), _driver(spec, pool)
    ended = support is not None and support.last_cuda is not None and _major(build) > support.last_cuda
    young = support is not None and _major(build) < int(support.cuda.partition(".")[0])
    if gpu.capability < build.capability or ended:
        yield refused(
            ENGINE_ON_GPU, entry.place, path,
            f"{engine} {version} supports compute capability {_text(build.capability)} and newer; {gpu.name} of pool \"{pool.name}\" has "
            f"{gpu.compute_capability} ({build.source}).",
            "Place it on a newer GPU, or take an older engine version.", _text(build.capability), gpu.compute_capability, entry.tenant)
    elif support is not None and (young or _release(build.cuda) < _release(support.cuda)):
        yield refused(
            ENGINE_ON_GPU, entry.place, path,
            f"{engine} {version} is built with CUDA {build.cuda}; {gpu.name} of pool \"{pool.name}\" needs {support.cuda} or newer "
            f"({support.source}).", "Take a newer engine version, or an older GPU.", support.cuda, build.cuda, entry.tenant)
    if driver is not None and not build.runs_on(driver.branch):
        yield refused(
            OLD_DRIVER, entry.place, path,
            f"{engine} {version} is built with CUDA {build.cuda} and needs driver branch {build.driver} or newer; the nodes of pool "
            f"\"{pool.name}\" have {driver.version} ({driver.source}).",
            "Raise the pool's node image, take an older engine version, or say which cuda the image has.",
            build.driver, driver.version, entry.tenant)


def _features(entry: ServiceEntry, pool: NodePool, gpu: Gpu) -> Iterator[Refusal]:
    vllm = entry.document.spec.release.vllm
    for field in _ARGUMENTS if vllm is not None else ():
        value = getattr(vllm.arguments, field) if vllm is not None else None
        asked = feature(field, value, vllm.version) if vllm is not None and value is not None else None
        if asked is not None and asked.capability is not None and gpu.capability < asked.capability:
            yield refused(
                FEATURE_ON_GPU, entry.place, f"spec.release.vllm.arguments.{field}",
                f"{value} needs compute capability {_text(asked.capability)} or newer; {gpu.name} of pool \"{pool.name}\" has "
                f"{gpu.compute_capability} ({asked.source}).",
                f"Choose another {field}, or place it on a newer GPU.", _text(asked.capability), gpu.compute_capability, entry.tenant)


def _unsure(entry: ServiceEntry, gpu: Gpu) -> Iterator[str]:
    vllm = entry.document.spec.release.vllm
    assert vllm is not None
    for field in _ARGUMENTS:
        value = getattr(vllm.arguments, field)
        asked = feature(field, value, vllm.version) if value is not None else None
        if asked is not None and asked.native is not None and gpu.capability < asked.native and (
                asked.capability is None or gpu.capability >= asked.capability):
            how = ("whether it starts depends on the attention backend" if asked.capability is None
                   else "weights are unpacked: memory is saved, not time")
            yield f"{entry.name} asks for {field} {value}, which {gpu.name} does not have in hardware; {how} ({asked.source})."


def _driver(spec: EnvironmentSpec, pool: NodePool) -> Driver | None:
    operator, nodes = spec.environment.spec.gpu_operator, pool.spec.aws_nodes
    if operator is not None and operator.driver is not None:
        return pinned_driver(operator.driver.version) if operator.driver.version else operator_driver(operator.version)
    image = nodes.image(spec.environment.spec.cluster.kubernetes_version) if nodes is not None else None
    return node_image_driver(*image) if image is not None else None


def _image(spec: EnvironmentSpec, nodes: AwsNodes) -> str:
    found = nodes.image(spec.environment.spec.cluster.kubernetes_version)
    return found[1] if found is not None else ""


def _engine_of(entry: ServiceEntry) -> tuple[str, str]:
    return entry.document.spec.release.engine


def _build(entry: ServiceEntry) -> EngineBuild | None:
    vllm = entry.document.spec.release.vllm
    return engine_build(*_engine_of(entry), vllm.cuda if vllm is not None else None)


def _major(build: EngineBuild) -> int:
    return int(build.cuda.partition(".")[0])


def _release(cuda: str) -> tuple[int, ...]:
    return tuple(int(part) for part in cuda.split("."))


def _text(capability: tuple[int, int]) -> str:
    return ".".join(map(str, capability))
