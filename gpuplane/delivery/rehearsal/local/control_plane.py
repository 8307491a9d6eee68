"""etcd, an API server and the core's own controllers, as plain processes on free ports of this machine, with keys of their own."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from gpuplane.delivery.exit_status import EngineFailed
from gpuplane.delivery.rehearsal.local.processes import Processes, free_ports

CORE = ("etcd", "kube-apiserver", "kube-controller-manager")
_READY_SECONDS = 90.0
_USERS = {"kube-controller-manager": "system:kube-controller-manager", "kube-scheduler": "system:kube-scheduler", "kwok": "kwok",
          "kueue-manager": "system:serviceaccount:kueue-system:kueue-controller-manager",
          "kserve-manager": "system:serviceaccount:kserve:kserve-controller-manager",
          "kserve-llmisvc": "system:serviceaccount:kserve:llmisvc-controller-manager"}
"""Who each program is: policies tell controllers from tenants by that. Their rights are an administrator's."""
_STAGES = Path(__file__).with_name("stages.yaml")
_MANAGED = "kwok.x-k8s.io/node=fake"
"""Nodes that kwok looks after."""


class LocalControlPlane:
    """The processes of one control plane.

    Attributes:
        kubeconfig: its administrator's.
        context: of the kubeconfigs.
        token: the administrator's.
        processes: what runs.
    """

    programs: tuple[str, ...] = (*CORE, "kube-scheduler", "kwok")
    controllers = "*,-bootstrap-signer-controller,-token-cleaner-controller"
    context, token = "local", ""

    def __init__(self, folder: Path) -> None:
        """A control plane in a folder, which is there and empty."""
        self.folder, self.kubeconfig = folder, folder / "kubeconfig"
        self.processes = Processes(folder)
        self.token = self.token or secrets.token_urlsafe(24)
        names = ("etcd", "peer", *self.programs[1:])
        self._ports = dict(zip(names, free_ports(len(names)), strict=True))
        self._tokens = {name: secrets.token_urlsafe(24) for name in _USERS}
        self._write_secrets()

    @property
    def server(self) -> str:
        """URL of the API server."""
        return f"https://127.0.0.1:{self._ports['kube-apiserver']}"

    @property
    def authority(self) -> Path:
        """Certificate that the API server made for itself."""
        return self.folder / "apiserver.crt"

    def up(self) -> None:
        """Start everything, and return when the API server answers.

        Raises:
            EngineFailed: it does not in time, or ended.
        """
        for name in self.programs[:2]:
            self.start(name)
        self.wait_ready()
        for name, token in {"": self.token, **self._tokens}.items():
            _write(self.kubeconfig_of(name), json.dumps(kubeconfig(self.server, {"token": token}, self.authority, self.context)).encode())
        for name in self.programs[2:]:
            self.start(name)

    def kubeconfig_of(self, name: str) -> Path:
        """The kubeconfig of a program."""
        return self.folder / f"{name}.kubeconfig" if name else self.kubeconfig

    def down(self) -> None:
        """End everything."""
        self.processes.end()

    def start(self, name: str) -> None:
        """Start one program, unless it runs."""
        self.processes.start(name, self._arguments(name))

    def wait_ready(self) -> None:
        """Return once the API server says that it is ready.

        Raises:
            EngineFailed: it does not in time, or ended.
        """
        wait_until(lambda: self.authority.exists() and self._is_ready(), "the API server is ready", self.processes)

    def _is_ready(self) -> bool:
        import urllib3

        headers = {"Authorization": f"Bearer {self.token}"}
        with urllib3.PoolManager(ca_certs=str(self.authority), retries=False, headers=headers) as pool:
            try:
                return pool.request("GET", f"{self.server}/readyz", timeout=2).status == 200
            except urllib3.exceptions.HTTPError:
                return False

    def _write_secrets(self) -> None:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        key = rsa.generate_private_key(65537, 2048)
        text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        users = {self.token: "admin", **{self._tokens[name]: user for name, user in _USERS.items()}}
        _write(self.folder / "sa.key", text)
        _write(self.folder / "tokens.csv", "".join(f'{token},{user},{user},"system:masters"\n' for token, user in users.items()).encode())

    def _arguments(self, name: str) -> list[str]:
        at, config = self.folder, f"--kubeconfig={self.kubeconfig_of(name)}"
        port = f"--secure-port={self._ports[name]}"
        if name == "etcd":
            mine, peer = (f"http://127.0.0.1:{self._ports[each]}" for each in ("etcd", "peer"))
            return [f"--data-dir={at / 'etcd'}", "--log-level=warn", f"--listen-client-urls={mine}", f"--advertise-client-urls={mine}",
                    f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}"]
        if name == "kube-apiserver":
            return [f"--etcd-servers=http://127.0.0.1:{self._ports['etcd']}", "--bind-address=127.0.0.1", port, f"--cert-dir={at}",
                    f"--token-auth-file={at / 'tokens.csv'}", "--authorization-mode=RBAC", "--endpoint-reconciler-type=none",
                    "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={at / 'sa.key'}",
                    f"--service-account-signing-key-file={at / 'sa.key'}", "--service-cluster-ip-range=10.96.0.0/16", "--profiling=false"]
        if name == "kwok":
            return [config, f"--config={_STAGES}", f"--manage-nodes-with-annotation-selector={_MANAGED}",
                    f"--server-address=127.0.0.1:{self._ports[name]}", "--node-lease-duration-seconds=120", "--node-ip=10.0.0.1",
                    "--cidr=10.244.0.0/16"]
        if name == "kube-scheduler":
            return [config, "--leader-elect=false", "--bind-address=127.0.0.1", port, f"--cert-dir={at}"]
        return [config, "--leader-elect=false", "--bind-address=127.0.0.1", port, f"--controllers={self.controllers}",
                f"--service-account-private-key-file={at / 'sa.key'}", f"--root-ca-file={self.authority}", f"--cert-dir={at}",
                "--kube-api-qps=200", "--kube-api-burst=300", "--node-monitor-grace-period=5m"]


def _write(path: Path, content: bytes) -> None:
    """A file that only its owner reads."""
    path.touch(0o600)
    path.write_bytes(content)


def kubeconfig(server: str, user: dict[str, str], authority: Path | None = None, name: str = "test") -> dict[str, Any]:
    """A kubeconfig of one context."""
    cluster = {"server": server, **({"certificate-authority": str(authority)} if authority else {})}
    return {"apiVersion": "v1", "kind": "Config", "current-context": name, "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": user}], "contexts": [{"name": name, "context": {"cluster": name, "user": name}}]}


def wait_until(condition: Callable[[], bool], what: str, processes: Processes, names: Collection[str] = CORE,
               seconds: float = _READY_SECONDS) -> None:
    """Return once something holds.

    Args:
        names: programs without which it will not.

    Raises:
        EngineFailed: it does not in time, or one of them has ended.
    """
    end = time.monotonic() + seconds
    while not condition():
        for name in (each for each in processes.ended() if each in names):
            raise EngineFailed(f"{name} ended: {processes.last_words(name)}")
        if time.monotonic() >= end:
            raise EngineFailed(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)
