"""``kind: Environment``: where the platform runs, what is installed, and what all tenants share."""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.applying import Applying, Stacks
from gpuplane.spec.aws import Aws
from gpuplane.spec.budget import Budget
from gpuplane.spec.cloud_use import CloudUse
from gpuplane.spec.cohort import Cohort
from gpuplane.spec.delivered_by import DeliveredBy
from gpuplane.spec.gateway import Gateway
from gpuplane.spec.gpu_operator import GpuOperator
from gpuplane.spec.model import (
    Cidr,
    CloudRegion,
    DnsLabel,
    Document,
    OneOf,
    SpecModel,
    Usd,
)
from gpuplane.spec.monitoring import Monitoring
from gpuplane.spec.platform_services import CertManager, EfaDevicePlugin, Karpenter, Keda, KServe, Kueue, LeaderWorkerSet, Volcano
from gpuplane.spec.policies import AdmissionPolicies, Policies
from gpuplane.spec.promotion import Promotion
from gpuplane.spec.secret_store import SecretStore
from gpuplane.spec.tracing import Tracing


class Cluster(SpecModel):
    """The Kubernetes cluster, pinned so that a wrong kubeconfig cannot be written to."""

    name: DnsLabel
    """Name of the cluster; on AWS, of the EKS cluster."""
    context: Annotated[str, Field(min_length=1, max_length=200)]
    """Context of the kubeconfig; nothing falls back to the current one."""
    kube_system_uid: Annotated[str | None, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")] = None
    """UID of the namespace ``kube-system``; leave it out for clusters that are thrown away, and for one that gpuplane creates
    (``aws.eks``): that one is known by the endpoint and certificate authority that its stack exports."""
    region: CloudRegion | None = None
    """Region that an existing cluster stands in; tenants with personal data need to know it."""
    api_server_cidrs: Annotated[tuple[Cidr, ...], Field(max_length=16)] = ()
    """Addresses behind the API server, as pods reach it (``kubectl get endpointslices kubernetes``); needed by services with a router:
    its endpoint picker asks there which pods there are."""
    kubernetes_version: Annotated[str, Field(pattern=r"^1\.[0-9]{2}$")]
    """Minor version, in quotes, e.g. ``"1.36"``."""


SecretsProvider = Annotated[str, Field(
    max_length=1000, pattern=r"^(passphrase|(awskms|gcpkms|azurekeyvault|hashivault)://[^\s@'\"`]+)$")]
"""A key as ``pulumi stack init --secrets-provider`` takes it; credentials come from the environment, never from the URL."""
CloudQuotaName = Literal["running_on_demand_g_and_vt", "running_on_demand_p", "spot_g_and_vt", "spot_p4_p3_p2", "spot_p5"]
"""Rows of ``cloud-quotas.tsv``."""


class EnvironmentSettings(OneOf):
    """One environment: its cloud, cluster, shared services and limits."""

    ONE_OF = ("budget_usd_per_month", "budget")
    MOVED = MappingProxyType({"gateway_namespace": "gateway.namespace"})

    model_config = ConfigDict(json_schema_extra={
        "if": {"properties": {"cloud": {"const": "aws"}}},
        "then": {"required": ["aws"]}, "else": {"not": {"required": ["aws"]}}})

    cloud: Literal["aws", "existing"]
    """``aws``: EKS; ``existing``: any cluster that is there already."""
    aws: Aws | None = None
    cluster: Cluster
    protected: bool = False
    """True: tenant namespaces and CRD-bearing releases cannot be deleted without lifting it by name."""
    budget_usd_per_month: Usd | None = None
    """What the minimum of everything may cost in a month of 730 hours, in US dollars: the short form of ``budget``."""
    budget: Budget | None = None
    """The long form, with levels and a basis."""
    cloud_use: CloudUse = CloudUse()
    allowed_gpus: tuple[Annotated[str, Field(min_length=1, max_length=60)], ...] = ()
    """GPU models that pools of this environment may have; left out, all of the catalogue."""
    state_backend: Annotated[str | None, Field(pattern=r"^(file|s3|gs|azblob|https)://")] = None
    """Where Pulumi state must live; only checked, never set."""
    secrets_provider: SecretsProvider | None = None
    """What encrypts the secrets in the state: ``passphrase``, or a key by the URL that Pulumi knows it by, e.g.
    ``awskms://alias/NAME?region=REGION``. New stacks are made with it, and a stack that has another is refused. Left out, new stacks have
    Pulumi Cloud's own key or, elsewhere, a passphrase, and others what they have."""
    delivered_by: DeliveredBy | None = None
    """The GitOps engine that applies what `gpuplane render` writes; left out, `gpuplane up` applies it."""
    stacks: Stacks = Stacks()
    tenant_stacks: bool = False
    """True: one Pulumi stack for each tenant. Once applied, a change of this needs ``gpuplane migrate-stacks``."""
    applying: Applying = Applying()
    kueue: Kueue
    kserve: KServe
    volcano: Volcano | None = None
    keda: Keda | None = None
    cert_manager: CertManager | None = None
    leader_worker_set: LeaderWorkerSet | None = None
    karpenter: Karpenter | None = None
    efa_device_plugin: EfaDevicePlugin | None = None
    gpu_operator: GpuOperator | None = None
    monitoring: Monitoring | None = None
    tracing: Tracing | None = None
    secret_stores: dict[DnsLabel, SecretStore] = Field(default_factory=dict)
    """Stores by the name that tenants refer to."""
    cohorts: dict[DnsLabel, Cohort] = Field(default_factory=dict)
    """Cohorts by the name that tenants join: members lend each other idle GPUs."""
    cloud_quotas: dict[CloudQuotaName, Annotated[int, Field(ge=0, le=10_000_000)]] = Field(default_factory=dict)
    """vCPU quotas of the AWS account in this region, as Service Quotas shows them; what is left out is unknown."""
    gateway: Gateway | None = None
    """The way by which callers reach tenants' models; without it nobody outside a tenant's namespace does."""
    dns_cidr: Cidr | None = None
    """Address of a node-local DNS cache, if there is one."""
    allowed_registries: Annotated[tuple[str, ...], Field(min_length=1)]
    """Prefixes of images that may run, e.g. ``docker.io/vllm/``."""
    allowed_model_sources: Annotated[tuple[str, ...], Field(min_length=1)]
    """Prefixes of model URIs that may be served, e.g. ``hf://Qwen/``."""
    pod_security: Literal["baseline", "restricted"] = "restricted"
    """Pod Security Standard that tenant namespaces enforce."""
    policies: Policies = Policies()
    admission_policies: AdmissionPolicies | None = None
    """The rules in the API server as well, for what comes past every pipeline; left out, only policies of queues and borders are there."""
    promotion: Promotion | None = None

    @model_validator(mode="after")
    def _cloud(self) -> EnvironmentSettings:
        if (self.cloud == "aws") != (self.aws is not None):
            raise PydanticCustomError("together", "cloud aws and the block aws belong together", {"field": ("aws",)})
        for name in ("karpenter", "efa_device_plugin"):
            found = getattr(self, name)
            if found is not None and found.install == "release" and self.aws is None:
                raise PydanticCustomError("together", "{name} is installed on AWS alone", {"name": name, "field": (name,)})
        for name, store in self.secret_stores.items():
            if self.aws is None and store.aws_secrets_manager is not None and store.aws_secrets_manager.reader_roles is not None:
                raise PydanticCustomError("together", "reader_roles are made in the account of cloud aws", {
                    "field": ("secret_stores", name, "aws_secrets_manager", "reader_roles")})
        if self.cloud_quotas and self.aws is None:
            raise PydanticCustomError("together", "cloud_quotas are of an AWS account", {"field": ("cloud_quotas",)})
        if self.applying.waves and not self.tenant_stacks:
            raise PydanticCustomError("together", "waves are of tenants' stacks and need tenant_stacks: true",
                                      {"field": ("applying", "waves")})
        if self.protected and self.cluster.kube_system_uid is None and not self.creates_cluster:
            raise PydanticCustomError(
                "pinned", "protected needs the cluster's kube_system_uid, unless gpuplane creates the cluster (aws.eks)",
                {"field": ("cluster", "kube_system_uid")})
        return self

    @property
    def monthly_budget(self) -> Budget:
        """The budget, whichever way it is written."""
        return self.budget if self.budget is not None else Budget(usd_per_month=self.budget_usd_per_month or Decimal(0))

    @property
    def creates_cluster(self) -> bool:
        """Whether the layer ``cluster`` makes the cluster itself; before its first apply there is nothing that could be pinned."""
        return self.aws is not None and self.aws.eks is not None

    @property
    def known_by_export(self) -> bool:
        """Whether the cluster is known by what the stack that created it exports, and by nothing that is written."""
        return self.creates_cluster and self.cluster.kube_system_uid is None

    @property
    def region(self) -> str | None:
        """Where the data is: the AWS region, or what an existing cluster says; None where it says nothing."""
        return self.aws.region if self.aws is not None else self.cluster.region


class Environment(Document[Literal["Environment"], EnvironmentSettings]):
    """One environment (``environment.yaml``)."""
