"""What the page about the audit says can be typed."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from gpuplane.cli import cli
from gpuplane.delivery.audit import AuditEvent, AuditLog, Who
from gpuplane.delivery.audit.event import KINDS

PAGE = (Path(__file__).resolve().parents[2] / "docs/audit.md").read_text(encoding="utf-8")
COMMANDS = [line.removeprefix("$ gpuplane ").partition("#")[0].partition(">")[0] for line in PAGE.splitlines() if line.startswith("$ gpuplane ")]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_runs(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = AuditLog(str(tmp_path)).append(
        AuditEvent("apply", "prod", "support", "done"), Who("alice", "local", "none"), datetime(2026, 10, 2, tzinfo=UTC))
    monkeypatch.setenv("GPUPLANE_AUDIT", str(tmp_path))

    found = CliRunner().invoke(cli, shlex.split(re.sub(r"42@sha256:\S+", f"1@{record.hash}", command)))

    assert found.exit_code == 0, found.output
    assert "support" in found.stdout


def test_the_python_runs(tmp_path: Path) -> None:
    code = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0].replace("file:///srv/state", f"file://{tmp_path}")

    exec(compile(code, "audit.md", "exec"), {})

    assert CliRunner().invoke(cli, ["audit", "prod", "--audit", str(tmp_path), "--verify"]).exit_code == 0


def test_every_kind_of_event_that_it_names_is_there() -> None:
    words = {"adoption": "adopt"}
    named = re.findall(r"[a-z-]+", PAGE.split("Each ")[1].split(" is one record")[0].replace(" and ", " "))
    assert {words.get(word, word) for word in named} <= set(KINDS)
