"""The folder of a backend of files is found as Pulumi finds it, for the state and for the records beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gpuplane.delivery.audit.event import AuditEvent
from gpuplane.delivery.audit.identity import Who
from gpuplane.delivery.audit.log import AuditLog
from gpuplane.delivery.audit.store import FOLDER
from gpuplane.delivery.state_backend import folder_of


@pytest.mark.parametrize(("backend", "folder"), [
    ("file:///srv/state", Path("/srv/state")), ("file:///srv/the%20state?no_tmp_dir=true", Path("/srv/the state")),
    ("file://state", Path("state")), ("file://", Path()), ("file://~/state", Path.home() / "state"),
    ("s3://bucket/prefix", None), ("https://api.pulumi.com", None),
])
def test_a_backend_of_files_has_a_folder(backend: str, folder: Path | None) -> None:
    assert folder_of(backend) == folder


def test_records_lie_beside_the_state(tmp_path: Path) -> None:
    backend = f"file://{tmp_path}/the%20state?no_tmp_dir=true"

    AuditLog(backend).append(AuditEvent("adopt", "prod", "a stack", "done"), Who("ada", "local", "none"), datetime(2026, 1, 1, tzinfo=UTC))

    assert (tmp_path / "the state" / FOLDER / "prod").is_dir()
    assert folder_of(backend) == tmp_path / "the state"
