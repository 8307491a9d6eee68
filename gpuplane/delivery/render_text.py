"""The preview on a terminal: verdict first, then who, which GPUs, what it costs, what changes and what is in the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from gpuplane.delivery.change_summary import SYMBOLS, TenantChanges, changes_by_tenant, counts_text, field_text
from gpuplane.delivery.changes import Change
from gpuplane.delivery.cold_start_figures import cold_start_lines
from gpuplane.delivery.device_figures import HEADINGS as DEVICE_HEADINGS
from gpuplane.delivery.device_figures import device_cells
from gpuplane.delivery.headline import VERDICT_WORDS, affected, headline
from gpuplane.delivery.isolation_figures import isolation_lines
from gpuplane.delivery.judge_figures import judge_lines
from gpuplane.delivery.memory_figures import memory_line
from gpuplane.delivery.placement_figures import HEADINGS, placement_cells
from gpuplane.delivery.preview_report import PreviewReport, sentence
from gpuplane.delivery.report_figures import (
    GpuRow,
    PoolRow,
    TenantRow,
    advisory,
    expected_total,
    expiring,
    pool_rows,
    tenant_rows,
    total,
    waivers,
)
from gpuplane.delivery.wording import plural, printable, usd
from gpuplane.policies.finding import Verdict

_STYLES = {Verdict.PASS: "bold white on green4", Verdict.FAIL: "bold white on red3", Verdict.UNKNOWN: "bold black on yellow"}
_STATUS = {"ok": "green", "over budget": "bold red", "near budget": "yellow", "unknown": "bold yellow"}
_ACTIONS = {"create": "green", "update": "yellow", "replace": "magenta", "delete": "red"}
_SHOWN_CHANGES = 5
_UNBOUNDED = 10_000
_SHOWN_FIELDS = 3
_SHOWN_TENANTS = 40
"""Tenants above which a comparison lists only those that there is something to say of: one screen is for reading."""

Column = tuple[str, str, Callable[[TenantRow, GpuRow | None], str], bool]
"""Heading, side, text of a cell, and whether it is said once for each tenant."""

_NAME: Column = ("tenant", "left", lambda row, _: row.name, True)
_GPUS: tuple[Column, ...] = (
    ("data", "left", lambda row, _: row.data_class, True),
    ("GPUs", "left", lambda _, gpu: gpu.key if gpu else "none", False),
    ("own", "right", lambda _, gpu: str(gpu.nominal) if gpu else "", False),
    ("may borrow", "right", lambda _, gpu: str(gpu.borrowing) if gpu else "", False),
    ("peak", "right", lambda _, gpu: str(gpu.peak) if gpu else "", False),
    ("services", "right", lambda row, _: str(row.services), True),
)
_MONEY: tuple[Column, ...] = (
    ("committed", "right", lambda row, _: usd(row.committed.now), True),
    ("expected", "right", lambda row, _: usd(row.expected.now), True),
    ("worst case", "right", lambda row, _: usd(row.worst_case), True),
    ("budget", "right", lambda row, _: usd(row.budget) if row.budget is not None else "", True),
)
_DELTA: Column = ("change", "right", lambda row, _: usd(row.committed.delta, sign=True), True)
_SAID: Column = ("status", "left", lambda row, _: row.status, True)


def render_text(report: PreviewReport, console: Console) -> None:
    """Print the report. It needs no colour, fits 80 columns, and says every blocking sentence in full."""
    _banner(report, console)
    _judge(report, console)
    _tenants(report, console)
    _pools(report, console)
    _totals(report, console)
    if report.plan.memory:
        _line(console, memory_line(report))
    for line in cold_start_lines(report):
        _line(console, line)
    for line in isolation_lines(report):
        _line(console, line)
    _upgrade(report, console)
    _changes(report, console)
    _findings(report, console)


def _line(console: Console, text: str, style: str = "") -> None:
    """One line that is never wrapped: the reader's terminal may fold it, a copy of it stays whole."""
    console.print(Text(printable(text), style=style), soft_wrap=True)


