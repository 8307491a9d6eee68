"""A tenant's secrets from the wish: each store as the tenant sees it, and the references into it."""

from __future__ import annotations

from gpuplane.components.secret_stores import (
    AwsStoreArgs,
    AzureStoreArgs,
    GcpStoreArgs,
    KubernetesStoreArgs,
    StoreArgs,
    VaultStoreArgs,
)
from gpuplane.components.tenant_secrets import RemoteArgs, SecretArgs, TenantSecretsArgs
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.secret_store import TENANT_WORD, SecretStore
from gpuplane.spec.tenant import TenantSpec


def secrets(spec: EnvironmentSpec, name: str, tenant: TenantSpec) -> TenantSecretsArgs | None:
    """The secrets of one tenant; None where it has none."""
    if not tenant.secrets:
        return None
    stores = {store: store_args(spec.environment.spec.secret_stores[store], name) for store in {secret.store for secret in tenant.secrets}}
    return TenantSecretsArgs(dict(sorted(stores.items())), tuple(
        SecretArgs(secret.name, secret.store, {key: RemoteArgs(at.key, at.property) for key, at in secret.data.items()},
                   secret.refresh_seconds) for secret in tenant.secrets))


def store_args(store: SecretStore, tenant: str) -> StoreArgs:
    """A store with the tenant's name in its templates."""
    def own(template: str) -> str:
        return template.replace(TENANT_WORD, tenant)

    if (aws := store.aws_secrets_manager) is not None:
        return AwsStoreArgs(aws.region, own(aws.role_arn_template))
    if (vault := store.vault) is not None:
        return VaultStoreArgs(vault.server, vault.mount, own(vault.role_template), vault.auth_mount, vault.namespace, vault.ca_config_map)
    if (gcp := store.gcp_secret_manager) is not None:
        return GcpStoreArgs(gcp.project_id, gcp.location, gcp.cluster_name, gcp.cluster_location, own(gcp.service_account_template))
    if (azure := store.azure_key_vault) is not None:
        return AzureStoreArgs(own(azure.vault_url_template), azure.tenant_id, azure.client_ids[tenant])
    assert store.kubernetes is not None
    return KubernetesStoreArgs(own(store.kubernetes.namespace_template))
