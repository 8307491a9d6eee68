"""An etcd and an API server that a test may kill: plain processes on free ports, with the CRDs of the cluster that KUBECONFIG names.

Objects of those CRDs are stored and validated, and nobody acts on them: no Kueue, no KServe, no nodes. Namespaces and garbage are
looked after by the real controller manager.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import urllib3
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager")
TOKEN = "a-token-that-no-output-may-show"
_DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def missing() -> list[str]:
    """What is not there to run a control plane."""
    return [name for name in PROGRAMS if _program(name) is None]


def _program(name: str) -> str | None:
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    return shutil.which(name, path=os.pathsep.join(filter(None, (assets, os.environ.get("PATH")))))


class ControlPlane:
    """The processes, each of which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kubeconfig = folder / "kubeconfig"
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        (folder / "logs").mkdir(parents=True)
        self._etcd, self._peer, self._api, self._controllers = _free_ports(4)
        self._write_secrets()

    @property
    def server(self) -> str:
        """URL of the API server."""
        return f"https://127.0.0.1:{self._api}"

    @property
    def authority(self) -> Path:
        """Certificate that the API server made for itself."""
        return self.folder / "apiserver.crt"

    def up(self) -> None:
        """Start everything, and return when it answers."""
        for name in PROGRAMS[:2]:
            self.start(name)
        self.wait_ready()
        self.kubeconfig.write_text(json.dumps(kubeconfig(self.server, {"token": TOKEN}, self.authority)))
        self.start(PROGRAMS[2])

    def down(self) -> None:
        """Stop everything."""
        for name in tuple(reversed(self._running)):
            self.kill(name)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """End one process at once."""
        process = self._running.pop(name, None)
        if process is not None:
            process.send_signal(number)
            process.wait(20)

    def start(self, name: str) -> None:
        """Start one process, unless it runs."""
        if name in self._running:
            return
        with (self.folder / "logs" / name).open("ab") as log:
            self._running[name] = subprocess.Popen([_program(name) or name, *self._arguments(name)], stdout=log, stderr=log,
                                                   preexec_fn=_die_with_parent)

    def heal(self) -> None:
        """Start what does not run, and wait for it."""
        for name in PROGRAMS:
            if name in self._running and self._running[name].poll() is not None:
                del self._running[name]
            self.start(name)
        self.wait_ready()

    def wait_ready(self, seconds: float = 60) -> None:
        """Return once the API server says that it is ready."""
        wait_until(lambda: self.authority.exists() and self._is_ready(), "the API server is ready", seconds)

    def _is_ready(self) -> bool:
        with urllib3.PoolManager(ca_certs=str(self.authority), retries=False) as pool:
            try:
                return pool.request("GET", f"{self.server}/readyz", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=2).status == 200
            except urllib3.exceptions.HTTPError:
                return False

    def _write_secrets(self) -> None:
        key = rsa.generate_private_key(65537, 2048)
        (self.folder / "sa.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                               serialization.NoEncryption()))
        (self.folder / "tokens.csv").write_text(f'{TOKEN},admin,admin,"system:masters"\n')

    def _arguments(self, name: str) -> list[str]:
        at = self.folder
        if name == "etcd":
            mine, peer = f"http://127.0.0.1:{self._etcd}", f"http://127.0.0.1:{self._peer}"
            return [f"--data-dir={at / 'etcd'}", "--log-level=warn", f"--listen-client-urls={mine}", f"--advertise-client-urls={mine}",
                    f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}"]
        if name == "kube-apiserver":
            return [f"--etcd-servers=http://127.0.0.1:{self._etcd}", "--bind-address=127.0.0.1", f"--secure-port={self._api}",
                    f"--cert-dir={at}", f"--token-auth-file={at / 'tokens.csv'}", "--authorization-mode=RBAC", "--endpoint-reconciler-type=none",
                    "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={at / 'sa.key'}",
                    f"--service-account-signing-key-file={at / 'sa.key'}", "--service-cluster-ip-range=10.96.0.0/16", "--profiling=false"]
        return [f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--bind-address=127.0.0.1", f"--secure-port={self._controllers}",
                "--controllers=namespace-controller,garbage-collector-controller,serviceaccount-controller,resourcequota-controller",
                "--kube-api-qps=200",
                "--kube-api-burst=300"]


def kubeconfig(server: str, user: dict[str, str], authority: Path | None = None) -> dict[str, Any]:
    """A kubeconfig of one context, ``test``."""
    cluster = {"server": server, **({"certificate-authority": str(authority)} if authority else {})}
    return {"apiVersion": "v1", "kind": "Config", "current-context": "test", "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": user}], "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}]}


def custom_resource_definitions(config_file: str | None = None) -> list[dict[str, Any]]:
    """Those of a cluster, ready for another one: nobody converts there."""
    from kubernetes import client, config

    api = config.new_client_from_config(config_file=config_file)
    found = client.ApiextensionsV1Api(api).list_custom_resource_definition()
    return [_bare(one) for one in api.sanitize_for_serialization(found)["items"]]


def _bare(definition: dict[str, Any]) -> dict[str, Any]:
    spec = {key: value for key, value in definition["spec"].items() if key != "conversion"}
    kept = {key: value for key, value in (definition["metadata"].get("annotations") or {}).items() if key.startswith("api-approved")}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": spec,
            "metadata": {"name": definition["metadata"]["name"], "annotations": kept}}


def install(definitions: list[dict[str, Any]], config_file: str) -> None:
    """Create CRDs, and return when all are served."""
    from kubernetes import client, config

    api = client.ApiextensionsV1Api(config.new_client_from_config(config_file=config_file))
    for definition in definitions:
        api.create_custom_resource_definition(definition)
    wait_until(lambda: all(_established(one) for one in api.list_custom_resource_definition().items), "the CRDs are served")


def _established(definition: Any) -> bool:
    return any(one.type == "Established" and one.status == "True" for one in definition.status.conditions or ())


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Return once the condition holds.

    Raises:
        AssertionError: it does not in time.
    """
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGKILL)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
