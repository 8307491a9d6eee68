"""The tables of a cost report as plain cells, so that text and Markdown cannot disagree. Amounts are to the cent, for they add up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from gpuplane.delivery.cost_report import Amount, CostReport, CostRow, Kind, PriceLine
from gpuplane.delivery.unit_cost_figures import HEADINGS, unit_cells
from gpuplane.planning.money.month import Level

By = Literal["tenant", "service", "pool"]

LEVEL_WORDS: dict[Level, str] = {"minimum": "minimum", "expected": "expected", "worst_case": "worst case"}
_PARTS: dict[By, tuple[Kind, ...]] = {"tenant": ("tenants",), "service": ("services", "others"), "pool": ("pools", "others")}


@dataclass(frozen=True)
class Cells:
    """A table: headings (those of numbers end with ``:``), rows, and how many rows from the end are totals."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def main_table(report: CostReport, by: By) -> Cells:
    """Every part and what makes them add up to the total."""
    rows = [*_named(report, by)]
    if report.against is not None and not report.against.note:
        return Cells(("USD a month", "", "before:", "now:", "change:", "%:", "budget:", "left:"),
                     tuple(cells for name, row in rows for cells in _compared(name, row)))
    return Cells(("USD a month", "minimum:", "expected:", "worst case:", "budget:", "left:", "used:"),
                 tuple(_plain(name, row) for name, row in rows))


def idle_table(report: CostReport) -> Cells:
    """What is paid for and nobody bears, by pool."""
    return Cells(("idle, USD a month", "minimum:", "expected:", "worst case:"),
                 tuple((row.name, *(money(_amount(row, level).now_usd_per_month) for level in LEVEL_WORDS))
                       for row in report.of("idle") if row.name))


def unit_table(report: CostReport) -> Cells:
    """What requests and output tokens cost, of the services whose throughput is known; no rows where there is none."""
    name, requests, tokens, throughput = HEADINGS
    return Cells((name, f"{requests}:", f"{tokens}:", throughput),
                 unit_cells((row.name, row.unit_costs) for row in report.of("services")))


def price_table(report: CostReport, sources: bool = True) -> Cells:
    """What the figures rest on; a terminal has no room for the sources."""
    return Cells(("price of", "USD:", "per", "as of", "basis"),
                 tuple((line.of, "unknown" if line.usd is None else f"{line.usd:f}", line.unit, _day(line),
                        f"{line.basis}; {line.source}" if sources and line.source else line.basis) for line in report.prices))


def money(amount: Decimal | None, sign: bool = False) -> str:
    """US dollars to the cent: ``30 000.00``; ``unknown`` for None, which is never 0."""
    return "unknown" if amount is None else format(amount, "+,.2f" if sign and amount else ",.2f").replace(",", " ")


def _named(report: CostReport, by: By) -> Iterator[tuple[str, CostRow]]:
    for kind in _PARTS[by]:
        yield from ((row.name, row) for row in report.of(kind))
    if by == "tenant":  # what tenants bear themselves is in their rows
        yield from ((f"{row.name} (platform)", row) for row in report.of("others") if not _borne(report, row.name))
    if by != "pool":
        yield from (("idle nodes", row) for row in report.of("idle") if not row.name)
        yield from (("not all at once", _negative(row)) for row in report.of("beyond") if not row.name and _any(row))
    yield from (("total", row) for row in report.of("total"))


def _borne(report: CostReport, name: str) -> bool:
    return any(name.endswith(f" of {tenant.name}") for tenant in report.of("tenants"))


def _any(row: CostRow) -> bool:
    amounts = (_amount(row, level) for level in LEVEL_WORDS)
    return any(amount.now_usd_per_month or amount.before_usd_per_month for amount in amounts)


def _negative(row: CostRow) -> CostRow:
    """What the services' own figures have too much is taken off."""
    def turned(amount: Amount) -> Amount:
        parts = (amount.now_usd_per_month, amount.before_usd_per_month, amount.change_usd_per_month)
        now, before, change = (None if part is None else -part + 0 for part in parts)
        return Amount(now, before, change, amount.change_percent)
    return CostRow(row.kind, row.name, turned(row.minimum), turned(row.expected), turned(row.worst_case), None, None)


def _plain(name: str, row: CostRow) -> tuple[str, ...]:
    amounts = tuple(money(_amount(row, level).now_usd_per_month) for level in LEVEL_WORDS)
    use = row.budget
    if use is None:
        return (name, *amounts, "", "", "")
    used = "unknown" if use.used_usd_per_month is None else f"{use.used_percent or 0} % ({LEVEL_WORDS[use.basis]})"
    return (name, *amounts, money(use.limit_usd_per_month), money(use.head_room_usd_per_month), used)


def _compared(name: str, row: CostRow) -> Iterator[tuple[str, ...]]:
    for index, level in enumerate(LEVEL_WORDS):
        amount, use = _amount(row, level), row.budget
        held = (money(use.limit_usd_per_month), money(use.head_room_usd_per_month)) if use is not None and use.basis == level else ("", "")
        percent = "" if amount.change_percent is None else f"{amount.change_percent:+f}" if amount.change_percent else "0"
        new = amount.before_usd_per_month == 0 and bool(amount.now_usd_per_month)
        yield ("" if index else name, LEVEL_WORDS[level], money(amount.before_usd_per_month), money(amount.now_usd_per_month),
               money(amount.change_usd_per_month, sign=True), "new" if new else percent, *held)


def _amount(row: CostRow, level: Level) -> Amount:
    return {"minimum": row.minimum, "expected": row.expected, "worst_case": row.worst_case}[level]


def _day(line: PriceLine) -> str:
    if line.as_of is None:
        return ""
    return f"{line.as_of.isoformat()}, {line.age_days} days: stale" if line.stale else line.as_of.isoformat()


def expected_lines(report: CostReport) -> Sequence[str]:
    """How the expected replicas were got, for every service."""
    words = {"service": "expected_replicas of the service", "pool": "expected_scale_percent of the pool",
             "nobody": "nobody says it: the minimum"}
    return tuple(f"{row.name} {row.expected_replicas.replicas:f} ({words[row.expected_replicas.said_by]})"
                 for row in report.of("services") if row.expected_replicas is not None)
