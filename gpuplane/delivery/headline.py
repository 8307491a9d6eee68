"""The first sentence of every report: verdict, who is affected, what it costs."""

from __future__ import annotations

from collections.abc import Mapping

from gpuplane.delivery.change_summary import affected_by_changes
from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.report_figures import total
from gpuplane.delivery.wording import plural, usd
from gpuplane.policies.finding import Verdict

VERDICT_WORDS: Mapping[Verdict, str] = {Verdict.PASS: "PASS", Verdict.FAIL: "REFUSED", Verdict.UNKNOWN: "UNKNOWN"}
"""What a verdict is called in front of people."""


def affected(report: PreviewReport) -> tuple[str, ...]:
    """Tenants that something blocks or changes, sorted; ``the platform`` last where it is too."""
    names = {finding.tenant for finding in report.blocking} | affected_by_changes(report)
    return (*sorted(names - {""}), *(["the platform"] if "" in names else []))


def headline(report: PreviewReport) -> str:
    """One sentence: verdict, who is affected, what it costs."""
    return f"{_verdict_clause(report)}; {_affected_clause(report)}; {cost_clause(report)}."


def cost_clause(report: PreviewReport) -> str:
    """Committed cost, its change where there is a comparison, and the budget."""
    money, budget = total(report), report.plan.budget_usd_per_month
    if money.now is None:
        return f"committed cost is unknown (budget {usd(budget)} USD a month)"
    if money.delta is None:
        return f"{usd(money.now)} USD a month committed of {usd(budget)}"
    if not money.delta:
        return f"committed cost stays {usd(money.now)} USD a month (budget {usd(budget)})"
    return f"committed cost {usd(money.delta, sign=True)} USD a month to {usd(money.now)} of {usd(budget)}"


def _verdict_clause(report: PreviewReport) -> str:
    count = len(report.blocking)
    if report.verdict is Verdict.PASS:
        return f"{report.environment} may go"
    verb = "blocks" if count == 1 else "block"
    return f"{plural(count, 'finding')} {verb} {report.environment}"


def _affected_clause(report: PreviewReport) -> str:
    names = affected(report)
    if not names and report.comparison and report.comparison.note:
        return "what changes is not known"
    if not names:
        return "nobody is affected" if report.comparison else f"{plural(len(report.plan.tenants), 'tenant')}"
    shown = [*names[:4], plural(len(names) - 4, "other")] if len(names) > 5 else list(names)
    listed = shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
    return f"{listed} {'is' if len(names) == 1 else 'are'} affected"
