"""Pods with seeded random security settings, written as people write them: left out, null, empty, inherited or taken back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

_LOCALHOST = {"type": "Localhost", "localhostProfile": "profiles/server.json"}
_SECCOMP = ({"type": "RuntimeDefault"}, {"type": "RuntimeDefault"}, _LOCALHOST, {"type": "Unconfined"})
_APPARMOR = ({"type": "RuntimeDefault"}, {"type": "Localhost", "localhostProfile": "server"}, {"type": "Unconfined"})
_SELINUX = ({"type": "container_t"}, {"type": "container_engine_t"}, {"level": "s0:c1,c2"}, {"type": "spc_t"}, {"user": "system_u"},
            {"role": "system_r"}, {})
_CAPABILITIES = ({"drop": ["ALL"]}, {"drop": ["ALL"]}, {"drop": ["ALL"]}, {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
                 {"drop": ["NET_RAW"]}, {"drop": ["all"]}, {"add": ["CHOWN"], "drop": ["ALL"]}, {"add": ["NET_ADMIN"]}, {"add": ["chown"]},
                 {"add": ["SYS_ADMIN"]}, {})
_VOLUMES: tuple[dict[str, Any], ...] = (
    {"emptyDir": {}}, {"emptyDir": None}, {}, {"configMap": {"name": "settings"}}, {"secret": {"secretName": "token"}},
    {"persistentVolumeClaim": {"claimName": "models"}}, {"downwardAPI": {"items": []}}, {"projected": {"sources": []}},
    {"csi": {"driver": "example.com"}}, {"image": {"reference": "models:1"}},
    {"ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}},
    {"hostPath": {"path": "/data"}}, {"nfs": {"server": "10.0.0.1", "path": "/models"}}, {"iscsi": {
        "targetPortal": "10.0.0.1", "iqn": "iqn.2001-04.com.example:storage", "lun": 0}})
_HANDLERS = ({"httpGet": {"port": 80}}, {"httpGet": {"port": 80, "host": ""}}, {"httpGet": {"port": 80, "host": "127.0.0.1"}},
             {"tcpSocket": {"port": 80}}, {"tcpSocket": {"port": 80, "host": "example.com"}}, {"exec": {"command": ["true"]}})


def random_pods(seed: int, sysctls: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Pods without end; each starts from one that level Restricted takes, and changes a few settings. Not all of them are valid."""
    chosen = random.Random(seed)
    number = 0
    while True:
        number += 1
        yield _pod(chosen, f"random-{number}", sysctls)


def _pod(chosen: random.Random, name: str, sysctls: tuple[str, ...]) -> dict[str, Any]:
    some = lambda share: chosen.random() < share  # noqa: E731
    spec: dict[str, Any] = {"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}}
    metadata: dict[str, Any] = {"name": name}
    context = spec["securityContext"]
    changes = {
        "runAsNonRoot": (True, False, None), "runAsUser": (0, 1000, None), "seccompProfile": (*_SECCOMP, None),
        "appArmorProfile": (*_APPARMOR, None), "seLinuxOptions": _SELINUX,
        "sysctls": tuple([{"name": sysctl, "value": "1"}] for sysctl in (*sysctls, "kernel.msgmax", "net.core.somaxconn"))}
    for field, values in changes.items():
        if some(0.15):
            context[field] = chosen.choice(values)
    for field in ("hostPID", "hostIPC", "hostNetwork", "hostUsers"):
        if some(0.06):
            spec[field] = chosen.choice((True, False, False))
    if some(0.05):
        spec["securityContext"] = chosen.choice((None, {}))
    spec["containers"] = [_container(chosen, f"c{index}") for index in range(chosen.choice((1, 1, 2)))]
    if some(0.3):
        spec["initContainers"] = [_container(chosen, "init", hooks=False)]
    if some(0.4):
        spec["volumes"] = [{"name": f"v{index}", **chosen.choice(_VOLUMES)} for index in range(2)]
    if some(0.1):
        value = chosen.choice(("runtime/default", "unconfined", "localhost/server"))
        metadata["annotations"] = {"container.apparmor.security.beta.kubernetes.io/c0": value}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _container(chosen: random.Random, name: str, hooks: bool = True) -> dict[str, Any]:
    some = lambda share: chosen.random() < share  # noqa: E731
    context: dict[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    changes = {
        "allowPrivilegeEscalation": (False, True, None), "capabilities": (*_CAPABILITIES, None), "runAsNonRoot": (True, False, None),
        "runAsUser": (0, 1000), "seccompProfile": (*_SECCOMP, None), "appArmorProfile": _APPARMOR, "seLinuxOptions": _SELINUX,
        "procMount": ("Default", "Unmasked"), "privileged": (True, False, False, None)}
    for field, values in changes.items():
        if some(0.1):
            context[field] = chosen.choice(values)
    found: dict[str, Any] = {"name": name, "image": "server", "securityContext": context}
    if some(0.05):
        found["securityContext"] = chosen.choice((None, {}))
    if some(0.15):
        found["ports"] = [{"containerPort": 8080, "hostPort": chosen.choice((0, 8080, None))}]
    if hooks and some(0.15):
        found[chosen.choice(("livenessProbe", "readinessProbe", "startupProbe"))] = chosen.choice(_HANDLERS)
    if hooks and some(0.1):
        found["lifecycle"] = {chosen.choice(("postStart", "preStop")): chosen.choice(_HANDLERS)}
    return found
