"""The rehearsal as a picture: replicas of each tenant that run and that wait for quota, over the seconds, step after step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpuplane.delivery.charts import PALETTE
from gpuplane.delivery.rehearsal.observation import Moment
from gpuplane.delivery.rehearsal.rehearsal import Rehearsal
from gpuplane.delivery.svg_figure import INK, svg_figure
from gpuplane.delivery.wording import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_TENANTS = 40
_HEIGHT = 0.78
_NAME_LENGTH = 26
Series = list[tuple[float, int, int]]
"""Seconds, replicas that run, replicas that do not (they wait for quota or start), from then on."""


def timeline(found: Rehearsal) -> str:
    """An ``<svg>`` element; empty text where nothing moved."""
    tenants = sorted({each.service.partition("/")[0] for each in found.moments})[:MOST_TENANTS]
    if not tenants:
        return ""
    rows = {tenant: series([each for each in found.moments if each.service.startswith(f"{tenant}/")]) for tenant in tenants}
    end = max([found.seconds, *(step.ended_seconds for step in found.steps)])

    def draw(axes: Axes) -> None:
        for index, tenant in enumerate(tenants):
            _row(axes, index, rows[tenant], end)
        _steps(axes, found)
        _evictions(axes, found, tenants)
        _frame(axes, tenants, end)

    title = "Replicas by tenant over time: running, not running, and the steps of the rehearsal"
    return svg_figure("timeline", title, draw, len(tenants), 0.85, 1.95)


def series(moments: Sequence[Moment]) -> Series:
    """A tenant's replicas after each change of any of its services."""
    latest: dict[str, Moment] = {}
    found: Series = []
    for moment in moments:
        latest[moment.service] = moment
        running = sum(each.ready for each in latest.values())
        found.append((moment.at_seconds, running, sum(each.admitted + each.pending for each in latest.values()) - running))
    return found


def _row(axes: Axes, index: int, own: Series, end: float) -> None:
    most = max([1, *(running + waiting for _, running, waiting in own)])
    times = [*(at for at, _, _ in own), end]
    base = index + _HEIGHT / 2

    def level(counts: list[int]) -> list[float]:
        return [base - _HEIGHT * count / most for count in [*counts, counts[-1]]]

    running = level([each[1] for each in own])
    every = level([each[1] + each[2] for each in own])
    axes.fill_between(times, [base] * len(times), running, step="post", color=PALETTE[0], linewidth=0)
    axes.fill_between(times, running, every, step="post", color=PALETTE[1], linewidth=0)
    axes.annotate(f"{most}", (0, base - _HEIGHT), xytext=(2, -2), textcoords="offset points", va="top", fontsize=7.5)


def _steps(axes: Axes, found: Rehearsal) -> None:
    """A line where each scenario begins, with its name below."""
    seen = ""
    for step in found.steps:
        name = step.scenario.partition(",")[0]
        if name != seen:
            seen = name
            axes.axvline(step.began_seconds, color=INK, linewidth=0.6, alpha=0.5)
            axes.annotate(printable(name)[:_NAME_LENGTH], (step.began_seconds, 0), xycoords=("data", "axes fraction"), xytext=(1, -24),
                          textcoords="offset points", rotation=-32, rotation_mode="anchor", fontsize=8, va="top", annotation_clip=False)


def _evictions(axes: Axes, found: Rehearsal, tenants: list[str]) -> None:
    for each in found.evictions:
        tenant = each.service.partition("/")[0]
        if each.reason == "Preempted" and tenant in tenants:
            axes.plot([each.at_seconds], [tenants.index(tenant) + _HEIGHT / 2 + 0.07], marker="^", markersize=5, color=INK, clip_on=False)


def _frame(axes: Axes, tenants: list[str], end: float) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.ticker import StrMethodFormatter

    axes.set_xlim(0, end)
    axes.set_ylim(len(tenants) - 0.4, -0.55)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f} s"))
    axes.set_yticks(range(len(tenants)), [printable(tenant)[:_NAME_LENGTH] for tenant in tenants])
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.figure.legend(
        handles=[Patch(facecolor=PALETTE[0], label="run"), Patch(facecolor=PALETTE[1], label="wait for quota, or start"),
                 Line2D([], [], marker="^", linestyle="", color=INK, label="preempted")],
        loc="lower left", bbox_to_anchor=(0.01, 0.0), ncols=3, frameon=False, handlelength=1.4)
