"""``kind: Catalog``: facts that a user adds or corrects, shared by all environments of a folder. Rows as in the shipped catalogue.

``catalog.yaml`` is written by people, ``prices.yaml`` by ``gpuplane prices refresh``; where both have a row, people's counts.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

from gpuplane.spec.model import AwsRegion, CloudRegion, Document, IsoDate, LabelValue, MigProfile, SpecModel, decimal_of

CATALOG_FILES = ("prices", "catalog")
"""Names of the files, in the order in which later rows replace earlier ones."""

MAX_PRICES = 3500
"""Most prices of one file: what a document may hold (:data:`gpuplane.spec.yaml_source.WISH_LIMITS`)."""

Amount = Annotated[
    Decimal, BeforeValidator(decimal_of), Field(gt=0, le=Decimal("1e6")),
    PlainSerializer(str, return_type=str, when_used="json"), WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 1e6})]
"""A positive number, exact. An unknown price has no row; it is never 0."""
GpuName = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9-]{0,58}[A-Z0-9]$")]
InstanceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+\.[a-z0-9-]+$")]
ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][-a-z0-9._]{0,78}[a-z0-9]$")]


class Sourced(SpecModel):
    """What every row must say about itself."""

    source: Annotated[str, Field(min_length=3, max_length=200)]
    """Where the row comes from: a page, a table, a contract, with its version. Reports print it."""
    as_of: IsoDate
    """The day it speaks of."""


class NvLink(SpecModel):
    """How GPUs of one model are joined."""

    gpus: Annotated[int, Field(ge=2, le=576)]
    """GPUs of the NVLink domain, itself included."""
    gb_per_second: Annotated[int, Field(ge=1, le=20000)]
    """GB/s from one GPU to the others, both directions together."""


class MigProfileRow(SpecModel):
    """One size of MIG device: NVIDIA's placement rule for it."""

    compute_slices: Annotated[int, Field(ge=1, le=7)]
    """Compute slices it takes."""
    memory_slices: Annotated[int, Field(ge=1, le=8)]
    """Memory slices it takes."""
    max_per_gpu: Annotated[int, Field(ge=1, le=7)]
    """Most of them on one GPU."""
    starts: Annotated[tuple[Annotated[int, Field(ge=0, le=7)], ...], Field(min_length=1, max_length=8)]
    """Memory slices it may begin at."""
    reported_memory_gib: Amount | None = None
    """Memory that nvidia-smi mig -lgip lists for it, in GiB."""


class GpuRow(Sourced):
    """A GPU model."""

    product_label: Annotated[LabelValue, Field(min_length=1)]
    """Value of the node label nvidia.com/gpu.product."""
    memory_gib: Annotated[int, Field(ge=1, le=2048)]
    """Nominal memory, in GiB."""
    reported_memory_gib: Amount | None = None
    """Memory that programs really see, in GiB, e.g. as vLLM logs it. Leave it out where you have not seen it."""
    compute_capability: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,2}\.[0-9]$")]
    """CUDA compute capability, in quotes, e.g. "9.0"."""
    nvlink: NvLink | None = None
    karpenter_name: LabelValue | None = None
    """Value of the node label karpenter.k8s.aws/instance-gpu-name."""
    gke_accelerator: LabelValue | None = None
    """Value of the node label cloud.google.com/gke-accelerator."""
    mig: dict[MigProfile, MigProfileRow] = Field(default_factory=dict)
    """MIG profiles by name; left out where the GPU has no MIG."""


