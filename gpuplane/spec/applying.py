"""How an environment is applied: its stacks, the order of tenants, and who may let a change through."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from gpuplane.spec.model import DnsLabel, SpecModel

Person = Annotated[str, Field(pattern=r"^[A-Za-z0-9][-A-Za-z0-9._@+/:\[\]]{0,199}$")]
"""A name as the CI system (``GITHUB_ACTOR``, ``GITLAB_USER_LOGIN``) or ``GPUPLANE_ACTOR`` says it."""


class Stacks(SpecModel):
    """Pulumi stack names of the layers; what a stack holds never depends on its name."""

    cluster: str | None = None
    """Left out: ``ENVIRONMENT-cluster``."""
    platform: str | None = None
    """Left out: ``ENVIRONMENT-platform``."""
    tenants: str | None = None
    """Left out: ``ENVIRONMENT-tenants``; with ``tenant_stacks`` each tenant's name comes behind it."""


class Approval(SpecModel):
    """Nothing is applied without an approval of exactly that."""

    approvers: Annotated[tuple[Person, ...], Field(min_length=1)]
    """Who may approve. The names are as trustworthy as the place that an approval file comes from: keep it in a protected branch or job."""


class BreakGlass(SpecModel):
    """Who may apply without an approval, with a reason, on the record."""

    allowed: Annotated[tuple[Person, ...], Field(min_length=1)]
    """Who may. Money is all that it waives beside the approval: no rule of isolation, privacy, quotas or wiring is ever skipped."""


class Applying(SpecModel):
    """What ``gpuplane up`` keeps to."""

    waves: tuple[Annotated[tuple[DnsLabel, ...], Field(min_length=1)], ...] = ()
    """Tenants whose stacks go first, in waves; all others follow in the last. A wave in which a stack fails is the last one."""
    approval: Approval | None = None
    break_glass: BreakGlass | None = None
    drift: Literal["conflict", "report", "stop"] = "conflict"
    """What happens where an apply would change what somebody else has changed since the last one. ``conflict``: nobody looks; the API
    server refuses fields that another manager owns now, so that the stack fails and says whose they are, and AWS is written over.
    ``report``: it is said, recorded and taken back. ``stop``: the stack is held. Both ask the cluster twice more for each stack. With
    ``approval`` it is always held."""

    @model_validator(mode="after")
    def _once(self) -> Applying:
        named = [name for wave in self.waves for name in wave]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise PydanticCustomError("once", "a tenant is in one wave; {names} twice", {"names": ", ".join(twice), "field": ("waves",)})
        return self
