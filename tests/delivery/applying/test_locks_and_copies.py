"""Who holds a stack, ids of what is there, import files, and copies of state that were touched."""

from __future__ import annotations

import hashlib
import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import Popen

import pytest
from pulumi.automation import CommandError

from gpuplane.delivery.applying.import_file import Existing, import_json
from gpuplane.delivery.applying.import_ids import import_id
from gpuplane.delivery.applying.locks import holders, is_locked, locked_sentence, may_be_taken
from gpuplane.delivery.applying.state_check import backend_problems
from gpuplane.delivery.applying.state_copies import read_copy
from gpuplane.delivery.exit_status import CannotStart
from gpuplane.delivery.own_processes import noted
from gpuplane.delivery.pulumi_engine import DetachedPulumi, _Running
from tests.delivery.applying.worlds import world

SAID = ("error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file with "
        "`pulumi cancel`.\n  file:///state/locks/a.json: created by {user}@{host} (pid {pid}) at 2026-01-01T00:00:00Z")
NEVER_A_PROCESS = 2 ** 22 + 1


BUCKET = "s3://state?region=eu-central-1"


def _said(host: str, pid: int, since: str = "2026-01-01T00:00:00Z") -> str:
    return SAID.format(user="ci", host=host, pid=pid).replace("2026-01-01T00:00:00Z", since)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this machine notes what it begins."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    return tmp_path / "home/gpuplane/processes"


def _begun(tmp_path: Path, ends: str, backend: str = BUCKET) -> int:
    """A Pulumi that gpuplane begins, and that ends by a line of a shell; returns its number."""
    (program := tmp_path / "pulumi").write_text(f"#!/bin/sh\necho $$\n{ends}\n")
    program.chmod(0o755)
    command = DetachedPulumi.__new__(DetachedPulumi)
    command.command, command._running = str(program), _Running()
    said = ""
    try:
        said = command.run(["up"], str(tmp_path), {"PULUMI_BACKEND_URL": backend}).stdout
    except CommandError as error:
        said = str(error).partition("stdout: ")[2]
    return int(said.split()[0])


@pytest.mark.parametrize("backend", ["file:///state", BUCKET])
def test_a_machine_of_the_same_name_is_another_one(home: Path, backend: str) -> None:
    here = socket.gethostname()

    assert not may_be_taken(_said(here, NEVER_A_PROCESS), False, backend)
    assert not may_be_taken(_said("another-machine", NEVER_A_PROCESS), False, backend)
    assert may_be_taken(_said("another-machine", NEVER_A_PROCESS), True, backend)
    assert not may_be_taken("[409] Conflict: Another update is currently in progress.", True, backend)


def test_only_the_lock_of_a_process_of_ours_that_is_gone_is_taken(home: Path, tmp_path: Path) -> None:
    here, now = socket.gethostname(), datetime.now(UTC)
    killed = _begun(tmp_path, "kill -9 $$")
    said = _said(here, killed, (locked := now + timedelta(seconds=5)).isoformat(timespec="seconds"))

    assert may_be_taken(said, False, BUCKET)
    assert not may_be_taken(said, False, "s3://another")
    assert not may_be_taken(_said("another-machine", killed, locked.isoformat()), False, BUCKET)
    assert not may_be_taken(said + "\n" + _said(here, NEVER_A_PROCESS), False, BUCKET)
    for other in (now - timedelta(hours=1), now + timedelta(hours=1)):  # a lock of another process of that number
        assert not may_be_taken(_said(here, killed, other.isoformat(timespec="seconds")), False, BUCKET)
    note = json.loads((file := home / f"{killed}.json").read_text())
    file.write_text(json.dumps({**note, "machine": ["of another start", "pid:[1]"]}))
    assert not may_be_taken(said, False, BUCKET)
    file.write_text("{")
    assert not may_be_taken(said, False, BUCKET)


def test_the_lock_of_a_process_that_runs_stays(home: Path, tmp_path: Path) -> None:
    (program := tmp_path / "pulumi").symlink_to("/bin/sleep")
    with Popen([program, "60"], text=True) as running, noted(running, BUCKET):
        said = _said(socket.gethostname(), running.pid, datetime.now(UTC).isoformat(timespec="seconds"))
        assert not may_be_taken(said, False, BUCKET)
        running.kill()
        running.wait()
        assert may_be_taken(said, False, BUCKET)


