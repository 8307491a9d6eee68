"""Who judged, and what this change does to its judge: the first lines of every report for people."""

from __future__ import annotations

from gpuplane.delivery.preview_report import PreviewReport, sentence
from gpuplane.delivery.wording import plural


def judge_lines(report: PreviewReport) -> tuple[str, ...]:
    """A line on the ref that judged and one for each change to the judge; nothing where this side judged itself."""
    if report.judge is None:
        return ()
    changes = report.judge_changes
    what = f"{plural(len(changes), 'change')} to the judge, which counted for nothing:" if changes else "the judge is not changed."
    return (f"Judged by {report.judge.ref} ({report.judge.commit[:12]}): {what}", *(f"  {sentence(finding)}" for finding in changes))
