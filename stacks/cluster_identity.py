"""Is this kubeconfig's cluster the one that the environment pins? Asked before the first write."""

from __future__ import annotations

import pulumi

from gpuplane.spec.environment_spec import EnvironmentSpec

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
    where = f"{place.file}:{place.line('spec.cluster.context')} spec.cluster.context"
    try:
        contexts = [entry["name"] for entry in config.list_kube_config_contexts()[0]]
    except config.ConfigException as error:
        return f"{where}: there is no usable kubeconfig ({error}). Set KUBECONFIG."
    if pinned.context not in contexts:
        there = ", ".join(sorted(contexts)) or "none"
        return f'{where}: the kubeconfig has no context "{pinned.context}"; it has: {there}. Correct one of the two.'
    try:
        api = client.CoreV1Api(config.new_client_from_config(context=pinned.context))
        found = api.read_namespace("kube-system", _request_timeout=_TIMEOUT_SECONDS).metadata.uid
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return f'{where}: the cluster of context "{pinned.context}" cannot be read: {reason}.'
    if pinned.kube_system_uid is not None and found != pinned.kube_system_uid:
        return (f"{place.file}:{place.line('spec.cluster.kube_system_uid')} spec.cluster.kube_system_uid: context "
                f'"{pinned.context}" is the cluster {found}, not {pinned.kube_system_uid}. Use the right kubeconfig.')
    return None
