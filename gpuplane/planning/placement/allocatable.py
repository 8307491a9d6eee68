"""What a node has left for models: its capacity less what the kubelet, the system and DaemonSets keep.

The scheduler compares requests with *allocatable*, not with the data sheet, and DaemonSets are there first.
EKS nodes follow the AMI's own arithmetic (amazon-eks-ami, ``nodeadm/internal/kubelet/config.go``); nodes that are
there already say it in their pool's document, or a tenth is set aside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from gpuplane.catalog.catalog import Catalog
from gpuplane.catalog.daemonsets import DaemonSet, When
from gpuplane.catalog.instances import Instance
from gpuplane.planning.hardware import hardware
from gpuplane.spec.aws_nodes import AwsNodes
from gpuplane.spec.environment import EnvironmentSettings
from gpuplane.spec.existing_nodes import ExistingNodes
from gpuplane.spec.karpenter_nodes import KarpenterNodes
from gpuplane.spec.node_pool import NodePoolSpec
from gpuplane.spec.tpu_nodes import TpuNodes

ASSUMED_SHARE = Fraction(9, 10)
"""Share of a node that models may have where its document does not say what is reserved: an assumption that errs on the
safe side for large nodes; kubelet, system, DaemonSets and eviction threshold all live in the other tenth."""
DEFAULT_MAX_PODS = 110
"""The kubelet's default of ``maxPods``."""
HYPERVISOR_SHARE = Fraction(75, 1000)
"""Share of an instance's memory that the node does not see: Karpenter's ``vm-memory-overhead-percent`` default, 0.075."""
ARM_FIRMWARE_MIB = 64
"""What arm64 instances keep for contiguous memory before that share is taken: Karpenter's instance type provider."""
EVICTION_MEMORY_MIB = 100
"""``evictionHard: memory.available`` of the kubelet and of the EKS AMI."""
EVICTION_DISK_SHARE = Fraction(1, 10)
"""``evictionHard: nodefs.available: 10%`` of the kubelet and of the EKS AMI."""
RESERVED_DISK_MIB = 1024
"""``kubeReserved: ephemeral-storage: 1Gi`` of the EKS AMI."""
_CPU_STEPS = ((1000, 600), (2000, 100), (4000, 50))
"""Up to so many millicores, so much of every 10 000 is reserved; 25 of 10 000 above (amazon-eks-ami, after GKE)."""
_CPU_BEYOND = 25

GIB = 1024
"""MiB in a GiB."""


@dataclass(frozen=True, order=True)
class Deduction:
    """One thing that models cannot have of a node (millicores, MiB, pods)."""

    what: str
    cpu_millicores: int
    memory_mib: int
    disk_mib: int
    pods: int


@dataclass(frozen=True)
class NodeAllocatable:
    """What one node of a pool offers to models.

    Attributes:
        cpu_millicores, memory_mib, pods: what is left; 0 where the hardware is unknown.
        disk_mib: local disk for images and weights; None where nobody says how large it is.
        deductions: what was taken off the capacity, in order.
        basis: how it is known.
    """

    cpu_millicores: int
    memory_mib: int
    pods: int
    disk_mib: int | None
    deductions: tuple[Deduction, ...]
    basis: str

    @property
    def cpu(self) -> int:
        """Whole cores."""
        return self.cpu_millicores // 1000

    @property
    def memory_gib(self) -> int:
        """Whole GiB."""
        return self.memory_mib // GIB


UNKNOWN = NodeAllocatable(0, 0, 0, None, (), "the hardware is unknown")


def node_allocatable(pool: NodePoolSpec, settings: EnvironmentSettings, catalog: Catalog) -> NodeAllocatable:
    """What one node of a pool offers to models, after the system and the DaemonSets of this environment."""
    daemonsets = tuple(_deduction(row) for row in catalog.daemonsets.values() if row.when in _parts(pool, settings))
    if pool.existing_nodes is not None:
        return _existing(pool.existing_nodes, daemonsets)
    if pool.tpu is not None:
        return _gke(pool.tpu, daemonsets, catalog)
    assert pool.aws_nodes is not None  # ONE_OF
    facts = hardware(pool, catalog)
    return _eks(pool.aws_nodes, daemonsets, facts) if facts is not None else UNKNOWN


def eks_reserved_cpu(cpu_millicores: int) -> int:
    """Millicores that an EKS node keeps: 6 % of the first core, 1 % of the second, 0.5 % of two more, 0.25 % of the rest."""
    reserved, start = 0, 0
    for end, of_ten_thousand in (*_CPU_STEPS, (cpu_millicores, _CPU_BEYOND)):
        if cpu_millicores > start:
            reserved += (min(cpu_millicores, end) - start) * of_ten_thousand // 10_000
        start = end
    return reserved


def eks_reserved_memory_mib(max_pods: int) -> int:
    """MiB that an EKS node keeps for the kubelet and the container runtime: 255 + 11 for each pod that it may have."""
    return 255 + 11 * max_pods


