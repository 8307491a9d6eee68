"""Findings as notes at the lines of YAML files: workflow commands of GitHub Actions, and GitLab's code quality report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence

from gpuplane.delivery.pull_request.preview_file import PreviewFile
from gpuplane.delivery.wording import inert, inert_json, plural, printable
from gpuplane.policies.finding import JUDGE_CHANGE, Finding

MOST_OF_A_LEVEL = 10
"""GitHub shows so many errors, warnings and notices of one step; the last notice says how many more there are."""
MOST_ISSUES = 1000
"""GitLab's report is for the lines of a change; more would not be read."""
_LONGEST_TEXT = 4000
_GITLAB = {"critical": "blocker", "high": "critical", "medium": "major", "low": "minor"}


def workflow_commands(previews: Iterable[PreviewFile]) -> str:
    """One line for each note: what is in the way as errors, the rest by its severity; no text can end its line or its property."""
    notes = [(_level(preview, finding), preview, finding) for preview in previews for finding in _shown(preview)]
    lines, left = [], 0
    for level in ("error", "warning", "notice"):
        found = [(preview, finding) for each, preview, finding in notes if each == level]
        most = MOST_OF_A_LEVEL - (level == "notice")
        lines += [_command(level, preview, finding) for preview, finding in found[:most]]
        left += max(0, len(found) - most)
    if left:
        lines.append(f"::notice title=gpuplane::{plural(left, 'note')} more: the report has them all.")
    return "".join(f"{line}\n" for line in lines)


def code_quality(previews: Iterable[PreviewFile]) -> str:
    """GitLab's code quality report: a JSON array of issues, those that are in the way first."""
    issues = [_issue(preview, finding) for preview in previews for finding in _shown(preview)]
    unique = list({issue["fingerprint"]: issue for issue in issues}.values())
    return inert_json(json.dumps(unique[:MOST_ISSUES], indent=2, ensure_ascii=False)) + "\n"


def _shown(preview: PreviewFile) -> Iterator[Finding]:
    """What has a place and is not waived, in the way first; files are those of the repository."""
    yield from (finding for finding in _ordered(preview) if finding.file and not finding.waived)


def _ordered(preview: PreviewFile) -> Sequence[Finding]:
    return [*preview.in_the_way, *(finding for finding in preview.findings if not preview.stops(finding))]


def _level(preview: PreviewFile, finding: Finding) -> str:
    if finding.rule == JUDGE_CHANGE:
        return "notice"
    if preview.stops(finding):
        return "error"
    return "notice" if finding.severity == "low" else "warning"


def _command(level: str, preview: PreviewFile, finding: Finding) -> str:
    line = f",line={finding.line}" if finding.line > 0 else ""
    title = f"{finding.rule} in {preview.environment}"
    text = f"{finding.message} {finding.remedy}"[:_LONGEST_TEXT]
    return f"::{level} file={_property(finding.file)}{line},title={_property(title)}::{_data(text)}"


def _data(text: str) -> str:
    """A message: control characters go, and what would end the line or begin an escape is escaped."""
    return inert(" ".join(printable(text).split())).replace("%", "%25")


def _property(text: str) -> str:
    """A property's value, which a colon or a comma would end as well."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _issue(preview: PreviewFile, finding: Finding) -> dict[str, object]:
    parts = (preview.environment, finding.rule, finding.kind, finding.namespace, finding.name, finding.field, finding.file)
    severity = _GITLAB.get(finding.severity, "info")
    if not preview.stops(finding) and severity in ("blocker", "critical"):
        severity = "major"
    text = " ".join(printable(f"{finding.rule}: {finding.message} {finding.remedy}").split())
    return {"description": text[:_LONGEST_TEXT], "check_name": f"gpuplane {finding.rule}",
            "fingerprint": hashlib.sha256("\0".join(parts).encode()).hexdigest(), "severity": severity,
            "location": {"path": finding.file.lstrip("/"), "lines": {"begin": max(1, finding.line)}}}