def _banner(report: PreviewReport, console: Console) -> None:
    word = f" {VERDICT_WORDS[report.verdict]} "
    console.print(Text.assemble((word, _STYLES[report.verdict]), (f" {printable(headline(report))}", "bold")))
    _line(console, f"environment {report.environment}, as of {report.as_of.isoformat()}, engine offline (no cluster was asked), "
                   f"{plural(len(report.real_resources), 'object')}, {plural(len(report.rules), 'rule')}", "dim")


def _judge(report: PreviewReport, console: Console) -> None:
    for line in judge_lines(report):
        _line(console, line, "bold magenta")


def _tenants(report: PreviewReport, console: Console) -> None:
    every = tenant_rows(report)
    rows = _worth_a_row(report, every)
    _tenant_tables(rows, console)
    if len(rows) < len(every):
        if not rows:
            console.print()
        _line(console, f"{plural(len(every) - len(rows), 'tenant')}{' more' if rows else ''}: not affected, same cost, within budget. "
                       "All are in the report that --out writes.", "dim")


def _worth_a_row(report: PreviewReport, rows: Sequence[TenantRow]) -> Sequence[TenantRow]:
    if report.comparison is None or report.comparison.note or len(rows) <= _SHOWN_TENANTS:
        return rows
    touched = set(affected(report))
    return [row for row in rows if row.name in touched or row.committed.delta or row.expected.delta or row.status != "ok"]


def _tenant_tables(rows: Sequence[TenantRow], console: Console) -> None:
    if not rows:
        return
    money = (*_MONEY, *([_DELTA] if any(row.committed.delta is not None for row in rows) else []), _SAID)
    whole = _table((_NAME, *_GPUS, *money), rows, True)
    if _fits(console, whole):
        _show(console, "Tenants (GPUs; USD a month)", whole)
        return
    for title, columns, by_gpu in (("GPUs by tenant", (_NAME, *_GPUS), True), ("USD a month by tenant", (_NAME, *money), False)):
        table = _table(columns, rows, by_gpu)
        if not _fits(console, table):
            for column in table.columns:
                column.width = None  # then they are wrapped
        _show(console, title, table)


def _fits(console: Console, table: Table) -> bool:
    return Measurement.get(console, console.options.update(max_width=_UNBOUNDED), table).maximum <= console.width


def _show(console: Console, title: str, table: Table) -> None:
    console.print()
    _line(console, title, "bold")
    console.print(table)


def _table(columns: Sequence[Column], rows: Sequence[TenantRow], by_gpu: bool) -> Table:
    """A table as wide as its cells: to be told takes rich a tenth of the time that measuring every cell twice does."""
    table = _empty([(heading, side) for heading, side, _, _ in columns])
    widths = [cell_len(heading) for heading, _, _, _ in columns]
    for row in rows:
        for index, gpu in enumerate((row.gpus if by_gpu else ()) or (None,)):
            texts = ["" if once and index else printable(cell(row, gpu)) for _, _, cell, once in columns]
            widths = list(map(max, widths, map(cell_len, texts)))
            table.add_row(*(Text(text, style=_style(heading, row)) for text, (heading, _, _, _) in zip(texts, columns, strict=True)))
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    return table


