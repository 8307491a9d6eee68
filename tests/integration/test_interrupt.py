"""Ctrl-C in the middle of an apply: the state is closed in good order, and the next ``up`` goes on from there."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.integration.cluster import wait_for
from tests.integration.work import ROOT, Work

pytestmark = pytest.mark.integration


def test_an_interrupted_up_can_be_gone_on_with(work: Work) -> None:
    work.gpuplane("up", "local", "--layer", "platform")
    log = work.folder / "interrupted.log"
    command = [sys.executable, "-m", "gpuplane", "up", "local", "--layer", "tenants", "--environments", str(work.environments)]
    with log.open("w") as sink, subprocess.Popen(command, cwd=ROOT, env=work.variables, stderr=sink, stdout=sink) as process:
        wait_for(lambda: "created" in log.read_text(), "the first object is created")
        process.send_signal(signal.SIGINT)
        status = process.wait(120)
    total = len([one for one in work.planned() if one["metadata"].get("namespace") or one["kind"] in ("Namespace", "ClusterQueue")])
    done_before = work.state_resources()

    again = work.gpuplane("up", "local")

    assert status == 3, log.read_text()
    assert "run the command again to go on" in log.read_text()
    assert "pending" not in again.stderr
    assert "created" in again.stderr
    assert done_before < work.state_resources()
    assert total > 0
    assert [one for one in work.planned() if not work.exists(one)] == []
