"""docs/pull-requests.md: its commands run, in their order, on a folder with a change."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from gpuplane.cli import cli
from gpuplane.delivery.pull_request.comment import LIMITS
from gpuplane.delivery.pull_request.comment_sections import EXPIRES_SOON_DAYS
from tests.delivery.files import edit

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "pull-requests.md").read_text()


def test_the_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "environments", tmp_path / "environments")
    for command in ("init", "add -A", "-c user.name=a -c user.email=a@example.com commit -m before", "branch origin/main"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True, capture_output=True)
    edit(tmp_path / "environments/prod/services/support/chat.yaml", "max_model_len: 16384", "max_model_len: 12288")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    block, = re.findall(r"```\n(.*?)```", PAGE, re.DOTALL)
    outputs = {}
    for line in block.splitlines():
        words = shlex.split(line.removeprefix("$ gpuplane "), comments=True)
        if "--post" not in words:  # tests/delivery/pull_request/test_forge.py
            found = CliRunner().invoke(cli, words)
            assert found.exit_code in (0, 1), found.output
            outputs[" ".join(words[:2])] = found.stdout

    comment = outputs["comment out/dev"]
    assert comment.startswith("<!-- gpuplane:preview -->\n\n## ")
    assert "| `support/chat` | restarts | none: 1 of 2 at a time, each about 2 min" in comment
    assert "1 GPU of its own spare" in comment


def test_the_figures_of_the_page_are_those_of_the_program() -> None:
    assert f"{LIMITS['github']:,}".replace(",", " ") in PAGE
    assert f"{LIMITS['gitlab']:,}".replace(",", " ") in PAGE
    assert f"within {EXPIRES_SOON_DAYS} days" in PAGE