def _empty(columns: Sequence[tuple[str, str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1))
    for heading, side in columns:
        table.add_column(heading, justify="right" if side == "right" else "left", overflow="fold", no_wrap=side == "right")
    return table


def _style(heading: str, row: TenantRow) -> str:
    return _STATUS.get(row.status.partition(";")[0], "") if heading == "status" else ""


def _pools(report: PreviewReport, console: Console) -> None:
    rows = pool_rows(report)
    if not rows:
        return
    table = _empty([("pool", "left"), ("GPUs", "right"), ("quotas", "right"), ("peak", "right"), ("sharing", "left"),
                    ("USD/node h", "right"), ("committed", "right")])
    for row in rows:
        table.add_row(*(Text(printable(cell), style="bold red" if index == 2 and row.quota > row.capacity else "")
                        for index, cell in enumerate(_pool_cells(row))))
    _show(console, "Pools", table)
    _devices(report, console)
    _placement(report, console)


def _devices(report: PreviewReport, console: Console) -> None:
    table = _empty([(heading, "left") for heading in DEVICE_HEADINGS])
    for row in device_cells(report):
        table.add_row(*(Text(printable(cell), style="bold" if cell == "shared" else "") for cell in row))
    _show(console, "What keeps pods of one device apart", table)


def _placement(report: PreviewReport, console: Console) -> None:
    cells = placement_cells(report)
    if not cells:
        return
    table = _empty([(heading, "left") for heading in HEADINGS])
    for row in cells:
        table.add_row(*(Text(printable(cell), style="bold red" if "too few" in cell else "") for cell in row))
    _show(console, "Where they run", table)


def _pool_cells(row: PoolRow) -> tuple[str, ...]:
    pool, price = row.pool, row.pool.usd_per_node_hour
    money = ("unknown" if price is None else f"{price:f}", usd(pool.committed_usd_per_month)) if row.first else ("", "")
    return row.key, str(row.capacity), str(row.quota), str(row.peak), pool.strategy, *money


def _totals(report: PreviewReport, console: Console) -> None:
    plan, money = report.plan, total(report)
    console.print()
    delta = f" ({usd(money.delta, sign=True)})" if money.delta is not None else ""
    _line(console, f"Total USD a month: {usd(money.now)}{delta} committed, of it {usd(plan.idle_usd_per_month)} idle; "
                   f"expected {usd(expected_total(report).now)}; "
                   f"worst case {usd(plan.worst_case_usd_per_month)}; budget {usd(plan.budget_usd_per_month)}", "bold")


def _upgrade(report: PreviewReport, console: Console) -> None:
    if not report.upgrade:
        return
    console.print()
    _line(console, "In this order", "bold")
    for number, step in enumerate(report.upgrade, 1):
        _line(console, f"  {number}. {step}")


def _changes(report: PreviewReport, console: Console) -> None:
    if report.comparison is None:
        return
    groups = changes_by_tenant(report)
    commit = f" ({report.comparison.commit[:12]})" if report.comparison.commit else ""
    console.print()
    nothing = "" if groups or report.comparison.note else ": none"
    _line(console, f"Changes against {report.comparison.ref}{commit}{nothing}", "bold")
    if report.comparison.note:
        _line(console, f"  {report.comparison.note}")
    for group in groups:
        _group(group, console)


def _group(group: TenantChanges, console: Console) -> None:
    _line(console, f"  {group.who}: {counts_text(group.counts)}")
    for change in group.changes[:_SHOWN_CHANGES]:
        _change(change, console)
    if len(group.changes) > _SHOWN_CHANGES:
        _line(console, f"    … and {len(group.changes) - _SHOWN_CHANGES} more", "dim")


def _change(change: Change, console: Console) -> None:
    protected = " (protected)" if change.view.protect and change.action in ("delete", "replace") else ""
    _line(console, f"    {SYMBOLS[change.action]} {change.view}{protected}", _ACTIONS[change.action])
    if change.reason:
        _line(console, f"        {change.reason}")
    for field in change.fields[:_SHOWN_FIELDS]:
        _line(console, f"        {field_text(field)}")
    if len(change.fields) > _SHOWN_FIELDS:
        _line(console, f"        … and {plural(len(change.fields) - _SHOWN_FIELDS, 'field')} more", "dim")


def _findings(report: PreviewReport, console: Console) -> None:
    console.print()
    if report.blocking:
        _line(console, "In the way:", "bold")
    for finding in report.blocking:
        unknown = "" if finding.verdict is Verdict.FAIL else "(unknown before apply) "
        _line(console, f"{unknown}{sentence(finding)}", "red" if finding.verdict is Verdict.FAIL else "yellow")
    soon = expiring(report)
    ends = f" (the next one ends on {soon[0].until})" if soon else ""
    _line(console, f"{len(report.blocking)} blocking, {len(waivers(report))} waived{ends}, {len(advisory(report))} advisory.")
    for note in report.plan.notes:
        _line(console, f"note: {note}", "dim")