def test_a_note_goes_with_its_process_and_is_done_without(home: Path, tmp_path: Path) -> None:
    _begun(tmp_path, "exit 0")
    assert list(home.iterdir()) == []

    home.rmdir()
    home.write_text("no folder")
    assert not may_be_taken(_said(socket.gethostname(), _begun(tmp_path, "kill -9 $$")), False, BUCKET)


def test_a_lock_says_who_holds_it_and_what_to_do() -> None:
    assert is_locked(_said("a", 1))
    assert not is_locked("error: update failed")
    assert str(holders(_said("a", 7))[0]) == "ci@a (process 7) since 2026-01-01T00:00:00Z"
    assert "`pulumi cancel --stack s`" in locked_sentence("s", _said("a", 7), 3)


@pytest.mark.parametrize(("type_token", "inputs", "expected"), [
    ("kubernetes:core/v1:Namespace", {"metadata": {"name": "acme"}}, "acme"),
    ("kubernetes:core/v1:ResourceQuota", {"metadata": {"name": "q", "namespace": "acme"}}, "acme/q"),
    ("kubernetes:helm.sh/v3:Release", {"name": "kueue", "namespace": "kueue-system"}, "kueue-system/kueue"),
    ("aws:iam/role:Role", {"name": "r"}, "r"),
    ("aws:eks/nodeGroup:NodeGroup", {"clusterName": "c", "nodeGroupName": "n"}, "c:n"),
    ("aws:eks/nodeGroup:NodeGroup", {"clusterName": "c"}, None),
    ("aws:ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}, None),
])
def test_an_id_follows_from_names_or_is_not_known(type_token: str, inputs: dict[str, object], expected: str | None) -> None:
    assert import_id(type_token, inputs) == expected


def test_an_import_file_has_parents_first_and_names_what_is_in_the_state() -> None:
    child = Existing("urn:pulumi:s::p::a$k:v1:X::one", "k:v1:X", "ns/one", "urn:pulumi:s::p::a::top", "urn:pulumi:s::p::pulumi:providers:k::k")
    found = json.loads(import_json([child, Existing("urn:pulumi:s::p::a::top", "a")]))

    assert [row["logicalName"] for row in found["resources"]] == ["top", "one"]
    assert found["resources"][0] == {"type": "a", "name": "n0", "logicalName": "top", "component": True}
    assert found["resources"][1]["parent"] == "n0"
    assert found["nameTable"] == {found["resources"][1]["provider"]: "urn:pulumi:s::p::pulumi:providers:k::k"}


def _copy(folder: Path, text: str, environment: str = "local") -> Path:
    folder.mkdir()
    (folder / "s.json").write_text("{}")
    digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    (folder / "index.json").write_text(json.dumps({"schema_version": 1, "kind": "gpuplane-state-copy", "environment": environment, "stacks": {
        "s": {"digest": digest, "resources": 0}}}))
    return folder


def test_a_copy_of_state_that_was_touched_or_is_anothers_is_not_restored(tmp_path: Path) -> None:
    spec = world(tmp_path)

    assert read_copy(spec, _copy(tmp_path / "good", "{}"))[0].stack == "s"
    with pytest.raises(CannotStart, match="its digest differs"):
        read_copy(spec, _copy(tmp_path / "touched", "{ }"))
    (tmp_path / "touched" / "s.json").write_bytes(b"\xff")
    with pytest.raises(CannotStart, match="its digest differs"):
        read_copy(spec, tmp_path / "touched")
    with pytest.raises(CannotStart, match='of "prod"'):
        read_copy(spec, _copy(tmp_path / "other", "{}", "prod"))
    with pytest.raises(CannotStart, match="cannot be read"):
        read_copy(spec, tmp_path / "nowhere")
    with pytest.raises(CannotStart, match="has no stack t"):
        read_copy(spec, tmp_path / "good", ("t",))


def test_what_cannot_be_seen_of_a_backend_is_said(tmp_path: Path) -> None:
    spec = world(tmp_path)

    assert list(backend_problems(spec, "file:///state")) == []
    assert list(backend_problems(spec, "https://api.pulumi.com")) == []
    assert "gpuplane cannot see" in next(backend_problems(spec, "gs://bucket"))
