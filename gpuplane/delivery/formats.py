"""Names of the output formats to the functions that print them, each imported when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

from gpuplane.delivery.preview_report import PreviewReport, sentence
from gpuplane.delivery.redaction import NO_SECRETS, Redaction
from gpuplane.delivery.wording import inert_form, printable
from gpuplane.policies.finding import Finding

if TYPE_CHECKING:
    from gpuplane.delivery.check import CheckResult


_PART = 4_000_000
"""Characters that are searched for secrets at once."""


def formatted(report: PreviewReport, output_format: str) -> str:
    """The report in one format, without secrets; text is printed by ``render_text``, for it depends on the terminal."""
    return "".join(formatted_pieces(report, output_format))


def formatted_pieces(report: PreviewReport, output_format: str) -> Iterator[str]:
    """The same in pieces, so that a report of many tenants never stands in memory as a whole."""
    if output_format != "json":
        yield plain(_formatted(report, output_format), output_format, report.redaction)
        return
    from gpuplane.delivery.render_json import json_pieces

    for part in _parts(chain(json_pieces(report), "\n")):  # no text of JSON goes over the end of a piece, and so no secret does
        yield plain(part, output_format, report.redaction)


def _parts(pieces: Iterable[str]) -> Iterator[str]:
    """Pieces put together to some megabytes: lines that stand in many of them are searched once."""
    held, size = list[str](), 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _PART:
            yield "".join(held)
            held, size = [], 0
    if held:
        yield "".join(held)


def plain(text: str, output_format: str, redaction: Redaction = NO_SECRETS) -> str:
    """An output in which nothing is secret, and which steers no terminal and no runner."""
    return inert_form(redaction.text(text), output_format)


def _formatted(report: PreviewReport, output_format: str) -> str:
    if output_format == "markdown":
        from gpuplane.delivery.render_markdown import render_markdown

        return render_markdown(report)
    if output_format == "html":
        from gpuplane.delivery.render_html import render_html

        return render_html(report)
    return _machine(report.findings, output_format)


def _machine(findings: tuple[Finding, ...], output_format: str) -> str:
    """SARIF or JUnit, which carry findings alone."""
    from gpuplane.policies.registry import all_rules

    if output_format == "sarif":
        from gpuplane.delivery.sarif import to_sarif

        return to_sarif(findings, all_rules())
    from gpuplane.delivery.junit import to_junit

    return to_junit(findings, all_rules())


def formatted_check(result: CheckResult, output_format: str) -> str:
    """The result of ``gpuplane check`` in one format, without secrets."""
    return plain(_formatted_check(result, output_format), output_format, result.redaction)


def _formatted_check(result: CheckResult, output_format: str) -> str:
    if output_format == "text":
        return _check_text(result)
    if output_format == "json":
        from gpuplane.delivery.check import to_json

        return to_json(result)
    return _machine(result.findings, output_format)


def _check_text(result: CheckResult) -> str:
    waived = sum(bool(finding.waived) for finding in result.findings)
    lines = [printable(f"{finding.severity:<8} {sentence(finding)}") for finding in result.findings if not finding.waived]
    objects = f"{result.objects} object{'' if result.objects == 1 else 's'}"
    counts = f"{sum(finding.blocks for finding in result.findings)} blocking, {len(lines)} in all, {waived} waived"
    verdict = "not all could be read" if result.errors else result.judgement.verdict.value
    return "\n".join([*lines, f"{verdict}: {objects}, {len(result.judgement.rules)} rules, {counts}"]) + "\n"
