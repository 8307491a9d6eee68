"""A cost report as text for a terminal and as Markdown for a pull request: the first sentence is the change, tables say the rest."""

from __future__ import annotations

from gpuplane.delivery.cost_report import CostReport
from gpuplane.delivery.cost_table import By, Cells, expected_lines, idle_table, main_table, money, price_table, unit_table
from gpuplane.delivery.markdown_text import escaped, folded, table
from gpuplane.delivery.wording import plural, printable


def render_cost_text(report: CostReport, by: By) -> str:
    """The report in columns; no line is wrapped, so that a pipe gets what a terminal gets."""
    said = f"as of {report.as_of.isoformat()}; a month has 730 hours; worst case: everything at its maximum, on demand"
    lines = [_headline(report), said, ""]
    lines += [*_columns(main_table(report, by)), ""]
    if by == "service" and unit_table(report).rows:
        lines += [*_columns(unit_table(report)), ""]
    lines += [*_columns(idle_table(report)), "", *_columns(price_table(report, sources=False)), ""]
    lines += [f"expected replicas: {line}" for line in expected_lines(report)]
    lines += [f"not in this figure: {'; '.join(report.not_in_figure)}", ""]
    if report.against is not None and report.against.note:
        lines.append(f"note: {report.against.note}")
    lines += [f"note: {note}" for note in _notes(report)]
    lines += [f"{refusal.rule}: {refusal}" for refusal in report.refusals]
    return "\n".join(printable(line) for line in [*lines, _end(report)]) + "\n"


def render_cost_markdown(report: CostReport, by: By) -> str:
    """The report as GitHub-flavoured Markdown."""
    icon = "✅" if report.verdict == "pass" else "⛔"
    lines = [f"{icon} **{escaped(_headline(report))}**", "", *_markdown(main_table(report, by)), ""]
    if by == "service" and unit_table(report).rows:
        lines += [*_markdown(unit_table(report)), ""]
    if report.refusals:
        rows = [(escaped(refusal.rule), escaped(f"{refusal.file}:{refusal.line}"), escaped(f"{refusal.path}: {refusal.claim}"),
                 escaped(refusal.remedy)) for refusal in report.refusals]
        lines += ["### In the way", "", *table(("rule", "where", "what", "what to do"), rows), ""]
    lines += [*folded("Idle by pool", _markdown(idle_table(report))), "", *folded("Prices", _markdown(price_table(report))), ""]
    expected = [f"- {escaped(line)}" for line in expected_lines(report)]
    lines += [*folded("Expected replicas", expected), ""] if expected else []
    notes = [*([report.against.note] if report.against is not None and report.against.note else []), *_notes(report)]
    lines += [*folded(plural(len(notes), "note"), [f"- {escaped(note)}" for note in notes]), ""] if notes else []
    against = f", against {escaped(report.against.ref)} ({report.against.commit[:12]})" if report.against is not None else ""
    lines.append(f"<sub>gpuplane cost of {escaped(report.environment)}{against}, as of {report.as_of.isoformat()}; a month has 730 hours. "
                 f"Not in this figure: {escaped('; '.join(report.not_in_figure))}.</sub>")
    return "\n".join(lines) + "\n"


def _headline(report: CostReport) -> str:
    total = report.of("total")[0]
    words = (f"{report.environment}: {money(total.minimum.now_usd_per_month)} USD a month at its minimum, "
             f"{money(total.expected.now_usd_per_month)} expected, {money(total.worst_case.now_usd_per_month)} at worst")
    change = total.expected.change_usd_per_month
    if report.against is not None and not report.against.note:
        percent = total.expected.change_percent
        moved = "unknown" if change is None else "nothing" if not change else f"{money(change, sign=True)} USD a month"
        words += f"; this change: {moved} expected{f' ({percent:+f} %)' if percent else ''}"
    return words


def _notes(report: CostReport) -> list[str]:
    return [note for note in report.notes if not note.startswith("Not in the cost:")]


def _end(report: CostReport) -> str:
    others = f"; {plural(report.other_refusals, 'refusal')} of other rules: see gpuplane preview" if report.other_refusals else ""
    return f"{report.verdict}: {plural(len(report.refusals), 'refusal')} on cost{others}"


def _columns(cells: Cells) -> list[str]:
    headings = tuple(heading.removesuffix(":") for heading in cells.headings)
    widths = [max(len(row[index]) for row in (headings, *cells.rows)) for index in range(len(headings))]
    right = [heading.endswith(":") for heading in cells.headings]

    def line(row: tuple[str, ...]) -> str:
        cells = (cell.rjust(width) if side else cell.ljust(width) for cell, width, side in zip(row, widths, right, strict=True))
        return "  ".join(cells).rstrip()

    return [line(headings), "  ".join("─" * width for width in widths), *(line(row) for row in cells.rows)]


def _markdown(cells: Cells) -> list[str]:
    rows = [tuple(f"**{escaped(cell)}**" if row[0] == "total" and cell else escaped(cell) for cell in row) for row in cells.rows]
    return table(cells.headings, rows)
