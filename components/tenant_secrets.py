"""A tenant's secrets by reference: one SecretStore with its own identity, one ExternalSecret a secret.

No value ever passes through here: the External Secrets Operator reads the store inside the cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, child_options, metadata
from gpuplane.components.secret_stores import StoreArgs

API_VERSION = "external-secrets.io/v1"


@dataclass(frozen=True)
class RemoteArgs:
    """Where a value lies: key and, in a JSON secret, property."""

    key: str
    property: str | None = None


@dataclass(frozen=True)
class SecretArgs:
    """A Secret to be filled: key in the Secret to its place in the store, looked at again every ``refresh_seconds``."""

    name: str
    store: str
    data: Mapping[str, RemoteArgs]
    refresh_seconds: int = 3600


@dataclass(frozen=True)
class TenantSecretsArgs:
    """Stores by name, and the secrets read from them."""

    stores: Mapping[str, StoreArgs]
    secrets: tuple[SecretArgs, ...]


def reader_account(store: str) -> str:
    """Name of the service account that a tenant's store is read as."""
    return f"{store}-reader"


class TenantSecrets(pulumi.ComponentResource):
    """SecretStores and ExternalSecrets of one namespace."""

    def __init__(self, name: str, namespace: str, args: TenantSecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:TenantSecrets", name, {"namespace": namespace}, opts)
        self._opts = child_options(self, opts)
        stores = {store: self._store(store, namespace, args.stores[store]) for store in sorted(args.stores)}
        for secret in args.secrets:
            KubernetesObject(f"{namespace}-{secret.name}", {
                "apiVersion": API_VERSION, "kind": "ExternalSecret", "metadata": metadata(secret.name, namespace),
                "spec": {"refreshPolicy": "Periodic", "refreshInterval": _interval(secret.refresh_seconds),
                         "secretStoreRef": {"name": secret.store, "kind": "SecretStore"},
                         "target": {"name": secret.name, "creationPolicy": "Owner"}, "data": _data(secret)}},
                pulumi.ResourceOptions.merge(self._opts, pulumi.ResourceOptions(depends_on=[stores[secret.store]])))
        self.register_outputs({})

    def _store(self, name: str, namespace: str, args: StoreArgs) -> KubernetesObject:
        account = reader_account(name)
        reader = KubernetesObject(f"{namespace}-{account}", {
            "apiVersion": "v1", "kind": "ServiceAccount", "automountServiceAccountToken": False,
            "metadata": metadata(account, namespace, annotations=args.annotations)}, self._opts)
        return KubernetesObject(f"{namespace}-{name}", {
            "apiVersion": API_VERSION, "kind": "SecretStore", "metadata": metadata(name, namespace),
            "spec": {"provider": dict(args.provider(account))}},
            pulumi.ResourceOptions.merge(self._opts, pulumi.ResourceOptions(depends_on=[reader])))


def _interval(seconds: int) -> str:
    """A duration as the API server writes it back, so that nothing seems to change: ``1h0m0s``."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _data(secret: SecretArgs) -> list[dict[str, Any]]:
    return [{"secretKey": key, "remoteRef": {"key": remote.key, **({"property": remote.property} if remote.property else {})}}
            for key, remote in sorted(secret.data.items())]
