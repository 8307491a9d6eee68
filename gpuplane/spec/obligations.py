"""What an environment demands for a class of data beyond what gpuplane demands anyway."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gpuplane.spec.model import SpecModel

Days = Annotated[int, Field(ge=1, le=36_500)]
Permission = Literal["allowed", "forbidden"]
Fallback = Literal["allowed", "approved", "agreement", "forbidden"]


class ClassObligations(SpecModel):
    """Obligations of one data class; what is left out stays as the catalogue has it, and nothing here may be weaker."""

    customer_keys: bool | None = None
    """Data at rest is encrypted with a key of the customer's own, not of the cloud."""
    tls: bool | None = None
    """Data in transit is encrypted, with TLS 1.2 at least."""
    residency: bool | None = None
    """The regions that the data may be in are named, and it stays in them."""
    retention_days: Days | None = None
    """Longest time that a copy is kept, in days."""
    payload_logging: Permission | None = None
    """Whether prompts and answers may reach a log."""
    trace_capture: Permission | None = None
    """Whether prompts and answers may reach traces."""
    cache_sharing: Permission | None = None
    """Whether tenants may share a cache of prompts."""
    external_fallback: Fallback | None = None
    """Whether a model API outside may answer: any, one that is approved for the class, one with a processing agreement too, or none."""
    authentication: bool | None = None
    """Callers and readers say who they are; nothing is anonymous or public."""
    access_log: bool | None = None
    """Who read the data is recorded."""
    offboarding_days: Days | None = None
    """When the data of a tenant that left must be gone, in days."""
