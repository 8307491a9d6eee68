"""A small user repository with an origin, as the workflows meet it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.workflows.runner import ROOT, Place, git, put_gpuplane


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An origin whose branch main holds the smallest environment, and nothing of gpuplane's own."""
    shutil.copytree(ROOT / "docs/examples/02-smallest-environment/environments", tmp_path / "seed/environments")
    (tmp_path / "seed/requirements.txt").write_text("gpuplane==0.1.0 --hash=sha256:0000\n")
    git(tmp_path / "seed", "init", "-q")
    commit(tmp_path / "seed", "first")
    git(tmp_path, "clone", "-q", "--bare", "seed", "origin.git")
    put_gpuplane(tmp_path / "commands")
    return Place(tmp_path, tmp_path / "origin.git", tmp_path / "commands")


def commit(where: Path, message: str) -> str:
    """Commit everything; returns the commit."""
    git(where, "add", "--all", "--force")
    git(where, "commit", "-q", "-m", message)
    return git(where, "rev-parse", "HEAD")
