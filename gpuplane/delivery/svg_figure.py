"""A matplotlib figure as an SVG element for a page: no pyplot, no clock, no addresses, the same bytes every time."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#010203"
"""Stands for the page's text colour until the SVG is written."""

_WIDTH_INCHES = 9.2
_SETTINGS = {
    "svg.fonttype": "none", "svg.hashsalt": "gpuplane", "font.family": "sans-serif", "font.size": 9.5, "hatch.linewidth": 0.6,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK, "xtick.color": INK, "ytick.color": INK,
    "text.parse_math": False, "axes.unicode_minus": False}


def svg_figure(name: str, title: str, draw: Callable[[Axes], None], bars: int, inches_per_bar: float,
               inches_around: float) -> str:
    """An ``<svg>`` element of horizontal bars, to stand in an HTML page.

    Args:
        name: prefix of all its ids, unique in the page.
        title: what it shows, for those who cannot see it.
        draw: draws on the axes; called once.
        bars, inches_per_bar, inches_around: its height.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    height = bars * inches_per_bar + inches_around
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(_WIDTH_INCHES, height))
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        axes.set_facecolor("none")
        draw(axes)
        widest = max(len(label.get_text()) for label in axes.get_yticklabels())
        figure.subplots_adjust(left=0.03 + 0.009 * widest, right=0.98, top=1 - 0.1 / height,
                               bottom=(inches_around - 0.15) / height)
        return _inlined(_written(figure), name, title)


def standalone(svg: str) -> str:
    """The element as a file of its own, which has to name its namespace; empty text where there is no figure."""
    return svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1) + "\n" if svg else ""


def _written(figure: Figure) -> str:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # the page's font draws the text, not matplotlib's
        figure.savefig(buffer, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return buffer.getvalue().decode("utf-8")


def _inlined(svg: str, name: str, title: str) -> str:
    """The ``<svg>`` element alone, for a page with others: no ids that clash, no addresses, the page's colour, a title."""
    body = svg[svg.index("<svg"):]
    body = re.sub(r"\sxmlns(:\w+)?=\"[^\"]*\"", "", body)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r"\bid=\"([^\"]+)\"", rf'id="{name}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    body = re.sub(r"xlink:href=\"#([^\"]+)\"", rf'href="#{name}-\1"', body)
    body = body.replace(INK, "currentColor")
    body = re.sub(r"(font:[^;\"]*?px) [^;\"]*", r"\1 system-ui, sans-serif", body)
    body = re.sub(r"<svg [^>]*?(viewBox=\"[^\"]*\")[^>]*>", rf'<svg \1 role="img" aria-labelledby="{name}-title">'
                  rf'<title id="{name}-title">{title}</title>', body, count=1)
    return body.strip()
