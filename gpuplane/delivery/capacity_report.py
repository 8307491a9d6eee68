"""The figures of ``gpuplane capacity``: who is guaranteed, may borrow and can at most use which devices, as values and as text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice

from gpuplane.delivery.capacity_cheapest import CheapestFleet, cheapest_lines
from gpuplane.delivery.wording import plural, printable
from gpuplane.planning.cohorts.admission import MOST_TIMED, Admission, NotKnown, admission
from gpuplane.planning.cohorts.environment_tree import flavor_resource, quota_tree
from gpuplane.planning.cohorts.quota_tree import Node
from gpuplane.planning.cohorts.shares import Lender, Shares
from gpuplane.planning.environment_plan import EnvironmentPlan, Pools, QuotaPlan
from gpuplane.spec.environment_spec import EnvironmentSpec

MOST_LENDERS = 8
"""Lenders that a report names; it says how many there are."""


@dataclass(frozen=True)
class CapacityRow:
    """One tenant's devices of one quota key.

    Attributes:
        may_borrow: what it can really borrow; lenders: from whom, the largest first.
        at_most: the most it can ever use.
        head_room: what is left of that at the peak of its services.
    """

    tenant: str
    key: str
    nominal: int
    guaranteed: int
    may_borrow: int
    lenders: tuple[Lender, ...]
    lender_count: int
    at_most: int
    committed_at_minimum: int
    peak: int
    head_room: int


@dataclass(frozen=True)
class CapacityReport:
    """Everything that the command shows.

    Attributes:
        tree: the cohorts, drawn with lines.
        minimum, maximum: who is admitted with all services at their minimum, and at their maximum, or why that is not known.
        cheapest: the cheapest fleet that meets the objectives; None where it was not asked for.
    """

    planned: EnvironmentPlan
    rows: tuple[CapacityRow, ...]
    tree: tuple[str, ...]
    minimum: Admission | NotKnown
    maximum: Admission | NotKnown
    cheapest: CheapestFleet | None = None


def capacity_rows(planned: EnvironmentPlan) -> tuple[CapacityRow, ...]:
    """Every tenant's devices as the plan has them, without the names of lenders; by tenant and quota key."""
    return tuple(_row(tenant.name, key, tenant.quotas[key]) for tenant in planned.tenants.values()
                 for key in tenant.quotas)


def capacity_report(spec: EnvironmentSpec, planned: EnvironmentPlan) -> CapacityReport:
    """The report of one environment and its plan."""
    shares = Shares(quota_tree(spec))
    rows = tuple(_with_lenders(row, shares, planned.pools) for row in capacity_rows(planned))
    return CapacityReport(planned, rows, tuple(_tree(shares)), admission(spec, planned, False), admission(spec, planned, True))


def to_text(report: CapacityReport, width: int = 150) -> str:
    """A table with bars, the tree, and what waits at the maximum."""
    import io

    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("tenant", "devices"):
        table.add_column(title, no_wrap=True)
    for title in ("guaranteed", "may borrow", "at most", "minimum", "peak", "head room"):
        table.add_column(title, justify="right")
    table.add_column("from", max_width=32)
    table.add_column("█ own ▒ lent │ peak", no_wrap=True)
    widest = max([1, *(row.at_most for row in report.rows), *(row.peak for row in report.rows)])
    for row in report.rows:
        figures = (row.guaranteed, row.may_borrow, row.at_most, row.committed_at_minimum, row.peak, row.head_room)
        table.add_row(printable(row.tenant), row.key, *map(str, figures), _from(row), _bar(row, widest))
    text = io.StringIO()
    Console(file=text, width=width, no_color=True, highlight=False).print(table)
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    return "\n".join([*lines, "", "Cohorts", *report.tree, "", *_admitted(report), *_cheapest(report), *_refused(report)]) + "\n"


