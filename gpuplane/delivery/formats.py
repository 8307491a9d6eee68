"""Names of the output formats to the functions that print them, each imported when it is asked for."""

from __future__ import annotations

from gpuplane.delivery.preview_report import PreviewReport


def formatted(report: PreviewReport, output_format: str) -> str:
    """The report in one format; text is printed by ``render_text``, for it depends on the terminal."""
    if output_format == "markdown":
        from gpuplane.delivery.render_markdown import render_markdown

        return render_markdown(report)
    if output_format == "html":
        from gpuplane.delivery.render_html import render_html

        return render_html(report)
    if output_format == "json":
        from gpuplane.delivery.render_json import to_json

        return to_json(report) + "\n"
    from gpuplane.policies.registry import all_rules

    if output_format == "sarif":
        from gpuplane.delivery.sarif import to_sarif

        return to_sarif(report.findings, all_rules())
    from gpuplane.delivery.junit import to_junit

    return to_junit(report.findings, all_rules())
