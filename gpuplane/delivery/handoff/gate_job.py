"""The gate in the cluster: a Job that judges the repository's manifests again before an engine applies them."""

from __future__ import annotations

from typing import Any

from gpuplane.components.tenant_network import NAMESPACE_NAME, dns_egress
from gpuplane.spec.delivered_by import Gate, GitSource

NAME = "gpuplane-gate"
_SCRIPT = """\
set -eu
if [ -f /credentials/identity ]; then
  export GIT_SSH_COMMAND="ssh -i /credentials/identity -o UserKnownHostsFile=/credentials/known_hosts -o StrictHostKeyChecking=yes"
elif [ -f /credentials/password ]; then
  export GIT_ASKPASS=/tmp/askpass
  printf '#!/bin/sh\\ncase "$1" in User*) cat /credentials/username ;; *) cat /credentials/password ;; esac\\n' > "$GIT_ASKPASS"
  chmod 0700 "$GIT_ASKPASS"
fi
git clone --quiet --depth 1 --branch "$REVISION" -- "$REPOSITORY" /checkout/repository
cd /checkout/repository
if [ -n "$ENVIRONMENTS" ]; then
  exec gpuplane render "$ENVIRONMENT" --verify "$RENDERED" --environments "$ENVIRONMENTS" --part "$PART" --digest "$DIGEST"
fi
exec gpuplane render --verify "$RENDERED" --part "$PART" --digest "$DIGEST"
"""
"""Nothing of the repository is part of the script: names come as variables."""


def gate_surroundings(gate: Gate, dns_cidr: str | None) -> dict[str, dict[str, Any]]:
    """The namespace that gates run in, under the restricted Pod Security Standard, and its borders; by file name."""
    found = {"namespace.yaml": {"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": gate.namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}}
    policies: dict[str, list[dict[str, Any]]] = {"allow-dns": dns_egress(dns_cidr)}
    for rule in gate.egress:
        peer = {"ipBlock": {"cidr": rule.cidr}} if rule.cidr else {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: rule.namespace}}}
        policies[f"egress-{rule.name}"] = [{"to": [peer], "ports": [{"port": port, "protocol": "TCP"} for port in sorted(rule.ports)]}]
    found["networkpolicy-default-deny.yaml"] = _policy(gate, "default-deny", {"policyTypes": ["Ingress", "Egress"]})
    for name, egress in policies.items():
        found[f"networkpolicy-{name}.yaml"] = _policy(gate, name, {"policyTypes": ["Egress"], "egress": egress})
    return found


def _policy(gate: Gate, name: str, rules: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name, "namespace": gate.namespace},
            "spec": {"podSelector": {}, **rules}}


def gate_job(gate: Gate, source: GitSource, environment: str, part: str, digest: str, name: str,
             annotations: dict[str, str]) -> dict[str, Any]:
    """The Job.

    Args:
        part: whose manifests are to be applied: ``platform``, ``tenants/<tenant>``, or ``.`` for everything.
        digest: of the part as it was rendered: another commit than the engine's has another, and the gate stays shut.
        name: of the Job, at most 63 characters.
        annotations: by which the engine knows when to run it.
    """
    variables = {"ENVIRONMENT": environment, "REPOSITORY": source.url, "REVISION": source.revision, "RENDERED": source.path,
                 "ENVIRONMENTS": gate.environments or "", "PART": part, "DIGEST": digest, "HOME": "/tmp"}  # noqa: S108 a pod's own
    return {
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": name, "namespace": gate.namespace, "labels": {"app.kubernetes.io/name": NAME},
                     **({"annotations": annotations} if annotations else {})},
        "spec": {"backoffLimit": 3, "activeDeadlineSeconds": 900, "template": {
            "metadata": {"labels": {"app.kubernetes.io/name": NAME}}, "spec": _pod(gate, variables)}}}


def _pod(gate: Gate, variables: dict[str, str]) -> dict[str, Any]:
    """A pod that may nothing: no token, no root, no writable image."""
    sizes = {"checkout": "2Gi", "tmp": "1Gi"}
    volumes: list[dict[str, Any]] = [{"name": name, "emptyDir": {"sizeLimit": size}} for name, size in sizes.items()]
    mounts = [{"name": "checkout", "mountPath": "/checkout"}, {"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108 a pod's own
    if gate.credentials_secret is not None:
        volumes.append({"name": "credentials", "secret": {"secretName": gate.credentials_secret, "defaultMode": 0o440}})
        mounts.append({"name": "credentials", "mountPath": "/credentials", "readOnly": True})  # type: ignore[dict-item]
    amounts = {"cpu": "1", "memory": "2Gi"}
    return {
        "restartPolicy": "Never", "automountServiceAccountToken": False, "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532,
                            "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{
            "name": "gate", "image": gate.image, "command": ["/bin/sh", "-c", _SCRIPT],
            "env": [{"name": key, "value": variables[key]} for key in sorted(variables)],
            "resources": {"requests": amounts, "limits": amounts}, "volumeMounts": mounts,
            "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}}],
        "volumes": volumes}
