"""``kind: NodePool``: GPU or TPU nodes of one shape, and how their GPUs are shared."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.aws_nodes import AwsNodes
from gpuplane.spec.eks_managed_node_group import EksManagedNodeGroup
from gpuplane.spec.existing_nodes import ExistingNodes
from gpuplane.spec.gpu_sharing import Sharing
from gpuplane.spec.karpenter_nodes import KarpenterNodes
from gpuplane.spec.model import Document, LabelKey, LabelValue, OneOf, SpecModel
from gpuplane.spec.taint import GPU_TAINT, TPU_TAINT, Taint
from gpuplane.spec.tpu_nodes import TpuNodes
from gpuplane.spec.vocabulary import GPU, TPU

Strategy = Literal["dedicated", "mig", "time-slicing", "mps"]
"""How GPUs are shared, in one word."""


class ModelCache(SpecModel):
    """The nodes keep the weights of services that ask for it (``model_cache_gib``) on a disk of their own."""

    disk_gib: Annotated[int, Field(ge=10, le=1_000_000)]
    """Room for weights at ``/mnt/models`` of each node, in GiB; not part of the disk that pods are given."""


class NodePoolSpec(OneOf):
    """GPU or TPU nodes of one shape; each pool is one Kueue ResourceFlavor."""

    ONE_OF = ("eks_managed_node_group", "karpenter", "existing_nodes", "tpu")

    model_config = ConfigDict(json_schema_extra={
        "if": {"required": ["tpu"]}, "then": {"not": {"anyOf": [{"required": ["gpu"]}, {"required": ["sharing"]}]}},
        "else": {"required": ["gpu"]}})

    gpu: Annotated[str, Field(max_length=60)] = ""
    """GPU model, a name of the GPU catalogue, e.g. ``H100-SXM-80GB``; left out with ``tpu``."""
    eks_managed_node_group: EksManagedNodeGroup | None = None
    karpenter: KarpenterNodes | None = None
    existing_nodes: ExistingNodes | None = None
    tpu: TpuNodes | None = None
    sharing: Sharing | None = None
    model_cache: ModelCache | None = None
    expected_scale_percent: Annotated[int | None, Field(ge=0, le=100)] = None
    """How far its services are between min_replicas (0) and max_replicas (100) on average over a month, where they do not say
    expected_replicas themselves."""
    taints: Annotated[tuple[Taint, ...], Field(max_length=8)] = (GPU_TAINT,)
    """Taints on the nodes; the pool's workloads tolerate exactly these. TPU nodes always bear GKE's own taint ``google.com/tpu``."""
    labels: dict[LabelKey, LabelValue] = Field(default_factory=dict)
    """Further labels for nodes that gpuplane creates."""

    @model_validator(mode="after")
    def _accelerator(self) -> NodePoolSpec:
        if self.tpu is None and not self.gpu:
            raise PydanticCustomError("needed", "name the GPU of the nodes, e.g. H100-SXM-80GB", {"field": ("gpu",)})
        if self.tpu is not None and self.gpu:
            raise PydanticCustomError("together", "TPU nodes have no GPU", {"field": ("gpu",)})
        if self.tpu is not None and self.sharing is not None:
            raise PydanticCustomError("together", "TPU chips are not shared between pods", {"field": ("sharing",)})
        if self.labels and self.aws_nodes is None:
            raise PydanticCustomError("together", "labels are for nodes that gpuplane creates; these are there already",
                                      {"field": ("labels",)})
        return self

    @property
    def device(self) -> str:
        """Resource of a whole device: ``nvidia.com/gpu``, or ``google.com/tpu``."""
        return TPU if self.tpu is not None else GPU

    @property
    def aws_nodes(self) -> AwsNodes | None:
        """EC2 nodes that gpuplane has started, by EKS or by Karpenter; None where somebody else brings the nodes."""
        return self.eks_managed_node_group or self.karpenter

    @property
    def block(self) -> str:
        """Name of the block that says where its nodes come from."""
        return next(name for name in self.ONE_OF if getattr(self, name) is not None)

    @property
    def path(self) -> str:
        """Path of that block in the document."""
        return f"spec.{self.block}"

    @property
    def zones(self) -> dict[str, int]:
        """Most nodes by zone; empty where zones do not matter."""
        source = self.aws_nodes or self.existing_nodes or self.tpu
        assert source is not None  # ONE_OF
        return source.zones

    @property
    def strategy(self) -> Strategy:
        """How GPUs are shared, in one word."""
        if self.sharing is None:
            return "dedicated"
        if self.sharing.mig is not None:
            return "mig"
        return "time-slicing" if self.sharing.time_slicing is not None else "mps"

    @property
    def node_taints(self) -> tuple[Taint, ...]:
        """Every taint that its nodes bear."""
        if self.tpu is None:
            return self.taints
        return (TPU_TAINT, *(taint for taint in self.taints if taint not in (TPU_TAINT, GPU_TAINT)))


class NodePool(Document[Literal["NodePool"], NodePoolSpec]):
    """GPU or TPU nodes of one shape (``node-pools/<name>.yaml``)."""

    @property
    def device(self) -> str:
        """Resource of its whole devices."""
        return self.spec.device
