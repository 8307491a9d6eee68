"""The Prometheus that watches the platform."""

from __future__ import annotations

from pydantic import Field

from gpuplane.spec.model import (
    DnsLabel,
    LabelKey,
    LabelValue,
    SpecModel,
)


class Monitoring(SpecModel):
    """Prometheus operator objects for the platform; present where the cluster runs that operator."""

    namespace: DnsLabel = "monitoring"
    """Namespace of Prometheus; its pods may reach metrics ports."""
    labels: dict[LabelKey, LabelValue] = Field(default_factory=lambda: {"release": "kps"})
    """Labels that this Prometheus selects monitors by."""
