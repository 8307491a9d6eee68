"""The Prometheus that watches the platform, and the Grafana that shows it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gpuplane.spec.model import (
    DnsLabel,
    LabelKey,
    LabelValue,
    SpecModel,
)


class Grafana(SpecModel):
    """Dashboards of platform, tenants, services, GPUs and queues, as ConfigMaps that Grafana's sidecar picks up."""

    labels: Annotated[dict[LabelKey, LabelValue], Field(min_length=1)] = Field(default_factory=lambda: {"grafana_dashboard": "1"})
    """Labels that the sidecar looks for (``sidecar.dashboards.label`` of Grafana's chart)."""
    folder: Annotated[str, Field(min_length=1, max_length=100)] = "gpuplane"
    """Folder in Grafana, where the sidecar reads the annotation ``grafana_folder`` (``sidecar.dashboards.folderAnnotation``)."""


class Monitoring(SpecModel):
    """Prometheus operator objects for the platform; present where the cluster runs that operator."""

    namespace: DnsLabel = "monitoring"
    """Namespace of Prometheus; its pods may reach metrics ports."""
    labels: dict[LabelKey, LabelValue] = Field(default_factory=lambda: {"release": "kps"})
    """Labels that this Prometheus selects monitors and rules by."""
    owner: Annotated[str, Field(min_length=3, max_length=100)] = "platform"
    """Who answers for the platform's alerts: a team or an address. A tenant's alerts name the tenant's owner."""
    runbook_base_url: Annotated[str | None, Field(pattern=r"^https://[^\s@]+[^/\s]$", max_length=300)] = None
    """Where runbooks are: each alert then links to ``BASE/ALERT``. The alerts carry what to look at and do in any case."""
    grafana: Grafana | None = None
    prometheus_url: Annotated[str | None, Field(pattern=r"^https?://[^\s@/]+(/[^\s@]*)?$", max_length=300)] = None
    """Where KEDA asks it, inside the cluster, e.g. ``http://kps-prometheus.monitoring.svc:9090``; no user or password in it."""
