"""Two pictures for the HTML report, as SVG: who is promised which GPUs, and what each tenant's month costs.

Text and axes take the colour of the page around them, the bars a palette that colour-blind people can tell
apart (Okabe and Ito, 2008).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from gpuplane.delivery.report_figures import PoolRow, TenantRow
from gpuplane.delivery.svg_figure import INK, svg_figure
from gpuplane.delivery.wording import printable, usd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
MOST_TENANTS = 14
"""Tenants with a colour of their own: the seven colours plain, then hatched; the rest is drawn as one."""
MOST_BARS = 40

_GREY = "#999999"
_OVER = "#D55E00"


def gpu_chart(rows: Sequence[PoolRow]) -> str:
    """Horizontal bars, one for each device type: tenants' own devices, what is nobody's, and the peak of all services.

    The axis is the share of the capacity, so that a pool of eight can be read beside one of a thousand; the
    numbers in the bars are devices. Empty text where there is nothing to draw.
    """
    drawn = [row for row in rows if row.capacity or row.quota][:MOST_BARS]
    if not drawn:
        return ""
    colours = _tenant_colours(drawn)

    def draw(axes: Axes) -> None:
        for index, row in enumerate(drawn):
            _gpu_bar(axes, index, row, colours)
        axes.axvline(100, color=INK, linewidth=1.2)
        axes.set_xlabel("% of the pool's capacity; numbers are devices")
        axes.set_xlim(0, max(105.0, *(_extent(row) * 1.04 for row in drawn)))
        _rows(axes, [row.key for row in drawn])
        _gpu_legend(axes, colours, bool(_others(drawn, colours)))

    title = "GPUs by pool: quotas, what is unallocated, and peak use"
    return svg_figure("gpus", title, draw, len(drawn), 0.62, 1.1 + 0.2 * (len(colours) // 5))


def cost_chart(rows: Sequence[TenantRow]) -> str:
    """Horizontal bars, one for each tenant: committed inside worst case, expected as a diamond, budget as a line; US dollars a month."""
    known = [row for row in rows if row.committed.now is not None and row.budget is not None]
    drawn = sorted(known, key=lambda row: (-(row.worst_case or row.committed.now or 0), row.name))[:MOST_BARS]
    if not drawn:
        return ""

    def draw(axes: Axes) -> None:
        for index, row in enumerate(drawn):
            _cost_bar(axes, index, row)
        axes.set_xlabel("US dollars a month")
        axes.set_xlim(0, max(float(_largest(row)) for row in drawn) * 1.35 or 1)
        axes.xaxis.set_major_formatter(lambda value, _: usd(Decimal(value)))
        _rows(axes, [row.name for row in drawn])
        _cost_legend(axes)

    return svg_figure("cost", "Cost by tenant: committed, expected, worst case and budget", draw, len(drawn), 0.5, 1.1)


def _tenant_colours(rows: Sequence[PoolRow]) -> dict[str, tuple[str, str]]:
    """Colour and hatch by tenant, for the tenants with the most devices; sorted by name."""
    sums: dict[str, int] = {}
    for row in rows:
        for gpu in row.tenants:
            sums[gpu.tenant] = sums.get(gpu.tenant, 0) + gpu.nominal
    largest = sorted(sorted(sums, key=lambda name: (-sums[name], name))[:MOST_TENANTS])
    return {name: (PALETTE[index % len(PALETTE)], "" if index < len(PALETTE) else "///") for index, name in enumerate(largest)}


def _others(rows: Sequence[PoolRow], colours: dict[str, tuple[str, str]]) -> int:
    return sum(gpu.nominal for row in rows for gpu in row.tenants if gpu.tenant not in colours)


def _extent(row: PoolRow) -> float:
    whole = row.capacity or row.quota or 1
    return 100.0 * max(row.quota, row.peak, row.capacity) / whole


def _gpu_bar(axes: Axes, index: int, row: PoolRow, colours: dict[str, tuple[str, str]]) -> None:
    whole = row.capacity or row.quota
    segments = [(gpu.tenant, gpu.nominal) for gpu in row.tenants if gpu.tenant in colours and gpu.nominal]
    segments += [("others", rest)] if (rest := sum(gpu.nominal for gpu in row.tenants if gpu.tenant not in colours)) else []
    left = 0.0
    for name, devices in segments:
        colour, hatch = colours.get(name, (_GREY, ""))
        width = 100.0 * devices / whole
        axes.barh(index, width - 0.25, left=left, height=0.6, color=colour, hatch=hatch, edgecolor="#ffffff", linewidth=0)
        if width >= 4:
            axes.text(left + width / 2, index, str(devices), ha="center", va="center", color=_on(colour))
        left += width
    if row.unallocated:
        width = 100.0 * row.unallocated / whole
        axes.barh(index, width - 0.25, left=left, height=0.6, fill=False, edgecolor=_GREY, linewidth=1, linestyle=(0, (3, 2)))
        if width >= 4:
            axes.text(left + width / 2, index, str(row.unallocated), ha="center", va="center")
    axes.plot([100.0 * row.peak / whole], [index + 0.42], marker="^", markersize=7, color=INK, linestyle="", clip_on=False)


def _gpu_legend(axes: Axes, colours: dict[str, tuple[str, str]], others: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [Patch(facecolor=colour, hatch=hatch, edgecolor="#ffffff", linewidth=0, label=_short(name))
                          for name, (colour, hatch) in colours.items()]
    handles += [Patch(facecolor=_GREY, label="other tenants")] if others else []
    handles += [Patch(fill=False, edgecolor=_GREY, linestyle=(0, (3, 2)), label="unallocated"),
                Line2D([], [], marker="^", color=INK, linestyle="", label="peak of all services"),
                Line2D([], [], color=INK, linewidth=1.2, label="capacity")]
    _legend(axes, handles)


def _cost_bar(axes: Axes, index: int, row: TenantRow) -> None:
    committed, worst, budget = (float(amount or 0) for amount in (row.committed.now, row.worst_case, row.budget))
    colour = _OVER if committed > budget else PALETTE[0]
    axes.barh(index, worst, height=0.6, color=PALETTE[4])
    axes.barh(index, committed, height=0.34, color=colour)
    if row.expected.now is not None:
        axes.plot([float(row.expected.now)], [index], marker="D", markersize=6, color=PALETTE[1], markeredgecolor=INK, linestyle="")
    axes.plot([budget, budget], [index - 0.4, index + 0.4], color=INK, linewidth=2.2)
    end = "unknown" if row.worst_case is None else usd(row.worst_case)
    axes.annotate(f"{usd(row.committed.now)} → {end} / {usd(row.budget)}", (float(_largest(row)), index), xytext=(6, 0),
                  textcoords="offset points", va="center")


def _largest(row: TenantRow) -> Decimal:
    return max(amount or Decimal(0) for amount in (row.committed.now, row.worst_case, row.budget))


def _cost_legend(axes: Axes) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    _legend(axes, [Patch(facecolor=PALETTE[0], label="committed"), Patch(facecolor=_OVER, label="committed, over budget"),
                   Line2D([], [], marker="D", color=PALETTE[1], markeredgecolor=INK, linestyle="", label="expected"),
                   Patch(facecolor=PALETTE[4], label="worst case"),
                   Line2D([], [], color=INK, linewidth=2.2, label="budget")])


def _legend(axes: Axes, handles: list[Any]) -> None:
    axes.figure.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.01, 0.0), ncols=5, frameon=False, handlelength=1.4,
                       columnspacing=1.4)


def _on(colour: str) -> str:
    """Black or white, whichever reads better on a colour (relative luminance of sRGB, roughly)."""
    red, green, blue = (int(colour[at:at + 2], 16) for at in (1, 3, 5))
    return "#000001" if 0.299 * red + 0.587 * green + 0.114 * blue > 90 else "#ffffff"


def _rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _short(name: str) -> str:
    name = printable(name)
    return name if len(name) <= 28 else f"{name[:27]}…"
