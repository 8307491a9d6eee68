"""Findings as SARIF 2.1.0, which code hosts show beside the lines of a pull request (OASIS standard, 2020-03-27)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from gpuplane import __version__
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Rule

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.0", "low": "2.0"}
"""``security-severity`` by which code hosts sort: the bands of CVSS."""


def to_sarif(findings: Iterable[Finding], rules: Sequence[Rule]) -> str:
    """One SARIF log.

    Args:
        findings: what was found; waived ones come as suppressed results.
        rules: every rule that ran, found or not.
    """
    ordered = sorted(rules, key=lambda rule: rule.id)
    index = {rule.id: place for place, rule in enumerate(ordered)}
    driver = {"name": "gpuplane", "semanticVersion": __version__, "rules": [_rule(rule) for rule in ordered]}
    results = [_result(finding, index) for finding in findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    why = " ".join((type(rule).__doc__ or rule.title).split())
    return {
        "id": rule.id, "name": type(rule).__name__,
        "shortDescription": {"text": f"{rule.title}."}, "fullDescription": {"text": why},
        "help": {"text": f"{rule.remedy} References: {'; '.join(rule.references)}."},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"security-severity": _SCORES[rule.severity],
                       "tags": ["gpuplane", rule.id.partition("-")[0].lower(), rule.severity]},
    }


def _result(finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule, "level": _LEVELS[finding.severity], "message": {"text": f"{finding.message} {finding.remedy}"},
        # `review` is the standard's word for what the tool could not decide.
        "kind": "fail" if finding.verdict == "fail" else "review",
        "locations": [_location(finding)], "partialFingerprints": {"gpuplane/v1": _fingerprint(finding)},
        "properties": {"severity": finding.severity, "verdict": finding.verdict.value, "tenant": finding.tenant,
                       "field": finding.field},
    }
    if result["kind"] == "review":
        result["level"] = "none"  # the standard allows no other level beside `review`
    if finding.rule in index:
        result["ruleIndex"] = index[finding.rule]
    if finding.waived:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": finding.waived}]
    return result


def _location(finding: Finding) -> dict[str, Any]:
    place = "/".join(part for part in (finding.kind, finding.namespace, finding.name) if part)
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": finding.urn or place or finding.rule,
                                                      "name": finding.name or finding.rule, "kind": "resource"}]}
    if finding.file:
        physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(finding.file)}}
        if finding.line:
            physical["region"] = {"startLine": finding.line}
        location["physicalLocation"] = physical
    return location


def _uri(file: str) -> str:
    path = PurePosixPath(file)
    return path.as_uri() if path.is_absolute() else quote(file)


def _fingerprint(finding: Finding) -> str:
    """The same finding in the next run, though lines move: rule, object and field, not text or place."""
    parts = (finding.rule, finding.kind, finding.namespace, finding.name, finding.field)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
