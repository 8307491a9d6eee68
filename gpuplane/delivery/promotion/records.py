"""The one place where promotions, rollbacks and approvals become events of the audit."""

from __future__ import annotations

from gpuplane.delivery.promotion.report import MoveReport
from gpuplane.delivery.promotion.world import World


def record(world: World, report: MoveReport) -> None:
    """Note a promotion or rollback, made or refused."""
