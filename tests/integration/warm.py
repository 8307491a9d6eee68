"""The command line in a process that has loaded it already: what is run is the same, only its imports are not paid for every time.

A server imports everything once. Each call is a fork of it with the caller's arguments, variables, folder and streams, which ends when the
command ends; nothing of one call is left for the next. What is killed, or has to be a process of its own, is started the usual way.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_LOADED = ("gpuplane.cli", "gpuplane.delivery.preview", "gpuplane.delivery.formats", "gpuplane.delivery.applying.up", "kserve",
           "gpuplane.delivery.applying.destroy", "gpuplane.delivery.applying.drift_report", "pulumi_kubernetes", "gpuplane.catalog",
           "gpuplane.delivery.pulumi_engine", "gpuplane.delivery.handoff.own_layers", "kubernetes.dynamic")


class WarmGpuplane:
    """The server, for as long as a session of tests lasts."""

    def __init__(self, folder: Path) -> None:
        self._address = folder / "socket"
        self._process = subprocess.Popen([sys.executable, "-m", __name__, str(self._address)], cwd=ROOT, stdin=subprocess.PIPE,
                                         env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"})
        end = time.monotonic() + 120
        while not self._address.exists():
            assert self._process.poll() is None, "the command line cannot be loaded"
            assert time.monotonic() < end, "the command line is not loaded within two minutes"
            time.sleep(0.1)

    def run(self, arguments: Sequence[str], variables: Mapping[str, str], folder: Path, seconds: float) -> subprocess.CompletedProcess[str]:
        """Run ``gpuplane``; it may take ``seconds``."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, socket.socket(socket.AF_UNIX) as line, Path(os.devnull).open() as none:
            line.settimeout(seconds)
            line.connect(str(self._address))
            call = json.dumps({"arguments": list(arguments), "variables": dict(variables), "folder": str(folder)}).encode()
            socket.send_fds(line, [len(call).to_bytes(4, "big")], [none.fileno(), out.fileno(), err.fileno()])
            line.sendall(call)
            said = line.recv(1)
            out.seek(0)
            err.seek(0)
            texts = out.read().decode(), err.read().decode()
        assert said, f"{arguments}: it ended without a status\n{texts[1]}"
        return subprocess.CompletedProcess(list(arguments), said[0], *texts)

    def close(self) -> None:
        """End the server."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def _serve(address: Path) -> None:
    """Take calls until whoever started this is gone."""
    import importlib

    for name in _LOADED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        new = address.with_suffix(".new")
        server.bind(str(new))
        server.listen(8)
        new.rename(address)
        while sys.stdin not in select.select([server, sys.stdin], [], [])[0]:
            line, _ = server.accept()
            with line:
                if os.fork() == 0:
                    server.close()
                    _answer(line)


def _answer(line: socket.socket) -> None:
    status = 70
    try:
        head, streams, _, _ = socket.recv_fds(line, 4, 3)
        call = json.loads(line.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL))
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        status = _run(call)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        line.sendall(bytes([status]))
        os._exit(0)


def _run(call: Mapping[str, object]) -> int:
    from kubernetes.config import kube_config

    from gpuplane.cli import main

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    variables, arguments = call["variables"], call["arguments"]
    assert isinstance(variables, dict)
    assert isinstance(arguments, list)
    os.environ.clear()
    os.environ.update(variables)
    kube_config.KUBE_CONFIG_DEFAULT_LOCATION = os.environ.get("KUBECONFIG", "~/.kube/config")  # read once, when it is imported
    os.chdir(str(call["folder"]))
    tempfile.tempdir = None
    random.seed()
    sys.argv = ["gpuplane", *arguments]
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
