"""Paths between tenants that are meant: who else may reach a tenant, through what, and why."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gpuplane.spec.model import DnsLabel, SpecModel

Medium = Literal["network", "kubernetes-api", "secrets", "volumes", "cloud", "devices", "queues", "caches", "telemetry"]


class ReachableFrom(SpecModel):
    """Another tenant that may reach this one. It opens nothing: it says that a path which other objects open is meant."""

    tenant: DnsLabel
    """Who may reach it."""
    by: Annotated[tuple[Medium, ...], Field(min_length=1)]
    """What the paths lead through."""
    reason: Annotated[str, Field(min_length=10, max_length=300)]
    """Why, for those who review it; the report shows it beside each such path."""
