"""``kind: Tenant``: a team, what it may use, and what it must be kept from."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.budget import Budget
from gpuplane.spec.cloud_use import CloudUse
from gpuplane.spec.data_class import DataClass
from gpuplane.spec.model import Cidr, CloudRegion, DnsLabel, Document, FairSharingWeight, OneOf, QuotaKey, SpecModel, Usd, number_is_nominal
from gpuplane.spec.traffic import ModelAccess
from gpuplane.spec.vocabulary import LOCAL_QUEUE, is_personal


class DeviceQuota(SpecModel):
    """GPUs (or MIG devices) of one pool; the words and meanings are Kueue's (ClusterQueue v1beta2)."""

    nominal_quota: Annotated[int, Field(ge=0, le=100_000)]
    """Devices that are the tenant's own."""
    borrowing_limit: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Devices it may use beyond them while others leave theirs idle."""
    lending_limit: Annotated[int | None, Field(ge=0, le=100_000)] = None
    """Own devices that others may borrow; all of them where it is left out."""

    @model_validator(mode="after")
    def _lend(self) -> DeviceQuota:
        if self.lending_limit is not None and self.lending_limit > self.nominal_quota:
            raise PydanticCustomError(
                "bounds", "lending_limit {lend} is more than nominal_quota {own}",
                {"lend": self.lending_limit, "own": self.nominal_quota, "field": ("lending_limit",)})
        return self


Quota = Annotated[DeviceQuota, BeforeValidator(
    number_is_nominal, json_schema_input_type=Annotated[int, Field(ge=0, le=100_000)] | DeviceQuota)]


class Preemption(SpecModel):
    """Whom the tenant's workloads may preempt; the words and meanings are Kueue's (ClusterQueue v1beta2)."""

    within_cluster_queue: Literal["Never", "LowerPriority", "LowerOrNewerEqualPriority"] = "LowerPriority"
    """Own workloads that may be preempted for others of its own."""
    reclaim_within_cohort: Literal["Never", "LowerPriority", "Any"] = "Any"
    """Workloads of others that may be preempted to get lent devices back; with less than ``Any`` the nominal quota is not guaranteed."""


class FlavorFungibility(SpecModel):
    """Which pool a workload gets that could run on several; the words and meanings are Kueue's (ClusterQueue v1beta2).

    Served models name their pool; this is for the tenant's own Jobs and pods without a node selector.
    """

    pools: tuple[DnsLabel, ...] = ()
    """Pools that are tried first, in this order, e.g. spot before on demand; the others follow by name."""
    when_can_borrow: Literal["MayStopSearch", "TryNextFlavor"] = "MayStopSearch"
    """Whether a workload takes a pool where it would have to borrow, or looks at the next one first."""
    when_can_preempt: Literal["MayStopSearch", "TryNextFlavor"] = "TryNextFlavor"
    """Whether a workload takes a pool where it would have to preempt others, or looks at the next one first."""
    preference: Literal["BorrowingOverPreemption", "PreemptionOverBorrowing"] | None = None
    """What it does where all pools were looked at; only where both of the above are ``TryNextFlavor``."""

    @model_validator(mode="after")
    def _preference(self) -> FlavorFungibility:
        if self.preference is not None and {self.when_can_borrow, self.when_can_preempt} != {"TryNextFlavor"}:
            raise PydanticCustomError("together", "preference needs when_can_borrow and when_can_preempt: TryNextFlavor",
                                      {"field": ("preference",)})
        if len(set(self.pools)) < len(self.pools):
            raise PydanticCustomError("flavors", "a pool stands twice", {"field": ("pools",)})
        return self


class LocalQueue(SpecModel):
    """A further LocalQueue of the tenant, e.g. for one of its teams; it shares the tenant's quota."""

    fair_sharing_weight: FairSharingWeight | None = None
    """Weight among the tenant's LocalQueues; needs ``kueue.admission_fair_sharing`` of the environment."""


class EgressRule(OneOf):
    """One destination outside the tenant's namespace that its pods may reach."""

    ONE_OF = ("cidr", "namespace")

    name: DnsLabel
    """What the rule is called; its NetworkPolicy bears the name."""
    cidr: Cidr | None = None
    """Addresses, e.g. ``10.20.0.0/16``; a rule refuses ``0.0.0.0/0``."""
    namespace: DnsLabel | None = None
    """Pods of a platform namespace, e.g. an egress proxy; never another tenant's."""
    ports: Annotated[tuple[Annotated[int, Field(ge=1, le=65535)], ...], Field(min_length=1)]
    """TCP ports."""


class RemoteReference(SpecModel):
    """Where a value lies in the store."""

    key: Annotated[str, Field(min_length=1, max_length=512)]
    """Name of the secret in the store."""
    property: str | None = None
    """Field of a secret that is a JSON object; left out, the whole secret."""


