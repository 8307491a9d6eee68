"""The preview as a comment on a pull request: the first sentence is enough to decide whether to read on."""

from __future__ import annotations

from collections.abc import Sequence

from gpuplane.delivery.change_summary import SYMBOLS, TenantChanges, changes_by_tenant, counts_text, value_text
from gpuplane.delivery.changes import Change
from gpuplane.delivery.cold_start_figures import cold_start_lines
from gpuplane.delivery.device_figures import HEADINGS as DEVICE_HEADINGS
from gpuplane.delivery.device_figures import device_cells
from gpuplane.delivery.headline import VERDICT_WORDS, headline
from gpuplane.delivery.isolation_figures import HEADINGS as PATH_HEADINGS
from gpuplane.delivery.isolation_figures import isolation_change, isolation_line, listed_paths, path_cells
from gpuplane.delivery.judge_figures import judge_lines
from gpuplane.delivery.markdown_text import code, code_cell, escaped, folded, html, table
from gpuplane.delivery.memory_figures import memory_line, memory_rows
from gpuplane.delivery.placement_figures import HEADINGS, WORKLOAD_HEADINGS, placement_cells, uncertain_workloads
from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.report_figures import Money, advisory, expected_total, expiring, idle, pool_rows, tenant_rows, total, waivers
from gpuplane.delivery.wiring_figures import HEADINGS as WIRING_HEADINGS
from gpuplane.delivery.wording import plural, usd
from gpuplane.graph.reachability import Edge
from gpuplane.policies.finding import Finding, Verdict

LONGEST = 60_000
"""Characters; GitHub refuses a comment of more than 65 536."""

_MOST_ROWS = 50
_MOST_FIELDS = 8
_ICONS = {Verdict.PASS: "✅", Verdict.FAIL: "⛔", Verdict.UNKNOWN: "⚠️"}


def render_markdown(report: PreviewReport) -> str:
    """The report as GitHub-flavoured Markdown, short enough for a comment; what does not fit is in the HTML report."""
    sections = (_title(report), _judge(report), _blocked(report), _isolation(report), _cost(report), _gpus(report), _memory(report),
                _upgrade(report), _cold_starts(report), _changes(report), _expiring(report), _notes(report), _advice(report),
                _wirings(report))
    text, left_out = "", False
    for section in sections:
        block = "\n".join(section)
        if block and len(text) + len(block) > LONGEST:
            left_out = True
        elif block:
            text += block + "\n\n"
    return text + ("The rest does not fit here: see report.html.\n\n" if left_out else "") + _footer(report) + "\n"


def _title(report: PreviewReport) -> list[str]:
    word = VERDICT_WORDS[report.verdict]
    return [f"{_ICONS[report.verdict]} **{word}:** {escaped(headline(report))}"]


def _judge(report: PreviewReport) -> list[str]:
    first, *changes = judge_lines(report) or ("",)
    lines = (f"- {escaped(line.strip())}" for line in changes[:_MOST_ROWS])
    return [f"**{escaped(first)}**", *lines, *_more(len(changes))] if first else []


def _footer(report: PreviewReport) -> str:
    against = ""
    if report.comparison:
        commit = f" ({code(report.comparison.commit[:12])})" if report.comparison.commit else ""
        against = f", against {code(report.comparison.ref)}{commit}"
    return (f"<sub>gpuplane preview of {code(report.environment)}{against}, as of {report.as_of.isoformat()}, engine offline: "
            f"{plural(len(report.real_resources), 'object')}, {plural(len(report.rules), 'rule')}.</sub>")


def _blocked(report: PreviewReport) -> list[str]:
    if not report.blocking:
        return []
    rows = [_finding_row(finding) for finding in report.blocking[:_MOST_ROWS]]
    return ["### In the way", "", *table(("rule", "who", "where", "what", "what to do"), rows), *_more(len(report.blocking))]


def _more(count: int) -> list[str]:
    return ["", f"… and {count - _MOST_ROWS} more, all of them in report.html."] if count > _MOST_ROWS else []


def _finding_row(finding: Finding) -> tuple[str, ...]:
    place = f"{finding.file}:{finding.line}" if finding.line else finding.file
    unknown = " (unknown before apply)" if finding.verdict is Verdict.UNKNOWN else ""
    return (f"{escaped(finding.rule)} {finding.severity}{unknown}", escaped(finding.tenant) or "the platform", code_cell(place),
            escaped(finding.message), escaped(finding.remedy))


