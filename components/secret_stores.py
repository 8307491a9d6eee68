"""Kinds of secret stores, as External Secrets Operator's ``SecretStore`` (v1) takes them; each is read with a tenant's own identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

SAME_CLUSTER_CA = "kube-root-ca.crt"
"""ConfigMap that the control plane keeps in every namespace: who signed the API server's certificate."""


class StoreArgs(Protocol):
    """What every kind of store says about itself."""

    @property
    def annotations(self) -> Mapping[str, str]:
        """Annotations by which the reader account takes an identity of the cloud."""

    def provider(self, account: str) -> Mapping[str, Any]:
        """``spec.provider``, read as the service account ``account`` of the same namespace."""


@dataclass(frozen=True)
class AwsStoreArgs:
    """AWS Secrets Manager, read with the role that the tenant's reader account assumes."""

    region: str
    role_arn: str

    @property
    def annotations(self) -> Mapping[str, str]:
        """The role."""
        return {"eks.amazonaws.com/role-arn": self.role_arn}

    def provider(self, account: str) -> Mapping[str, Any]:
        """By the account's own token."""
        return {"aws": {"service": "SecretsManager", "region": self.region, "auth": {"jwt": {"serviceAccountRef": {"name": account}}}}}


@dataclass(frozen=True)
class VaultStoreArgs:
    """Vault's key-value engine, version 2, read with one Vault role; ``ca_config_map`` has a ``ca.crt``."""

    server: str
    mount: str
    role: str
    auth_mount: str = "kubernetes"
    namespace: str | None = None
    ca_config_map: str | None = None

    @property
    def annotations(self) -> Mapping[str, str]:
        """None: Vault knows the account by its namespace and name."""
        return {}

    def provider(self, account: str) -> Mapping[str, Any]:
        """By a token that is made for Vault alone."""
        login = {"mountPath": self.auth_mount, "role": self.role, "serviceAccountRef": {"name": account, "audiences": ["vault"]}}
        optional = {"namespace": self.namespace, "caProvider": self.ca_config_map and {
            "type": "ConfigMap", "name": self.ca_config_map, "key": "ca.crt"}}
        return {"vault": {"server": self.server, "path": self.mount, "version": "v2", "auth": {"kubernetes": login},
                          **{key: value for key, value in optional.items() if value}}}


@dataclass(frozen=True)
class GcpStoreArgs:
    """Google Secret Manager's regional secrets, read as one Google service account."""

    project_id: str
    location: str
    cluster_name: str
    cluster_location: str
    service_account: str

    @property
    def annotations(self) -> Mapping[str, str]:
        """The Google service account."""
        return {"iam.gke.io/gcp-service-account": self.service_account}

    def provider(self, account: str) -> Mapping[str, Any]:
        """By GKE's Workload Identity."""
        identity = {"clusterLocation": self.cluster_location, "clusterName": self.cluster_name, "serviceAccountRef": {"name": account}}
        return {"gcpsm": {"projectID": self.project_id, "location": self.location, "auth": {"workloadIdentity": identity}}}


@dataclass(frozen=True)
class AzureStoreArgs:
    """One Azure Key Vault, read as one managed identity."""

    vault_url: str
    tenant_id: str
    client_id: str

    @property
    def annotations(self) -> Mapping[str, str]:
        """The managed identity and its directory."""
        return {"azure.workload.identity/client-id": self.client_id, "azure.workload.identity/tenant-id": self.tenant_id}

    def provider(self, account: str) -> Mapping[str, Any]:
        """By Workload Identity."""
        return {"azurekv": {"authType": "WorkloadIdentity", "vaultUrl": self.vault_url, "serviceAccountRef": {"name": account}}}


@dataclass(frozen=True)
class KubernetesStoreArgs:
    """Secrets of another namespace of the same cluster."""

    namespace: str

    @property
    def annotations(self) -> Mapping[str, str]:
        """None."""
        return {}

    def provider(self, account: str) -> Mapping[str, Any]:
        """By the account's own token, with the cluster's own authority."""
        server = {"caProvider": {"type": "ConfigMap", "name": SAME_CLUSTER_CA, "key": "ca.crt"}}
        return {"kubernetes": {"remoteNamespace": self.namespace, "server": server, "auth": {"serviceAccount": {"name": account}}}}
