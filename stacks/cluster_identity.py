"""Is this kubeconfig's cluster the one that the environment means? Asked before the first write.

A cluster that was there before is known by the UID of its namespace ``kube-system``, which ``environment.yaml`` pins. One that
gpuplane created is known by what its stack exports: its endpoint and certificate authority (docs/adr/0032).
"""

from __future__ import annotations

import base64
from pathlib import Path

import pulumi

from gpuplane.spec.environment_spec import EnvironmentSpec

ENDPOINT, CERTIFICATE_AUTHORITY = "cluster_endpoint", "cluster_certificate_authority"
"""Outputs of the stack that creates a cluster."""
_TIMEOUT_SECONDS = 10


def require_pinned(spec: EnvironmentSpec, layer: str) -> None:
    """Return only if the layer's cluster is the pinned one; the cluster layer talks to no cluster.

    Raises:
        pulumi.RunError: the context is missing, the cluster cannot be reached, or it is another one.
    """
    if layer == "cluster":
        return
    problem = mismatch(spec)
    if problem is not None:
        raise pulumi.RunError(f"{problem} Nothing is registered.")


def mismatch(spec: EnvironmentSpec) -> str | None:
    """Why the kubeconfig's cluster is not the environment's, in one sentence; None if it is."""
    from kubernetes import client, config

    pinned = spec.environment.spec.cluster
    place = spec.places[("Environment", spec.name)]
    problem = _no_context(spec)
    if problem is not None:
        return problem
    try:
        api = client.CoreV1Api(config.new_client_from_config(context=pinned.context))
        found = api.read_namespace("kube-system", _request_timeout=_TIMEOUT_SECONDS).metadata.uid
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return f'{_where(spec)}: the cluster of context "{pinned.context}" cannot be read: {reason}.'
    if pinned.kube_system_uid is not None and found != pinned.kube_system_uid:
        return (f"{place.file}:{place.line('spec.cluster.kube_system_uid')} spec.cluster.kube_system_uid: context "
                f'"{pinned.context}" is the cluster {found}, not {pinned.kube_system_uid}. Use the right kubeconfig.')
    return None


def created_mismatch(spec: EnvironmentSpec, endpoint: str, certificate_authority: str) -> str | None:
    """The same of a cluster that gpuplane created, by what its stack exports; the cluster is not asked anything.

    The connection proves the rest: to a server without the key that this authority signed, nothing is written.

    Args:
        endpoint: URL of the API server.
        certificate_authority: its certificate, in base64.
    """
    from kubernetes import config

    problem = _no_context(spec)
    if problem is not None:
        return problem
    cluster, home = spec.environment.spec.cluster, spec.stack_name("cluster")
    again = f"`aws eks update-kubeconfig --name {cluster.name} --alias {cluster.context}` writes the right one."
    try:
        found = config.new_client_from_config(context=cluster.context).configuration
    except (config.ConfigException, OSError) as error:
        return f'{_where(spec)}: context "{cluster.context}" cannot be used: {error}. {again}'
    if found.host.rstrip("/") != endpoint.rstrip("/"):
        return (f'{_where(spec)}: context "{cluster.context}" leads to {found.host}, but the cluster that {home} created is at {endpoint}. '
                f"{again} Where it is reached by another address, pin kube_system_uid.")
    if not found.verify_ssl or _authority(found.ssl_ca_cert) != base64.b64decode(certificate_authority).strip():
        return (f'{_where(spec)}: context "{cluster.context}" does not demand the certificate authority of the cluster that {home} '
                f"created: somebody else could answer. {again}")
    return None


def _authority(file: str | None) -> bytes:
    return Path(file).read_bytes().strip() if file else b""


def _no_context(spec: EnvironmentSpec) -> str | None:
    from kubernetes import config

    context, where = spec.environment.spec.cluster.context, _where(spec)
    try:
        contexts = [entry["name"] for entry in config.list_kube_config_contexts()[0]]
    except config.ConfigException as error:
        return f"{where}: there is no usable kubeconfig ({error}). Set KUBECONFIG."
    if context not in contexts:
        there = ", ".join(sorted(contexts)) or "none"
        return f'{where}: the kubeconfig has no context "{context}"; it has: {there}. Correct one of the two.'
    return None


def _where(spec: EnvironmentSpec) -> str:
    place = spec.places[("Environment", spec.name)]
    return f"{place.file}:{place.line('spec.cluster.context')} spec.cluster.context"
