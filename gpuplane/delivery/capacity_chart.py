"""The picture of ``gpuplane capacity``: each tenant's guaranteed and borrowable devices, with the peak of its services."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpuplane.delivery.capacity_report import CapacityRow
from gpuplane.delivery.charts import MOST_BARS, PALETTE
from gpuplane.delivery.svg_figure import INK, svg_figure
from gpuplane.delivery.wording import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def capacity_chart(rows: Sequence[CapacityRow]) -> str:
    """Horizontal bars, one for each tenant and device type; empty text where there is nothing to draw."""
    drawn = [row for row in rows if row.at_most or row.peak][:MOST_BARS]
    if not drawn:
        return ""

    def draw(axes: Axes) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch
        from matplotlib.ticker import MaxNLocator

        for index, row in enumerate(drawn):
            axes.barh(index, row.guaranteed, height=0.6, color=PALETTE[0])
            axes.barh(index, row.at_most - row.guaranteed, left=row.guaranteed, height=0.6, color=PALETTE[4])
            axes.plot([row.peak, row.peak], [index - 0.4, index + 0.4], color=INK, linewidth=2.2, clip_on=False)
            axes.annotate(_label(row), (max(row.at_most, row.peak), index), xytext=(7, 0), textcoords="offset points", va="center")
        axes.set_xlabel("devices")
        axes.set_xlim(0, 1.3 * max(max(row.at_most, row.peak) for row in drawn))  # room for the words at the end of the longest bar
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_yticks(range(len(drawn)), [printable(f"{row.tenant} {row.key}")[:40] for row in drawn])
        axes.set_ylim(len(drawn) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.figure.legend(
            handles=[Patch(facecolor=PALETTE[0], label="guaranteed"), Patch(facecolor=PALETTE[4], label="may be borrowed"),
                     Line2D([], [], color=INK, linewidth=2.2, label="peak of its services")],
            loc="lower left", bbox_to_anchor=(0.01, 0.0), ncols=3, frameon=False, handlelength=1.4)

    return svg_figure("capacity", "GPUs by tenant: guaranteed, borrowable and peak", draw, len(drawn), 0.5, 1.1)


def _label(row: CapacityRow) -> str:
    """The bar in figures."""
    borrowed = row.at_most - row.guaranteed
    return f"{row.guaranteed}{f' + {borrowed}' if borrowed > 0 else ''}, peak {row.peak}"
