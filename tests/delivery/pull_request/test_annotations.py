"""Notes at the lines of YAML files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner

from gpuplane.cli import cli
from gpuplane.delivery.pull_request.annotations import MOST_OF_A_LEVEL, code_quality, workflow_commands
from gpuplane.policies.finding import Verdict
from tests.delivery.pull_request.previews import read, written
from tests.delivery.reports import blocking, refused, report


def test_what_is_in_the_way_is_an_error_at_its_line(tmp_path: Path) -> None:
    lines = workflow_commands([read(refused(), tmp_path)]).splitlines()

    assert lines[0].startswith("::error file=environments/prod/services/acme/chat.yaml,line=21,title=QF-04 in prod::spec.scaling.max_replicas")
    assert [line.split()[0] for line in lines] == ["::error", "::error", "::notice"]


def test_waived_findings_are_no_notes(tmp_path: Path) -> None:
    assert "WS-01" not in workflow_commands([read(refused(), tmp_path)])


def test_no_more_than_are_shown_and_the_last_line_counts_the_rest(tmp_path: Path) -> None:
    findings = tuple(blocking(line=line) for line in range(1, 61))
    lines = workflow_commands([read(report(findings=findings, verdict=Verdict.FAIL), tmp_path)]).splitlines()

    assert sum(line.startswith("::error") for line in lines) == MOST_OF_A_LEVEL
    assert lines[-1] == "::notice title=gpuplane::50 notes more: the report has them all."


def test_no_text_ends_its_line_or_its_property(tmp_path: Path) -> None:
    bad = blocking(file="a,line=9::x.yaml", message="x%0A::error::y\r\n::stop-commands::z", remedy="\x1b[2J##[add-mask]x")
    lines = workflow_commands([read(report(findings=(bad,), verdict=Verdict.FAIL), tmp_path)]).splitlines()

    assert len(lines) == 1
    head, _, text = lines[0][2:].partition("::")
    assert head == "error file=a%2Cline=9%3A%3Ax.yaml,line=21,title=QF-04 in prod"
    assert "%250A" in text
    assert "\x1b" not in text


def test_code_quality_has_what_gitlab_reads_with_lasting_fingerprints(tmp_path: Path) -> None:
    issues = json.loads(code_quality([read(refused(), tmp_path / "a")]))
    moved = json.loads(code_quality([read(replace(refused(), findings=tuple(
        replace(each, line=each.line + 7) for each in refused().findings)), tmp_path / "b")]))

    assert issues[0]["location"] == {"path": "environments/prod/services/acme/chat.yaml", "lines": {"begin": 21}}
    assert {"description", "check_name", "fingerprint", "severity", "location"} == set(issues[0])
    assert {each["severity"] for each in issues} <= {"info", "minor", "major", "critical", "blocker"}
    assert [each["fingerprint"] for each in issues] == [each["fingerprint"] for each in moved]


def test_the_command_prints_either_form(tmp_path: Path) -> None:
    folder = str(written(refused(), tmp_path))

    assert CliRunner().invoke(cli, ["annotations", folder]).output.startswith("::error ")
    assert json.loads(CliRunner().invoke(cli, ["annotations", folder, "--format", "gitlab"]).output)
