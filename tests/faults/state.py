"""State that is truncated, lost, stale, locked, of a newer version, or that cannot be written or read."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from tests.faults.bed import LAYER, Bed, Done
from tests.faults.case import Case
from tests.faults.kills import killed_in_request, more_quota
from tests.faults.proxy import Hold, Request

GOOD, FAILED, WRONG = frozenset({0}), frozenset({3}), frozenset({2})
LOCK = "11111111-1111-4111-8111-111111111111.json"
RESTORE = ("gpuplane state restore local",)
CUT_OFF = ("Make room", "was cut off", *RESTORE)
NOT_WRITTEN = ("whose state was not written: it is there, taken in",)


def _keep(bed: Bed) -> None:
    shutil.copy(bed.stack_file, bed.folder / "kept.json")


def _put_back(bed: Bed) -> None:
    shutil.copy(bed.folder / "kept.json", bed.stack_file)


def _copied(bed: Bed) -> None:
    assert bed.run("state", "backup", "local", "--out", str(bed.folder / "copy")).status == 0


def second_service(bed: Bed) -> None:
    """A wish for which objects are made below a component that is new too."""
    folder = bed.documents / "services" / bed.tenant
    (folder / "resnet101.yaml").write_text((folder / "resnet50.yaml").read_text().replace("name: resnet50\n", "name: resnet101\n"))


def _restored(bed: Bed) -> None:
    """What the message says: put the copy back."""
    done = bed.run("state", "restore", "local", str(bed.folder / "copy"), "--stack", bed.stack, "--before", str(bed.folder / "before"), "--yes")
    assert done.status == 0, done.said


def kept_is_restored(bed: Bed) -> None:
    """What the message says: put back what was kept before the run."""
    listed = bed.run("state", "restore", "local", "--stack", bed.stack)
    assert listed.status == 0, listed.said
    copy = listed.stdout.splitlines()[0].split()[-1]
    assert f"gpuplane state restore local {copy} --stack {bed.stack}" in bed.running[-1].log.read_text()
    done = bed.run("state", "restore", "local", copy, "--stack", bed.stack, "--before", str(bed.folder / "before"), "--yes")
    assert done.status == 0, done.said


def is_cut_off(bed: Bed) -> None:
    """That the state and its ``.bak`` are no state any more, and something was made that neither knows."""
    for file in (bed.stack_file, bed.stack_file.with_name(f"{bed.stack_file.name}.bak")):
        assert not is_json(file)


def is_json(file: Path) -> bool:
    """Whether a file was written whole."""
    try:
        json.loads(file.read_text())
    except ValueError:
        return False
    return True


def _adopted(bed: Bed) -> None:
    """What the message says: take in what is there."""
    done = bed.run("adopt", "local", *LAYER, "--yes")
    assert done.status == 0, done.said


def cut_to(share: float) -> Callable[[Bed], Done]:
    """A state file of which so much is left."""
    def run(bed: Bed) -> Done:
        text = bed.stack_file.read_bytes()
        bed.stack_file.write_bytes(text[:int(len(text) * share)])
        return bed.up()
    return run


def _garbage(bed: Bed) -> Done:
    bed.stack_file.write_bytes(os.urandom(512))
    return bed.up()


def _newer(bed: Bed) -> Done:
    document = json.loads(bed.stack_file.read_text())
    bed.stack_file.write_text(json.dumps({**document, "version": 99}))
    return bed.up()


def _lost(bed: Bed) -> Done:
    for file in bed.stack_file.parent.glob(f"{bed.stack}.*"):
        file.unlink()
    return bed.up()


def _attributes_cut_off(bed: Bed) -> Done:
    """What a kill -9 leaves in the moment in which the state is written: the file with the state's content type is empty."""
    attributes = bed.stack_file.with_name(f"{bed.stack_file.name}.attrs")
    assert attributes.is_file()
    attributes.write_bytes(b"")
    return bed.up()


