"""Repositories made once and copied for each test: git and the plan take longest."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.delivery.promotion.walk import Walk, approved, begun, evaluated, moved_tickets


@pytest.fixture(scope="session")
def _begun(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    return begun(tmp_path_factory.mktemp("begun"))


@pytest.fixture(scope="session")
def _ready(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    return approved(evaluated(moved_tickets(begun(tmp_path_factory.mktemp("ready")))))


@pytest.fixture
def walk(_begun: Walk, tmp_path: Path) -> Walk:
    """The example as it lies there, committed long ago."""
    return Walk(Path(shutil.copytree(_begun.top, tmp_path / "company")))


@pytest.fixture
def ready(_ready: Walk, tmp_path: Path) -> Walk:
    """The same, evaluated, approved, and with the first wave done: the assistant may move."""
    return Walk(Path(shutil.copytree(_ready.top, tmp_path / "company")))


@pytest.fixture(autouse=True)
def _no_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GPUPLANE_AUDIT", "PULUMI_BACKEND_URL", "GIT_DIR", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
