"""Findings as JUnit XML, which every CI system shows as tests: one case a rule, failed if it found something."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

from gpuplane.delivery.wording import printable
from gpuplane.policies.finding import Finding
from gpuplane.policies.rule import Rule

_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot carry, even escaped."""


def to_junit(findings: Iterable[Finding], rules: Sequence[Rule]) -> str:
    """A JUnit report.

    Args:
        findings: what was found; a case whose findings are all waived, or only advice, is skipped.
        rules: every rule that ran.
    """
    by_rule: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_rule[finding.rule].append(finding)
    titles = {rule.id: rule.title for rule in rules}
    ids = sorted({*titles, *by_rule})
    failed = sum(any(_fails(finding) for finding in by_rule[key]) for key in ids)
    skipped = sum(bool(by_rule[key]) and not any(_fails(finding) for finding in by_rule[key]) for key in ids)
    suite = ElementTree.Element("testsuite", {
        "name": "gpuplane rules", "tests": str(len(ids)), "failures": str(failed), "errors": "0", "skipped": str(skipped)})
    for key in ids:
        _case(suite, key, titles.get(key, ""), by_rule[key])
    root = ElementTree.Element("testsuites", {"name": "gpuplane", "tests": str(len(ids)), "failures": str(failed), "errors": "0"})
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, rule: str, title: str, findings: list[Finding]) -> None:
    case = ElementTree.SubElement(suite, "testcase", {"classname": f"gpuplane.{rule}", "name": f"{rule} {title}".strip()})
    open_ = [finding for finding in findings if _fails(finding)]
    if open_:
        failure = ElementTree.SubElement(case, "failure", {
            "type": open_[0].severity, "message": _clean(open_[0].message if len(open_) == 1 else f"{len(open_)} findings")})
        failure.text = "\n".join(_line(finding) for finding in open_)
    elif findings:
        reasons = "; ".join(f"waived: {finding.waived}" if finding.waived else f"advice: {_line(finding)}" for finding in findings)
        ElementTree.SubElement(case, "skipped", {"message": _clean(reasons)})


def _fails(finding: Finding) -> bool:
    """What is waived, or was said to stop nothing, is no failed test."""
    return not finding.waived and finding.stops is not False


def _line(finding: Finding) -> str:
    place = f"{finding.file}:{finding.line}" if finding.line else finding.file or finding.urn
    return _clean(f"{place}: {finding.severity} {finding.verdict.value}: {finding.message} {finding.remedy}")


def _clean(text: str) -> str:
    return printable(_NOT_XML.sub("�", text))