def _stale(bed: Bed) -> Done:
    """The state of before the last run, in which the service was not there."""
    document = json.loads(bed.stack_file.read_text())
    latest = document["checkpoint"]["latest"]
    latest["resources"] = [one for one in latest["resources"] if "resnet50" not in one["urn"]]
    bed.stack_file.write_text(json.dumps(document))
    return bed.up()


def _wrong_passphrase(bed: Bed) -> Done:
    return bed.up(variables={"PULUMI_CONFIG_PASSPHRASE": "another one"})


def _no_passphrase(bed: Bed) -> Done:
    left = {key: value for key, value in bed.variables.items() if key != "PULUMI_CONFIG_PASSPHRASE"}
    bed.variables, kept = left, bed.variables
    try:
        return bed.up()
    finally:
        bed.variables = kept


def locked(text: Callable[[Bed], str]) -> Callable[[Bed], Done]:
    """A run on a stack that has a lock."""
    def run(bed: Bed) -> Done:
        bed.locks.mkdir(parents=True, exist_ok=True)
        (bed.locks / LOCK).write_text(text(bed))
        return bed.up("--wait-for-lock", "0")
    return run


def lock_of(host: str, pid: int) -> Callable[[Bed], str]:
    """A lock by a process on a machine."""
    return lambda _: json.dumps({"pid": pid, "username": "ci", "hostname": host, "timestamp": "2026-01-01T00:00:00Z"})


def locked_by_a_child(bed: Bed) -> Done:
    """A run on a stack that is locked by a process which this machine began, and killed."""
    killed_in_request("POST", "/resourcequotas", done=True)(bed)
    bed.proxy.heal()
    return bed.up("--wait-for-lock", "0")


def _unlock(bed: Bed) -> None:
    (bed.locks / LOCK).unlink(missing_ok=True)


def small_files(kibibytes: int) -> Callable[[Bed], Done]:
    """A run for which the disk ends: no file may grow larger."""
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (kibibytes * 1024, kibibytes * 1024))

    return lambda bed: bed.run("up", "local", *LAYER, preexec=limit)


def _disk_ends(bed: Bed) -> Done:
    """A run in whose middle the disk ends: once an object is made, Pulumi can write no file as large as the state."""
    running, ended = bed.start(), threading.Event()

    def rule(request: Request) -> None:
        if request.method == "POST" and "/inferenceservices" in request.path and not ended.is_set():
            ended.set()
            for pid, name in running.family():
                if name == "pulumi":
                    resource.prlimit(pid, resource.RLIMIT_FSIZE, (8 * 1024, 8 * 1024))
    bed.proxy.rule = rule
    return running.end()


def _no_tmp(bed: Bed) -> Done:
    return bed.up(variables={"TMPDIR": str(bed.folder / "nowhere")})


def _records_in_the_way(bed: Bed) -> Done:
    (bed.folder / "runs").write_text("no folder")
    return bed.up("--runs", str(bed.folder / "runs"))


def _audit_in_the_way(bed: Bed) -> Done:
    (bed.folder / "audit").write_text("no folder")
    return bed.up(variables={"GPUPLANE_AUDIT": str(bed.folder / "audit")})


def _backend_gone(bed: Bed) -> Done:
    return bed.up(variables={"PULUMI_BACKEND_URL": f"file://{bed.folder}/not-mounted"})


def _two_at_once(bed: Bed) -> Done:
    first, second = bed.start("--wait-for-lock", "150"), bed.start("--wait-for-lock", "150")
    one, other = first.end(), second.end()
    assert one.status == 0, one.said
    return other


def _the_first_of_two_is_killed(bed: Bed) -> Done:
    hold = Hold(done=True)

    def rule(request: Request) -> Hold | None:
        return hold if request.write and "/resourcequotas" in request.path and not hold.reached.is_set() else None
    bed.proxy.rule = rule
    first = bed.start()
    assert hold.reached.wait(90)
    second = bed.start("--wait-for-lock", "150")
    second.wait_for("waits for")
    first.kill()
    hold.released.set()
    first.end()
    return second.end()