class SecretReference(SpecModel):
    """A secret by reference: gpuplane never sees the value."""

    name: DnsLabel
    """Name of the Kubernetes Secret that the store's operator fills."""
    store: DnsLabel
    """A store of the environment's ``secret_stores``."""
    data: Annotated[dict[Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]+$")], RemoteReference], Field(min_length=1)]
    """Key in the Secret to where its value lies in the store."""


class Access(SpecModel):
    """Who may work in the tenant's namespace, by groups of the identity provider, and who may call its models."""

    admins: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Groups that may change workloads."""
    viewers: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Groups that may look, but at no Secret."""
    models: ModelAccess | None = None
    """Callers of its models, through the gateway."""


class TenantSpec(OneOf):
    """A team on the platform: one namespace, one ClusterQueue, one budget."""

    ONE_OF = ("budget_usd_per_month", "budget")

    model_config = ConfigDict(json_schema_extra={
        "if": {"properties": {"data_classification": {"enum": ["personal", "special", "pii"]}}},
        "then": {"required": ["allowed_regions"], "properties": {"allowed_regions": {"minItems": 1}}}})

    owner: Annotated[str, Field(min_length=3, max_length=100)]
    """Who answers for it: a team or an address."""
    data_classification: DataClass
    """The most sensitive data it handles: ``special`` is personal data of GDPR Art. 9. ``pii`` is read as ``personal``."""
    allowed_regions: tuple[CloudRegion, ...] = ()
    """Regions its data may be in; needed where the data is personal."""
    budget_usd_per_month: Usd | None = None
    """What its minimum may cost in a month of 730 hours, in US dollars: the short form of ``budget``."""
    budget: Budget | None = None
    """The long form, with levels and a basis."""
    cost_center: Annotated[str | None, Field(pattern=r"^[A-Za-z0-9][-A-Za-z0-9_.]{0,62}$")] = None
    """Who pays; shown in the cost report."""
    cohort: DnsLabel | None = None
    """Kueue Cohort: tenants of one cohort lend each other idle GPUs. left out, it neither borrows nor lends."""
    quota: dict[QuotaKey, Quota] = Field(default_factory=dict)
    """Devices by pool (``h100``) or, for MIG, by pool and profile (``a100-mig/1g.10gb``); a number is its nominal_quota."""
    preemption: Preemption = Preemption()
    """Whom its workloads may preempt."""
    fair_sharing_weight: FairSharingWeight | None = None
    """Weight among the members of its cohort; one weight anywhere switches Kueue's fair sharing on."""
    flavor_fungibility: FlavorFungibility | None = None
    local_queues: dict[DnsLabel, LocalQueue] = Field(default_factory=dict)
    """LocalQueues beside ``gpu``, by name."""
    egress: tuple[EgressRule, ...] = ()
    """The only ways out of the namespace besides DNS."""
    secrets: tuple[SecretReference, ...] = ()
    """Secrets its workloads may mount, by reference."""
    access: Access = Access()
    cloud_use: CloudUse = CloudUse()

    @property
    def monthly_budget(self) -> Budget:
        """The budget, whichever way it is written."""
        return self.budget if self.budget is not None else Budget(usd_per_month=self.budget_usd_per_month or Decimal(0))

    @model_validator(mode="after")
    def _consistent(self) -> TenantSpec:
        if is_personal(self.data_classification) and not self.allowed_regions:
            raise PydanticCustomError("residency", "data_classification {data} needs allowed_regions",
                                      {"data": self.data_classification, "field": ("allowed_regions",)})
        limited = [key for key, quota in self.quota.items() if quota.borrowing_limit or quota.lending_limit is not None]
        if self.cohort is None and limited:
            raise PydanticCustomError("cohort", "borrowing_limit and lending_limit of {keys} need a cohort",
                                      {"keys": ", ".join(limited), "field": ("quota", limited[0])})
        return self

    @model_validator(mode="after")
    def _queues(self) -> TenantSpec:
        for name in self.local_queues:
            if name in (LOCAL_QUEUE, "default"):
                why = "there already" if name == LOCAL_QUEUE else "what Kueue gives to every workload that names no queue"
                raise PydanticCustomError("queue", "a LocalQueue {name} is {why}",
                                          {"name": name, "why": why, "field": ("local_queues", name)})
        own = {key.partition("/")[0] for key in self.quota}
        for index, pool in enumerate(self.flavor_fungibility.pools if self.flavor_fungibility is not None else ()):
            if pool not in own:
                raise PydanticCustomError("flavors", "the tenant has no quota of pool {pool}",
                                          {"pool": pool, "field": ("flavor_fungibility", "pools", index)})
        return self


class Tenant(Document[Literal["Tenant"], TenantSpec]):
    """A team on the platform (``tenants/<name>.yaml``)."""
