"""The one comment on a pull request, for all its environments: verdict first, then who is affected and how, the rest folded.

It always fits: where all of it is too long, tables get shorter, then sections go, and the artifact is named that has everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gpuplane.delivery.markdown_text import code, code_cell, escaped
from gpuplane.delivery.pull_request import comment_sections as sections
from gpuplane.delivery.pull_request.comment_sections import Most
from gpuplane.delivery.pull_request.preview_file import PreviewFile
from gpuplane.delivery.pull_request.words import ICONS, WORDS, month_change, restart_counts
from gpuplane.delivery.wording import inert, plural
from gpuplane.spec.errors import listed

LIMITS = {"github": 65_536, "gitlab": 1_000_000}
"""Characters of a comment that a forge takes; they are counted here as bytes of UTF-8, so that no way of counting is exceeded."""
_MARKER = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_STEPS = (1000, 200, 50, 20, 10, 5, 2, 0)
"""Rows of a table, tried one after the other until all fits; 0 leaves only what stands above the folds."""


@dataclass(frozen=True)
class Links:
    """Where the rest is.

    Attributes:
        report: address of the artifact with the HTML reports; empty for none.
        command: how to see the same on one's own machine, with ``{environment}`` and ``{ref}`` in it.
    """

    report: str = ""
    command: str = "gpuplane preview {environment} --against {ref} --out out/{environment}"


def marker_line(name: str) -> str:
    """The hidden first line by which a comment is found again.

    Raises:
        ValueError: the name is not of small letters, digits and dashes.
    """
    if _MARKER.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no name of a marker; allowed: small letters, digits and dashes, at most 63")
    return f"<!-- gpuplane:{name} -->"


def comment(previews: Sequence[PreviewFile], marker: str, links: Links = Links(), most_bytes: int = LIMITS["github"]) -> str:
    """The Markdown of one comment, at most ``most_bytes`` long.

    Args:
        previews: one of each environment; they come in the order of their names, those in whose way something is first.
        marker: name of the hidden marker.
        links: where the rest is.
        most_bytes: of the forge.
    """
    ordered = sorted(previews, key=lambda each: (each.verdict == "pass", each.environment))
    for most in _STEPS:
        text = _whole(ordered, marker, links, most)
        if len(text.encode()) <= most_bytes:
            return text
    return _shortest(ordered, marker, links, most_bytes)


def _whole(previews: Sequence[PreviewFile], marker: str, links: Links, most: int) -> str:
    blocks = [marker_line(marker), *_title(previews)]
    left = Most(most)
    for preview in previews:
        blocks += _environment(preview, links, left, alone=len(previews) == 1)
    if left.cut:
        blocks.append(_rest(links))
    return inert("\n\n".join([*blocks, _footer(previews, links, left.cut)])) + "\n"


def _title(previews: Sequence[PreviewFile]) -> list[str]:
    """One sentence, and a line for each environment where there are several."""
    worst = next((word for word in ("fail", "unknown") if any(each.verdict == word for each in previews)), "pass")
    refused = [each.environment for each in previews if each.verdict != "pass"]
    what = f"{listed(map(escaped, refused), 10)} may not go" if refused else "may go"
    if not refused:
        what = f"{plural(len(previews), 'environment')} may go" if len(previews) > 1 else f"{escaped(previews[0].environment)} may go"
    lines = [f"## {ICONS[worst]} {WORDS[worst]}: {what}"]
    if len(previews) > 1:
        rows = [(ICONS[each.verdict], code_cell(each.environment), str(len(each.blocking)), escaped(restart_counts(each)),
                 escaped(month_change(each))) for each in previews[:100]]
        lines.append("\n".join(sections.table(("", "environment", "in the way:", "services", "USD a month"), rows)))
    return lines


_SECTIONS: tuple[Callable[[PreviewFile, Most], list[str]], ...] = (
    sections.in_the_way, sections.losses, sections.tenants, sections.services, sections.isolation, sections.expiring, sections.judge,
    sections.components)


def _environment(preview: PreviewFile, links: Links, most: Most, *, alone: bool) -> list[str]:
    blocks = [] if alone else [f"### {ICONS[preview.verdict]} {escaped(preview.environment)}"]
    blocks.append(sections.summary(preview))
    for section in _SECTIONS:
        if lines := section(preview, most):
            blocks.append("\n".join(lines))
    if most.rows:
        blocks.append("\n".join(sections.reproduce(preview, links.command)))
    return blocks


def _rest(links: Links) -> str:
    return f"Not everything fits here: {_artifact(links)} has the rest."


def _artifact(links: Links) -> str:
    return f"[the report]({links.report})" if links.report else "`report.html` of the run's artifact"


def _footer(previews: Sequence[PreviewFile], links: Links, cut: bool) -> str:
    first = previews[0]
    against = f", against {code(first.comparison.ref)} ({code(first.comparison.commit[:12])})" if first.comparison is not None else ""
    more = f" [Report]({links.report})." if links.report and not cut else ""
    return f"<sub>gpuplane, as of {first.as_of.isoformat()}{against}. Nothing was applied, and no cluster was asked.{more}</sub>"


def _shortest(previews: Sequence[PreviewFile], marker: str, links: Links, most_bytes: int) -> str:
    """Verdicts alone, as many as fit."""
    head = "\n\n".join([marker_line(marker), _title(previews)[0], _rest(links)]) + "\n"
    lines = [head, ""]
    for preview in previews:
        line = f"- {ICONS[preview.verdict]} {escaped(preview.environment)}: {len(preview.blocking)} in the way"
        if len("\n".join([*lines, line]).encode()) > most_bytes - 1:
            break
        lines.append(line)
    return "\n".join(lines) + "\n"
