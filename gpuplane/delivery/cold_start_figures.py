"""Services that run down to no replica, in the words of a report: one sentence each."""

from __future__ import annotations

from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.planning.scaling import cold_start_text


def cold_start_lines(report: PreviewReport) -> tuple[str, ...]:
    """How long the first caller waits, by service."""
    return tuple(cold_start_text(f"{tenant.name}/{service.name}", service.cold_start)
                 for tenant in report.plan.tenants.values() for service in tenant.services if service.cold_start is not None)