def _eks(nodes: AwsNodes, daemonsets: tuple[Deduction, ...], facts: Instance) -> NodeAllocatable:
    pods = nodes.max_pods or facts.max_pods or DEFAULT_MAX_PODS
    cpu, memory, disk = facts.vcpus * 1000, facts.memory_gib * GIB, _disk_gib(nodes, facts) * GIB
    firmware = ARM_FIRMWARE_MIB if facts.arch == "arm64" else 0
    taken = (
        Deduction("memory that the node does not see (7.5 %)", 0, firmware + _up(HYPERVISOR_SHARE * (memory - firmware)), 0, 0),
        Deduction("kubeReserved of the EKS AMI", eks_reserved_cpu(cpu), eks_reserved_memory_mib(pods), RESERVED_DISK_MIB, 0),
        Deduction("evictionHard", 0, EVICTION_MEMORY_MIB, _up(EVICTION_DISK_SHARE * disk), 0),
        *daemonsets)
    return _left(cpu, memory, pods, disk, taken, f"{facts.name} with the EKS AMI's reserve and {len(daemonsets)} DaemonSets")


def _disk_gib(nodes: AwsNodes, facts: Instance) -> int:
    """Disk for images and weights: the volume, or the instance's own disks where they are used instead."""
    if isinstance(nodes, KarpenterNodes) and nodes.instance_store is not None and facts.local_disk_gb:
        return facts.local_disk_gb * 10**9 // 2**30
    return nodes.disk_gib


def _gke(nodes: TpuNodes, daemonsets: tuple[Deduction, ...], catalog: Catalog) -> NodeAllocatable:
    """GKE's reserve is not known here, so a tenth is set aside, as of nodes whose document does not say it."""
    if nodes.machine_type not in catalog.tpus:
        return UNKNOWN
    host = ExistingNodes(
        node_selector={"tpu": "host"}, max_nodes=1, gpus_per_node=1, vcpus_per_node=nodes.vcpus_per_node,
        memory_gib_per_node=nodes.memory_gib_per_node, usd_per_node_hour=Decimal(0), price_source="none", max_pods=nodes.max_pods,
        disk_gib_per_node=nodes.disk_gib_per_node)
    return _existing(host, daemonsets)


def _existing(nodes: ExistingNodes, daemonsets: tuple[Deduction, ...]) -> NodeAllocatable:
    cpu, memory, pods = nodes.vcpus_per_node * 1000, nodes.memory_gib_per_node * GIB, nodes.max_pods or DEFAULT_MAX_PODS
    disk = None if nodes.disk_gib_per_node is None else nodes.disk_gib_per_node * GIB
    eviction = Deduction("evictionHard", 0, EVICTION_MEMORY_MIB, _up(EVICTION_DISK_SHARE * (disk or 0)), 0)
    if nodes.allocatable is not None:
        said = nodes.allocatable
        return _left(said.cpu_millicores, said.memory_mib, pods, disk, (_of_disk(eviction), *daemonsets),
                     f"allocatable of the pool's document and {len(daemonsets)} DaemonSets")
    if nodes.system_reserved is not None:
        kept = nodes.system_reserved
        reserved = Deduction("system_reserved of the pool's document", kept.cpu_millicores, kept.memory_mib, 0, 0)
        return _left(cpu, memory, pods, disk, (reserved, eviction, *daemonsets),
                     f"capacity less system_reserved and {len(daemonsets)} DaemonSets")
    tenth = 1 - ASSUMED_SHARE
    assumed = Deduction("a tenth, as nothing says what is reserved", _up(tenth * cpu), _up(tenth * memory), 0, 0)
    only_pods = tuple(Deduction(row.what, 0, 0, 0, row.pods) for row in daemonsets)
    return _left(cpu, memory, pods, disk, (assumed, Deduction("evictionHard", 0, 0, eviction.disk_mib, 0), *only_pods),
                 "nine tenths of the node: its document does not say what is reserved")


def _of_disk(eviction: Deduction) -> Deduction:
    """The eviction threshold of disk alone: a node's own *allocatable* has that of memory in it."""
    return Deduction(eviction.what, 0, 0, eviction.disk_mib, 0)


def _left(cpu: int, memory: int, pods: int, disk: int | None, taken: tuple[Deduction, ...], basis: str) -> NodeAllocatable:
    return NodeAllocatable(
        max(0, cpu - sum(row.cpu_millicores for row in taken)), max(0, memory - sum(row.memory_mib for row in taken)),
        max(0, pods - sum(row.pods for row in taken)),
        None if disk is None else max(0, disk - sum(row.disk_mib for row in taken)), taken, basis)


def _parts(pool: NodePoolSpec, settings: EnvironmentSettings) -> frozenset[When]:
    """The parts of the platform that bring DaemonSets to this pool."""
    return frozenset(_parts_of(pool, settings))


def _parts_of(pool: NodePoolSpec, settings: EnvironmentSettings) -> Iterator[When]:
    yield "always"
    if pool.aws_nodes is not None:
        yield "aws"
    if settings.gpu_operator is not None and pool.tpu is None:
        yield "gpu_operator"
        if pool.strategy == "mig":
            yield "mig"
    if settings.monitoring is not None:
        yield "monitoring"


def _deduction(row: DaemonSet) -> Deduction:
    return Deduction(row.name, row.cpu_millicores, row.memory_mib, 0, 1)


def _up(amount: Fraction) -> int:
    return -(-amount.numerator // amount.denominator)
