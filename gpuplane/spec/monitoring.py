"""The Prometheus that watches the platform."""

from __future__ import annotations

from typing import Annotated

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
    prometheus_url: Annotated[str | None, Field(pattern=r"^https?://[^\s@/]+(/[^\s@]*)?$", max_length=300)] = None
    """Where KEDA asks it, inside the cluster, e.g. ``http://kps-prometheus.monitoring.svc:9090``; no user or password in it."""
