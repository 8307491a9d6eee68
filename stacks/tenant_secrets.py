"""A tenant's secrets from the wish: each store as the tenant sees it, and the references into it."""

from __future__ import annotations

from dataclasses import replace

from gpuplane.components.iam import AwsPlace, role_name
from gpuplane.components.secret_reader import SecretReaderArgs
from gpuplane.components.secret_stores import (
    AwsStoreArgs,
    AzureStoreArgs,
    GcpStoreArgs,
    KubernetesStoreArgs,
    StoreArgs,
    VaultStoreArgs,
)
from gpuplane.components.tenant_secrets import RemoteArgs, SecretArgs, TenantSecretsArgs, reader_account
from gpuplane.spec.environment_spec import EnvironmentSpec
from gpuplane.spec.secret_store import TENANT_WORD
from gpuplane.spec.tenant import TenantSpec
from gpuplane.stacks.aws_cluster import place


def secrets(spec: EnvironmentSpec, name: str, tenant: TenantSpec) -> TenantSecretsArgs | None:
    """The secrets of one tenant; None where it has none."""
    if not tenant.secrets:
        return None
    stores = {store: store_args(spec, store, name) for store in {secret.store for secret in tenant.secrets}}
    return TenantSecretsArgs(dict(sorted(stores.items())), tuple(
        SecretArgs(secret.name, secret.store, {key: RemoteArgs(at.key, at.property) for key, at in secret.data.items()},
                   secret.refresh_seconds) for secret in tenant.secrets))


def readers(spec: EnvironmentSpec, name: str) -> dict[str, SecretReaderArgs]:
    """Roles that are made for a tenant, by the store that each reads; only for stores that the tenant uses."""
    found = {}
    for store in sorted({secret.store for secret in spec.tenants[name].spec.secrets}):
        manager = spec.environment.spec.secret_stores[store].aws_secrets_manager
        if manager is not None and manager.reader_roles is not None:
            roles = manager.reader_roles
            found[store] = SecretReaderArgs(
                role_name=reader_role(spec, store, name), oidc_issuer=roles.oidc_issuer, namespace=name,
                service_account=reader_account(store), place=replace(_place(spec), region=manager.region),
                prefix=roles.prefix_template.replace(TENANT_WORD, name), kms_key_arns=roles.kms_key_arns)
    return found


def reader_role(spec: EnvironmentSpec, store: str, tenant: str) -> str:
    """Name of the role that is made for a tenant and a store."""
    return role_name(f"{spec.environment.spec.cluster.name}-{tenant}-{store}")


def _place(spec: EnvironmentSpec) -> AwsPlace:
    assert spec.environment.spec.aws is not None  # else reader_roles are refused
    return place(spec.environment.spec.aws)


def store_args(spec: EnvironmentSpec, name: str, tenant: str) -> StoreArgs:
    """A store with the tenant's name in its templates."""
    store = spec.environment.spec.secret_stores[name]

    def own(template: str) -> str:
        return template.replace(TENANT_WORD, tenant)

    if (aws := store.aws_secrets_manager) is not None:
        made = aws.role_arn_template is None
        return AwsStoreArgs(aws.region, _place(spec).role_arn(reader_role(spec, name, tenant)) if made else own(str(aws.role_arn_template)))
    if (vault := store.vault) is not None:
        return VaultStoreArgs(vault.server, vault.mount, own(vault.role_template), vault.auth_mount, vault.namespace, vault.ca_config_map)
    if (gcp := store.gcp_secret_manager) is not None:
        return GcpStoreArgs(gcp.project_id, gcp.location, gcp.cluster_name, gcp.cluster_location, own(gcp.service_account_template))
    if (azure := store.azure_key_vault) is not None:
        return AzureStoreArgs(own(azure.vault_url_template), azure.tenant_id, azure.client_ids[tenant])
    assert store.kubernetes is not None
    return KubernetesStoreArgs(own(store.kubernetes.namespace_template))