def _isolation(report: PreviewReport) -> list[str]:
    """Whether tenants are apart; which paths there are between them, and which this change adds and removes."""
    line, change = isolation_line(report), isolation_change(report)
    if not line:
        return []
    lines = [escaped(line), *_paths("Paths between tenants, and undeclared ones", listed_paths(report))]
    if change is not None:
        lines += _paths(f"Paths added: {len(change.added)}", change.added)
        lines += _paths(f"Paths removed: {len(change.removed)}", change.removed)
    return lines


def _paths(title: str, edges: Sequence[Edge]) -> list[str]:
    rows = [tuple(escaped(cell) for cell in path_cells(edge)) for edge in edges[:_MOST_ROWS]]
    return ["", *folded(title, [*table(PATH_HEADINGS, rows), *_more(len(edges))])] if rows else []


def _cost(report: PreviewReport) -> list[str]:
    plan = report.plan
    rows: list[tuple[str, ...]] = []
    for row in tenant_rows(report)[:_MOST_ROWS]:
        budget = "" if row.budget is None else usd(row.budget)
        rows.append((escaped(row.name), *_money(row.committed, report), *_expected(row.expected, report), usd(row.worst_case), budget,
                     escaped(row.status)))
    rows.append(("idle nodes", *_money(idle(report), report), *_expected(None, report), "", "", ""))
    limits = usd(plan.worst_case_usd_per_month), usd(plan.budget_usd_per_month)
    rows.append(("**total**", *_money(total(report), report), *_expected(expected_total(report), report), *limits, ""))
    now = ("baseline:", "new:", "change:", "expected:", "change:") if _compares(report) else ("committed:", "expected:")
    return ["### Cost, USD a month", "", *table(("tenant", *now, "worst case:", "budget:", "status"), rows)]


def _compares(report: PreviewReport) -> bool:
    return report.comparison is not None and report.comparison.plan is not None


def _money(money: Money, report: PreviewReport) -> tuple[str, ...]:
    if not _compares(report):
        return (usd(money.now),)
    return usd(money.before), usd(money.now), usd(money.delta, sign=True)


def _expected(money: Money | None, report: PreviewReport) -> tuple[str, ...]:
    cells = ("", "") if money is None else (usd(money.now), usd(money.delta, sign=True))
    return cells if _compares(report) else cells[:1]


def _gpus(report: PreviewReport) -> list[str]:
    tenants = [(escaped(row.name), escaped(row.data_class), code_cell(gpu.key), *map(str, (gpu.nominal, gpu.borrowing, gpu.peak)))
               for row in tenant_rows(report) for gpu in row.gpus][:_MOST_ROWS]
    pools = [(code_cell(row.key), escaped(row.pool.gpu), row.pool.strategy, *map(str, (row.capacity, row.quota, row.peak)))
             for row in pool_rows(report)][:_MOST_ROWS]
    if not pools:
        return []
    return ["### GPUs", "",
            *table(("tenant", "data", "GPUs", "own:", "may borrow:", "peak with rollouts:"), tenants), "",
            *folded("Pools", table(("pool", "GPU", "sharing", "capacity:", "quotas:", "peak:"), pools)),
            *_devices(report), *_placement(report)]


def _devices(report: PreviewReport) -> list[str]:
    rows = [tuple(escaped(cell) for cell in row) for row in device_cells(report)[:_MOST_ROWS]]
    return ["", *folded("What keeps pods of one device apart", table(DEVICE_HEADINGS, rows))]


def _placement(report: PreviewReport) -> list[str]:
    cells = [tuple(escaped(cell) for cell in row) for row in placement_cells(report)[:_MOST_ROWS]]
    doubtful = [tuple(escaped(cell) for cell in row) for row in uncertain_workloads(report)[:_MOST_ROWS]]
    if not cells:
        return []
    return ["", *folded("Where they run", [*table(HEADINGS, cells), *(["", *table(WORKLOAD_HEADINGS, doubtful)] if doubtful else [])])]


