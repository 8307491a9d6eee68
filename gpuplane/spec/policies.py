"""What an environment says about the rules: which block, and the lists that they compare with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gpuplane.spec.data_class import DataClass
from gpuplane.spec.model import SpecModel
from gpuplane.spec.obligations import ClassObligations

RuleId = Annotated[str, Field(pattern=r"^[A-Z]{2,3}-[0-9]{2}$")]
"""Catalogue id of a rule, e.g. ``WS-01``."""


class AdmissionPolicies(SpecModel):
    """The rules that one object decides, said by the API server itself in tenants' namespaces (ValidatingAdmissionPolicy).

    What blocks in a report is refused there, what advises warns. Objects with an exemption are let pass, and what Kubernetes makes of them.
    """

    action: Literal["Deny", "Warn", "Audit"] = "Deny"
    """What happens to what a blocking rule forbids: refused, admitted with a warning, or only noted in the audit log."""
    only_warn: tuple[RuleId, ...] = ()
    """Rules that warn and refuse nothing, e.g. SC-01 as long as an operator adds containers whose image is not pinned."""


class Policies(SpecModel):
    """Parameters of the rules; what is left out is what most platforms want."""

    production: bool | None = None
    """True: services here must outlive a node, an update and a night; left out, what stands in a namespace whose environment is
    called prod, production or live."""
    mandatory: tuple[RuleId, ...] = ()
    """Rules of medium or low severity that stop an apply here as well."""
    allow_unknown: tuple[RuleId, ...] = ()
    """Rules that do not stop an apply where only apply can know; each stays in the report."""
    reviewed_remote_code: tuple[Annotated[str, Field(pattern=r"^[a-z0-9]+://\S+@[0-9a-f]{7,64}$")], ...] = ()
    """Models whose own code was read and may run, each with the revision that was read: ``hf://ORGANISATION/MODEL@REVISION``."""
    allowed_licenses: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = ()
    """Licences of models that may be served, as model cards spell them (``apache-2.0``); left out, any that is recorded."""
    signed_images: bool = False
    """True: every tenant's namespace is under a policy of the cluster that admits signed images only."""
    priority_classes: tuple[Annotated[str, Field(min_length=1, max_length=253)], ...] = ()
    """Priority classes that tenants may use; left out, those of the platform's own objects."""
    chargeback: tuple[Literal["tenant", "cost_center", "environment"], ...] | None = None
    """What everything that costs must say, so that it can be charged to somebody; left out, tenant and environment, and the cost centre
    where any tenant has one."""
    development: bool | None = None
    """True: GPUs here must not run by themselves all night; left out, what stands in a namespace whose environment is called dev,
    development, test, preview or sandbox."""
    most_idle_percent: Annotated[int, Field(ge=0, le=100)] = 60
    """Share of a pool's always-running GPUs that may be promised to nobody."""
    least_reserved_percent: Annotated[int, Field(ge=0, le=100)] = 0
    """Share of the instances that always run that must be reserved."""
    cloud_budgets: bool = False
    """True: each tenant's budget is a budget of the cloud account as well, which warns when the bill comes near it."""
    stale_prices_after_days: Annotated[int, Field(ge=1, le=3650)] = 365
    """Days after which a price is too old to hold a budget against; from 90 days on the report notes it anyway."""
    platform_host_paths: tuple[Annotated[str, Field(pattern=r"^/", max_length=4096)], ...] = ()
    """Paths of the node, each as it is written in the manifest, that DaemonSets of the platform (in no tenant's namespace) may mount."""
    break_glass_days: Annotated[int, Field(ge=1, le=30)] = 7
    """Most days ahead that access for an emergency may end."""
    dedicated_nodes_for: tuple[DataClass, ...] = ("special",)
    """Data classes whose workloads run on nodes of their tenant alone; whole GPUs and MIG keep tenants apart for the others."""
    language_model: Annotated[str | None, Field(pattern=r"^[a-z]{2}_[a-z0-9_]{3,60}$")] = None
    """spaCy model by which Presidio looks for names of people and places as well, e.g. ``en_core_web_lg``; both are installed beside
    gpuplane (``gpuplane[presidio]``). Left out, only what has a form of its own is found."""
    obligations: dict[DataClass, ClassObligations] = Field(default_factory=dict)
    """What data of a class is owed beyond what gpuplane demands anyway (``obligations.yaml`` of its catalogue); never less."""
    longest_exemption_days: Annotated[int, Field(ge=1, le=730)] = 180
    """Most days ahead that an exemption may end; one that ends later waives nothing."""


DEFAULT = Policies()
"""The parameters of an environment that says nothing, and of manifests that belong to none."""
PRODUCTION_WORDS = ("prod", "production", "live")
"""Names of environments that are taken for production where nothing says whether they are."""
DEVELOPMENT_WORDS = ("dev", "development", "test", "preview", "sandbox")
"""Names of environments that nobody is served from at night."""
