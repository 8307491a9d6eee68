"""What a promotion says to git: the branch's name and the commit's message."""

from __future__ import annotations

from gpuplane.delivery.promotion.report import MoveReport
from gpuplane.delivery.promotion.trailers import trailers
from gpuplane.planning.money.month import usd


def branch_name(report: MoveReport) -> str:
    """``promote/staging-to-prod/support-chat-1a2b3c4d``: the same move has the same name."""
    what = report.moves[0].service.replace("/", "-") if len(report.moves) == 1 else f"{len(report.moves)}-services"
    way = f"{report.source}-to-{report.target}" if report.action == "promote" else report.target
    return f"{report.action}/{way}/{what}-{report.moves[0].after.removeprefix('sha256:')[:8]}"


def commit_message(report: MoveReport) -> str:
    """Subject, what changes, and the trailers that git's history is read by."""
    lines = [report.title, ""]
    for move in report.moves:
        lines += [f"{move.service}:", *(f"  {field.path}: {field.here} -> {field.there}" for field in move.fields), ""]
    months = (report.cost_before.expected_usd_per_month, report.cost_after.expected_usd_per_month)
    if months[0] is not None and months[1] is not None:
        lines += [f"Expected month of {report.target}: {usd(months[0])} -> {usd(months[1])}.", ""]
    return "\n".join((*lines, *(f"{key}: {value}" for key, value in trailers(report)))) + "\n"