def _memory(report: PreviewReport) -> list[str]:
    rows = [(code_cell(row.service), code_cell(row.device), row.verdict, row.weights, row.cache, row.at_once, row.longest)
            for row in memory_rows(report)[:_MOST_ROWS]]
    if not rows:
        return []
    headings = ("service", "on", "verdict", "weights, GiB:", "KV cache, GiB:", "requests at once:", "longest context:")
    return [*folded(escaped(memory_line(report)), table(headings, rows))]


def _cold_starts(report: PreviewReport) -> list[str]:
    lines = cold_start_lines(report)[:_MOST_ROWS]
    return ["", *(f"- {escaped(line)}" for line in lines)] if lines else []


def _upgrade(report: PreviewReport) -> list[str]:
    rows = [(str(number), escaped(step.what), f"{code_cell(step.before)} → {code_cell(step.after)}", escaped(step.reason))
            for number, step in enumerate(report.upgrade, 1)]
    return ["### In this order", "", *table(("step:", "what", "version", "why here"), rows[:_MOST_ROWS]), *_more(len(rows))] if rows else []


def _changes(report: PreviewReport) -> list[str]:
    if report.comparison is None:
        return []
    groups = changes_by_tenant(report)
    lines = ["### What changes", ""]
    if report.comparison.note:
        lines += [escaped(report.comparison.note), ""]
    elif not groups:
        lines += ["Nothing.", ""]
    for group in groups:
        lines += [*_group(group), ""]
    return lines[:-1]


def _group(group: TenantChanges) -> list[str]:
    lines = [line for change in group.changes[:_MOST_ROWS] for line in _change(change)]
    if len(group.changes) > _MOST_ROWS:
        lines.append(f"- … and {len(group.changes) - _MOST_ROWS} more")
    return folded(f"<b>{html(group.who)}</b>: {html(counts_text(group.counts))}", lines)


def _change(change: Change) -> list[str]:
    view = change.view
    protected = " **(protected)**" if view.protect and change.action in ("delete", "replace") else ""
    reason = f": {escaped(change.reason)}" if change.reason else ""
    lines = [f"- {code(SYMBOLS[change.action])} {code(str(view))}{protected}{reason}"]
    for field in change.fields[:_MOST_FIELDS]:
        lines.append(f"  - {code(field.path)}: {code(value_text(field.before))} → {code(value_text(field.after))}")
    if len(change.fields) > _MOST_FIELDS:
        lines.append(f"  - … and {plural(len(change.fields) - _MOST_FIELDS, 'field')} more")
    return lines


def _expiring(report: PreviewReport) -> list[str]:
    rows = [(waiver.until.isoformat() if waiver.until else "", escaped(waiver.finding.rule),
             code_cell(f"{waiver.finding.kind} {waiver.finding.name}".strip()), escaped(waiver.finding.waived))
            for waiver in expiring(report)[:_MOST_ROWS]]
    if not rows:
        return []
    return ["### Waivers about to end", "", *table(("last day", "rule", "for", "why"), rows)]


def _notes(report: PreviewReport) -> list[str]:
    if not report.plan.notes:
        return []
    return folded(plural(len(report.plan.notes), "note"), [f"- {escaped(note)}" for note in report.plan.notes[:_MOST_ROWS]])


def _advice(report: PreviewReport) -> list[str]:
    advice, waived = advisory(report), waivers(report)
    rows = [_finding_row(finding) for finding in advice[:_MOST_ROWS]]
    title = f"{len(advice)} advisory, {len(waived)} waived"
    waived_lines = [f"- {escaped(waiver.finding.rule)} {code(waiver.finding.name)}: {escaped(waiver.finding.waived)}"
                    for waiver in waived[:_MOST_ROWS]]
    lines = [*(table(("rule", "who", "where", "what", "what to do"), rows) if rows else []), "", *waived_lines]
    return folded(title, lines) if rows or waived_lines else []


def _wirings(report: PreviewReport) -> list[str]:
    lines: list[str] = []
    for wiring in report.wirings[:_MOST_ROWS]:
        rows = [tuple(escaped(cell) for cell in row) for row in wiring.rows]
        lines += [*folded(escaped(wiring.title), table(WIRING_HEADINGS, rows)), ""]
    return folded("What each service hangs by, from its route to its dashboards", lines[:-1]) if lines else []
