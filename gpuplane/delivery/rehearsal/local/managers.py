"""Kueue's controller and KServe's two as processes beside a local control plane, where their programs are there."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from gpuplane.delivery.rehearsal.local.control_plane import LocalControlPlane
from gpuplane.delivery.rehearsal.local.manifests import Hook, Manifests
from gpuplane.delivery.rehearsal.local.processes import free_ports
from gpuplane.delivery.rehearsal.local.programs import MANAGERS, program

KUEUE, KSERVE = "kueue.x-k8s.io", "serving.kserve.io"
KUEUE_MANAGER, KSERVE_MANAGER, LLM_MANAGER = MANAGERS
KUEUE_SETTINGS, KSERVE_SETTINGS = "kueue-manager-config", "inferenceservice-config"
"""ConfigMaps, as the projects' releases call them."""
_FRAMEWORKS = ("batch/job", "pod", "deployment", "statefulset")


_LLM = "llminferenceservice"
"""How the names of all begin that KServe's second controller looks after."""


@dataclass(frozen=True)
class Role:
    """What a controller looks after.

    Attributes:
        group: API group of its kinds.
        serves: the one kind of them that people write, without which it has nothing to do.
        words: what its webhooks and CRDs are known by.
        others: what names begin with of the group that another controller looks after.
        needs: a ConfigMap without which it ends.
    """

    group: str
    serves: str
    words: str
    others: str = ""
    needs: str = ""


ROLES: Mapping[str, Role] = MappingProxyType({
    KUEUE_MANAGER: Role(KUEUE, "ClusterQueue", "kueue"),
    KSERVE_MANAGER: Role(KSERVE, "InferenceService", KSERVE, "llm", KSERVE_SETTINGS),
    LLM_MANAGER: Role(KSERVE, "LLMInferenceService", _LLM, needs=KSERVE_SETTINGS)})


@dataclass(frozen=True)
class Manager:
    """A controller that can run here: its program and its ports."""

    name: str
    webhook_port: int
    health_port: int

    @property
    def role(self) -> Role:
        """What it looks after."""
        return ROLES[self.name]


def managers_here(manifests: Manifests) -> tuple[tuple[Manager, ...], Mapping[str, str]]:
    """Controllers that can run, and why others cannot, by name."""
    found, missing = list[Manager](), dict[str, str]()
    for name, role in ROLES.items():
        if not manifests.serves(role.group, role.serves):
            missing[name] = f"no CRD of {role.serves} of {role.group} (--crds)"
        elif program(name) is None:
            missing[name] = f"no {name} in KUBEBUILDER_ASSETS or on PATH"
        elif role.needs and manifests.setting(role.needs) is None:
            missing[name] = f"no ConfigMap {role.needs} (--crds)"
        else:
            found.append(Manager(name, *free_ports(2)))
    return tuple(found), missing


def hooks_of(managers: Sequence[Manager], folder: Path) -> tuple[Hook, ...]:
    """Where their webhooks are called, with a certificate that is made for them."""
    if not managers:
        return ()
    bundle = base64.b64encode(certificate(folder / "hooks")).decode()
    return tuple(Hook(one.role.group, one.role.words, one.role.others, one.webhook_port, bundle) for one in managers)


def settings_here(body: dict[str, Any]) -> dict[str, Any]:
    """A controller's ConfigMap as it is wanted here: KServe makes Deployments and no ingress, for nothing here would serve one."""
    data = {key: value for key, value in (body.get("data") or {}).items() if key != "_example"}
    if body["metadata"]["name"] == KSERVE_SETTINGS:
        ingress = json.loads(data.get("ingress") or "{}")
        ingress |= {"disableIngressCreation": True, "enableGatewayApi": False, "disableIstioVirtualHost": True}
        data |= {"deploy": json.dumps({"defaultDeploymentMode": "Standard"}), "ingress": json.dumps(ingress)}
    metadata = {"name": body["metadata"]["name"], "namespace": body["metadata"].get("namespace", "default")}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def start(manager: Manager, plane: LocalControlPlane, manifests: Manifests, kueue: Mapping[str, Any]) -> None:
    """Start one.

    Args:
        kueue: fields of Kueue's Configuration, over those of the manifests; None: the field is not there.
    """
    certificates, kubeconfig = plane.folder / "hooks", f"--kubeconfig={plane.kubeconfig_of(manager.name)}"
    if manager.name == KUEUE_MANAGER:
        file = plane.folder / "kueue.json"
        file.write_text(json.dumps(_kueue(manager, manifests, certificates, kueue)))
        plane.processes.start(manager.name, [f"--config={file}", kubeconfig])
        return
    # KServe's look for their certificate below TMPDIR, where controller-runtime has it unless told otherwise.
    home = plane.folder / manager.name
    (home / "k8s-webhook-server").mkdir(parents=True)
    (home / "k8s-webhook-server" / "serving-certs").symlink_to(certificates)
    plane.processes.start(manager.name, [kubeconfig, "--metrics-addr=0", f"--webhook-port={manager.webhook_port}", "--leader-elect=false",
                                         f"--health-probe-addr=127.0.0.1:{manager.health_port}"],
                          {"TMPDIR": str(home), "POD_NAMESPACE": "kserve"})


def _kueue(manager: Manager, manifests: Manifests, certificates: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Kueue's configuration: its release's, or a plain one; ports and certificates are this machine's."""
    given = manifests.setting(KUEUE_SETTINGS)
    text = (given.get("data") or {}).get("controller_manager_config.yaml", "") if given is not None else ""
    versions = {version["name"] for one in manifests.definitions if one["spec"]["group"] == KUEUE for version in one["spec"]["versions"]}
    plain = {"apiVersion": f"config.kueue.x-k8s.io/{'v1beta2' if 'v1beta2' in versions else 'v1beta1'}", "kind": "Configuration",
             "namespace": "kueue-system", "clientConnection": {"qps": 300, "burst": 500}, "integrations": {"frameworks": list(_FRAMEWORKS)}}
    found: dict[str, Any] = yaml.safe_load(text) or plain
    found = {key: value for key, value in {**found, **settings}.items() if value is not None}
    gates = {**(found.get("featureGates") or {}), "VisibilityOnDemand": False}  # an aggregated API needs a Service that leads here
    return found | {"health": {"healthProbeBindAddress": f"127.0.0.1:{manager.health_port}"}, "metrics": {"bindAddress": "0"},
                    "webhook": {"host": "127.0.0.1", "port": manager.webhook_port, "certDir": str(certificates)},
                    "leaderElection": {"leaderElect": False}, "internalCertManagement": {"enable": False}, "featureGates": gates}


def certificate(folder: Path) -> bytes:
    """Write a certificate of 127.0.0.1 that stands for itself; a day is more than any rehearsal takes."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gpuplane rehearsal")])
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256()))
    folder.mkdir(mode=0o700)
    text = made.public_bytes(serialization.Encoding.PEM)
    (folder / "tls.crt").write_bytes(text)
    (folder / "tls.key").touch(0o600)
    (folder / "tls.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                       serialization.NoEncryption()))
    return text
