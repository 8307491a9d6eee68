"""The picture in README.md: what a pull request that asks for too much is told. ``python -m tests.docs.preview_picture FILE`` draws it."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.terminal_theme import MONOKAI

from gpuplane.delivery.golden_path.draft import drafted
from gpuplane.delivery.preview_report import PreviewReport
from gpuplane.delivery.render_text import render_text

AS_OF = date(2026, 8, 1)
FILE, BEFORE, AFTER = "prod/services/support/chat.yaml", "    max_replicas: 4\n", "    max_replicas: 9\n"
TITLE = "gpuplane preview prod --against main"
_COLUMNS = 120
_FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="A terminal: gpuplane preview prod">
<style>.{unique_id}-matrix {{font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: {char_height}px;
line-height: {line_height}px}} .{unique_id}-title {{font-family: sans-serif; font-size: 18px; font-weight: bold}}
{styles}</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""
"""No font is fetched: a picture in a page asks nobody for anything."""


class _Screen(Console):
    """Long lines are folded, as a terminal does it."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print."""
        super().print(*objects, **options | {"soft_wrap": False})


def refused(environments: Path) -> PreviewReport:
    """A preview of prod in which a service may grow over what its team owns."""
    with drafted(environments, "prod") as draft:
        text = (environments / FILE).read_text(encoding="utf-8")
        if BEFORE not in text:
            raise SystemExit(f"{FILE} has no {BEFORE.strip()!r} any more: choose another change for the picture.")
        draft.put(FILE, text.replace(BEFORE, AFTER))
        report = draft.judged(AS_OF).report
    assert report.comparison is not None  # prod is there without the change, too
    return replace(report, plan=replace(report.plan, notes=()), comparison=replace(report.comparison, ref="main"))


def picture(report: PreviewReport) -> str:
    """What a terminal shows of a preview, as SVG."""
    console = _Screen(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor", legacy_windows=False,
                      _environ={})
    render_text(report, console)
    return console.export_svg(title=TITLE, theme=MONOKAI, code_format=_FRAME, unique_id="preview")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(picture(refused(Path("environments"))), encoding="utf-8")