class InstanceRow(Sourced):
    """An instance type with GPUs: what one node brings."""

    gpus: Annotated[int, Field(ge=1, le=72)]
    """GPUs of one node."""
    gpu: GpuName
    """Their model, a name of the GPU catalogue or of this file."""
    vcpus: Annotated[int, Field(ge=1, le=4096)]
    """Virtual CPUs."""
    memory_gib: Annotated[int, Field(ge=1, le=65536)]
    """Host memory, in GiB."""
    arch: Literal["x86_64", "arm64"]
    """CPU architecture; images must be built for it."""
    gpu_memory_mib: Annotated[int, Field(ge=1, le=2097152)] | None = None
    """Memory of one GPU as the cloud's API says it, in MiB."""
    local_disk_gb: Annotated[int, Field(ge=0, le=1048576)] | None = None
    """NVMe instance store, in GB; 0 for none."""
    network_gbit: Amount | None = None
    """Baseline bandwidth, in Gbit/s."""
    efa_interfaces: Annotated[int, Field(ge=0, le=64)] | None = None
    """Elastic Fabric Adapter interfaces; 0 for none."""
    nvlink_gpus: Annotated[int, Field(ge=0, le=72)] | None = None
    """GPUs of a node that NVLink joins; 0 for none."""
    max_pods: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Pods that a node may have."""
    allocatable_vcpus: Amount | None = None
    """CPU left for pods, before DaemonSets."""
    allocatable_memory_mib: Annotated[int, Field(ge=1, le=67108864)] | None = None
    """Memory left for pods, in MiB, before DaemonSets."""


class ModelRow(Sourced):
    """A model architecture, by the fields of its ``config.json``."""

    models: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(max_length=200)] = ()
    """Model repositories that have it, e.g. acme/legal-7b."""
    config: Annotated[dict[str, Any], Field(min_length=1)]
    """Fields of its config.json that say its shape: hidden_size, num_hidden_layers, num_key_value_heads and so on."""
    parameters: Amount | None = None
    """All parameters, in billions; left out, they are counted from the shape."""
    vision_parameters: Amount | None = None
    """Parameters of a vision or audio tower, in billions."""
    verified: bool = False
    """True: somebody has compared the row with the published config.json."""


class PriceRow(Sourced):
    """What one node costs in an hour."""

    instance: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)?$")]
    """Instance type, or machine type of a TPU host."""
    region: CloudRegion
    """Cloud region."""
    offer: Literal["on_demand", "spot_average", "spot_max", "reserved_1y", "reserved_3y"]
    """What it is a price of; reserved means standard, no upfront, paid for every hour of the term."""
    usd_per_hour: Amount
    """US dollars an hour, before tax."""


class ServicePriceRow(Sourced):
    """What a unit of storage, traffic or a load balancer costs."""

    kind: Literal["alb_hour", "ebs_gp3_gib_month", "egress_gb", "eks_cluster_extended_hour", "eks_cluster_hour", "inter_az_gb",
                  "interface_endpoint_hour", "nat_gateway_gb", "nat_gateway_hour", "nlb_hour", "s3_standard_gib_month"]
    """What is priced; the unit is in the name."""
    region: AwsRegion
    """Cloud region."""
    usd: Amount
    """US dollars a unit, before tax."""


class CatalogSpec(SpecModel):
    """Rows that the shipped catalogue lacks or has otherwise; a row here replaces the shipped one of the same name."""

    gpus: dict[GpuName, GpuRow] = Field(default_factory=dict)
    """GPU models by name, e.g. RTX-6000-ADA-48GB."""
    instances: dict[InstanceName, InstanceRow] = Field(default_factory=dict)
    """Instance types by name."""
    models: dict[ModelName, ModelRow] = Field(default_factory=dict)
    """Model architectures by a name of your own."""
    prices: Annotated[tuple[PriceRow, ...], Field(max_length=MAX_PRICES)] = ()
    """Prices of nodes; several days of one price are its history, the newest counts."""
    service_prices: Annotated[tuple[ServicePriceRow, ...], Field(max_length=1000)] = ()
    """Prices beside the nodes."""


class Catalog(Document[Literal["Catalog"], CatalogSpec]):
    """Facts of a user's own (``catalog.yaml`` beside the environments' folders; ``prices.yaml`` is written by a command)."""
