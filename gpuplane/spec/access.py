"""Who may work in a tenant's namespace, who may in an emergency, and who may call its models."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from gpuplane.spec.model import IsoDate, SpecModel
from gpuplane.spec.traffic import ModelAccess

TenantRole = Literal["viewer", "developer", "operator"]


def _of_people(group: str) -> str:
    if group.startswith("system:"):
        raise PydanticCustomError("reserved", "{group} is a group of Kubernetes itself; name one of your identity provider",
                                  {"group": group})
    return group


GroupName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^\S+$"), AfterValidator(_of_people)]
"""Group of the identity provider, as the API server knows it; names of Kubernetes' own are refused."""


class BreakGlass(SpecModel):
    """A shell in the tenant's pods for an emergency, where nobody has one otherwise: in production, and beside personal data."""

    group: GroupName
    """Who gets it."""
    reason: Annotated[str, Field(min_length=10, max_length=500)]
    """What happened, e.g. the incident's name."""
    approver: Annotated[str, Field(min_length=3, max_length=100)]
    """Who allowed it: a person or a team, by address."""
    expires: IsoDate
    """Last day it holds (UTC); at most ``policies.break_glass_days`` ahead. What has ended is refused until it is removed."""


class Access(SpecModel):
    """Who may work in the tenant's namespace, by groups of the identity provider, and who may call its models."""

    MOVED = MappingProxyType({"admins": "access.groups", "viewers": "access.groups"})

    groups: dict[GroupName, TenantRole] = Field(default_factory=dict)
    """Role of each group. ``viewer`` looks, ``developer`` changes workloads too, ``operator`` evicts pods and, where it is no
    production and no data is personal, opens a shell. None of them reads Secrets or gives rights."""
    break_glass: tuple[BreakGlass, ...] = ()
    """Access for an emergency; each shows in every report."""
    models: ModelAccess | None = None
    """Callers of its models, through the gateway."""

    def having(self, *roles: TenantRole) -> tuple[str, ...]:
        """Groups that have one of these roles, sorted."""
        return tuple(sorted(group for group, role in self.groups.items() if role in roles))
