"""What an environment says about the rules: which block, and the lists that they compare with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gpuplane.spec.model import SpecModel

RuleId = Annotated[str, Field(pattern=r"^[A-Z]{2,3}-[0-9]{2}$")]
"""Catalogue id of a rule, e.g. ``WS-01``."""


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
    cloud_budgets: bool = False
    """True: each tenant's budget is a budget of the cloud account as well, which warns when the bill comes near it."""
    stale_prices_after_days: Annotated[int, Field(ge=1, le=3650)] = 365
    """Days after which a price is too old to hold a budget against; from 90 days on the report notes it anyway."""
    platform_host_paths: tuple[Annotated[str, Field(pattern=r"^/", max_length=4096)], ...] = ()
    """Paths of the node, each as it is written in the manifest, that DaemonSets of the platform (in no tenant's namespace) may mount."""
    break_glass_days: Annotated[int, Field(ge=1, le=30)] = 7
    """Most days ahead that access for an emergency may end."""


DEFAULT = Policies()
"""The parameters of an environment that says nothing, and of manifests that belong to none."""
PRODUCTION_WORDS = ("prod", "production", "live")
"""Names of environments that are taken for production where nothing says whether they are."""
DEVELOPMENT_WORDS = ("dev", "development", "test", "preview", "sandbox")
"""Names of environments that nobody is served from at night."""