def _old_pulumi(bed: Bed) -> Done:
    return bed.up(variables={"PATH": f"{_program(bed, 'pulumi', 'echo v3.1.0')}:{bed.variables['PATH']}"})


def _broken_pulumi(bed: Bed) -> Done:
    return bed.up(variables={"PATH": f"{_program(bed, 'pulumi', 'exit 134')}:{bed.variables['PATH']}"})


def _program(bed: Bed, name: str, line: str) -> Path:
    folder = bed.folder / "bin"
    folder.mkdir()
    (folder / name).write_text(f"#!/bin/sh\n{line}\n")
    (folder / name).chmod(0o755)
    return folder


def _plugins_gone(bed: Bed) -> Done:
    return bed.up(variables={"PULUMI_HOME": str(bed.folder / "no-plugins"), "HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"})


CASES = (
    Case("the state is truncated", cut_to(0.5), FAILED, RESTORE, prepare=_copied, heal=_restored, applied=True),
    Case("the state is empty", cut_to(0), FAILED, RESTORE, prepare=_keep, heal=_put_back, applied=True),
    Case("the state is garbage", _garbage, FAILED, RESTORE, prepare=_keep, heal=_put_back, applied=True),
    Case("the state is of a newer version", _newer, FAILED, ("newer Pulumi",), prepare=_keep, heal=_put_back, applied=True),
    Case("the file beside the state was cut off", _attributes_cut_off, GOOD, prepare=more_quota, applied=True),
    Case("the state is lost", _lost, FAILED, ("already exists", "gpuplane adopt local"), heal=_adopted, applied=True),
    Case("the state is stale", _stale, FAILED, ("already exists", "gpuplane adopt local"), heal=_adopted, applied=True),
    Case("the passphrase is wrong", _wrong_passphrase, FAILED, ("PULUMI_CONFIG_PASSPHRASE",), prepare=more_quota, applied=True),
    Case("there is no passphrase", _no_passphrase, WRONG, ("PULUMI_CONFIG_PASSPHRASE",)),
    Case("the lock of a process that is gone", locked_by_a_child, GOOD, ("is gone", "taking its lock away")),
    Case("the lock of another machine of this name", locked(lock_of(socket.gethostname(), 2 ** 22 + 1)), FAILED,
         (f"ci@{socket.gethostname()}", "--take-over-lock"), heal=_unlock),
    Case("the lock of another machine", locked(lock_of("another-machine", 1)), FAILED, ("ci@another-machine", "--take-over-lock"),
         heal=_unlock),
    Case("a lock file that was cut off", locked(lambda _: '{"pid": 12'), FAILED, ("pulumi cancel",), heal=_unlock),
    Case("the disk is full before anything is applied", small_files(24), FAILED, ("Make room", "Nothing was applied"), prepare=more_quota,
         applied=True),
    Case("the disk ends while the state is written", _disk_ends, FAILED, CUT_OFF,
         prepare=second_service, after=is_cut_off, heal=kept_is_restored, next_says=NOT_WRITTEN,
         applied=True),
    Case("there is no temporary folder", _no_tmp, GOOD),
    Case("the record of the run cannot be written", _records_in_the_way, WRONG, ("--runs",)),
    Case("the audit cannot be written", _audit_in_the_way, WRONG, ("GPUPLANE_AUDIT",)),
    Case("the backend is not there", _backend_gone, FAILED | WRONG, ("not-mounted",)),
    Case("two runs at once", _two_at_once, GOOD),
    Case("the first of two runs is killed while the second waits", _the_first_of_two_is_killed, GOOD, ("taking its lock away",)),
    Case("a Pulumi that is too old", _old_pulumi, WRONG, ("pulumi",)),
    Case("a Pulumi that does not run", _broken_pulumi, WRONG, ("cannot be used",)),
    Case("plugins that are gone, and no network to fetch them", _plugins_gone, FAILED, ("plugin",)),
)
