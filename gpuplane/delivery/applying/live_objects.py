"""Kubernetes objects as they are on the environment's cluster right now."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from gpuplane.delivery.exit_status import EngineFailed
from gpuplane.spec.environment_spec import EnvironmentSpec

_TIMEOUT_SECONDS = 30


def read(spec: EnvironmentSpec, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """The live object that a manifest names; None where it, or its kind, is not there.

    Raises:
        EngineFailed: the cluster cannot be asked.
    """
    from kubernetes.dynamic import exceptions

    metadata = wanted.get("metadata") or {}
    try:
        kind = client(spec.environment.spec.cluster.context).resources.get(api_version=wanted["apiVersion"], kind=wanted["kind"])
        place = {"namespace": metadata["namespace"]} if metadata.get("namespace") else {}
        found: dict[str, Any] = kind.get(name=metadata["name"], _request_timeout=_TIMEOUT_SECONDS, **place).to_dict()
    except (exceptions.NotFoundError, exceptions.ResourceNotFoundError):
        return None
    except Exception as error:
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        why = line if getattr(error, "status", None) else f"the API server cannot be reached: {line}"
        raise EngineFailed(f"{wanted.get('kind')} {metadata.get('name')} cannot be read from the cluster: {why}") from None
    return found


@cache
def client(context: str) -> Any:
    """A client of the API server that a context of the kubeconfig names."""
    from kubernetes import config, dynamic

    return dynamic.DynamicClient(config.new_client_from_config(context=context))