def _row(tenant: str, key: str, quota: QuotaPlan) -> CapacityRow:
    return CapacityRow(tenant, key, quota.nominal, quota.guaranteed, max(0, quota.maximum - quota.nominal), (), 0, quota.maximum,
                       quota.committed, quota.peak_with_surge, quota.maximum - quota.peak_with_surge)


def _with_lenders(row: CapacityRow, shares: Shares, pools: Pools) -> CapacityRow:
    resource = flavor_resource(row.key, pools)
    if not row.may_borrow:
        return row
    return replace(row, lenders=tuple(islice(shares.lenders(row.tenant, resource), MOST_LENDERS)),
                   lender_count=shares.lender_count(row.tenant, resource))


def _from(row: CapacityRow) -> str:
    named = ", ".join(f"{lender.name} {lender.lends}" for lender in row.lenders[:3])
    return named + (f" and {row.lender_count - 3} more" if row.lender_count > 3 else "")


def _bar(row: CapacityRow, widest: int, cells: int = 18) -> str:
    """Guaranteed, then what may be borrowed; the stroke is the peak."""
    def at(amount: int) -> int:
        return round(cells * amount / widest)

    bar = list("█" * at(row.guaranteed) + "▒" * (at(row.at_most) - at(row.guaranteed)))
    bar += " " * (at(row.peak) + 1 - len(bar))
    bar[min(at(row.peak), len(bar) - 1)] = "│"
    return "".join(bar).rstrip()


def _tree(shares: Shares) -> list[str]:
    roots = [node for node in shares.tree.cohorts.values() if node.parent is None]
    lines = [line for root in roots for line in _branch(root, "")]
    alone = [name for name, node in shares.tree.queues.items() if node.parent is None]
    return [*lines, *([f"(alone) {', '.join(alone[:MOST_LENDERS])}" + (" …" if len(alone) > MOST_LENDERS else "")] if alone else [])]


def _branch(node: Node, indent: str) -> list[str]:
    own = ", ".join(f"{key.flavor} {quota.nominal} {key.resource}" for key, quota in sorted(node.quotas.items()))
    lines = [f"{indent}{node.name}" + (f"  (own: {own})" if own and not node.is_queue else f"  {own}" if own else "")]
    for child in (*node.cohorts, *node.queues[:40]):
        lines += _branch(child, indent + "  ")
    if len(node.queues) > 40:
        lines.append(f"{indent}  … and {len(node.queues) - 40} more")
    return lines


def _admitted(report: CapacityReport) -> list[str]:
    lines = []
    for words, found in (("minimum", report.minimum), ("maximum", report.maximum)):
        if isinstance(found, NotKnown):
            lines.append(f"All services at their {words}: who is admitted is not known: {found.why}.")
        elif not found.pending:
            lines.append(f"All services at their {words}: all {plural(sum(found.wanted.values()), 'replica')} are admitted.")
        else:
            waiting = ", ".join(f"{name} {count}" for name, count in sorted(found.pending.items()))
            lines.append(f"All services at their {words}: {sum(found.pending.values())} of "
                         f"{plural(sum(found.wanted.values()), 'replica')} wait: {waiting}.{_timing(found)}")
    return lines


def _timing(found: Admission) -> str:
    """What the clock decides."""
    if not found.timed:
        return f" Whether the clock decides who waits was not looked at: there are more than {MOST_TIMED} replicas."
    ends = ", ".join(f"{name} {least} to {most}" for name, (least, most) in found.by_timing.items())
    return f" Who comes first decides: admitted are of {ends}." if ends else ""


def _cheapest(report: CapacityReport) -> list[str]:
    return ["", *cheapest_lines(report.cheapest)] if report.cheapest is not None else []


def _refused(report: CapacityReport) -> list[str]:
    refusals = report.planned.refusals
    lines = [printable(f"✗ {refusal.rule} {refusal}") for refusal in refusals]
    return ["", *lines, f"{plural(len(refusals), 'refusal')}."] if refusals else []
