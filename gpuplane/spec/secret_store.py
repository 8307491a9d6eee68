"""Where secrets lie: one kind of store each, read with an identity that is the tenant's own."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from gpuplane.spec.model import AwsRegion, CloudRegion, DnsLabel, OneOf, SpecModel

TENANT_WORD = "{tenant}"
"""What a template has in the place of the tenant's name."""
_Template = r"[-a-zA-Z0-9_./]*\{tenant\}[-a-zA-Z0-9_./]*"
HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://[-a-z0-9.]+(:[0-9]{2,5})?/?$")]
"""An address with TLS: a store that is asked without it hands its values to whoever listens."""
Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]


class ReaderRoles(SpecModel):
    """Roles that gpuplane makes: each tenant's reader account takes its own (IAM roles for service accounts), and reads what begins with
    the tenant's prefix alone."""

    oidc_issuer: Annotated[str, Field(pattern=r"^https://oidc\.eks\.[-a-z0-9]+\.amazonaws\.com(\.cn)?/id/[0-9A-F]{32}$")]
    """Issuer of the cluster's tokens (``aws eks describe-cluster --query cluster.identity.oidc.issuer``), which the account has as an IAM
    OIDC provider."""
    prefix_template: Annotated[str, Field(pattern=r"^[-a-zA-Z0-9_+=.@/]*\{tenant\}[-a-zA-Z0-9_+=.@]*/$", max_length=200)] = "{tenant}/"
    """What the names of a tenant's secrets begin with; ``{tenant}`` is its name."""
    kms_key_arns: tuple[Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:kms:[-a-z0-9]+:[0-9]{12}:key/[-a-zA-Z0-9]+$")], ...] = ()
    """Customer keys that the secrets are encrypted with; left out, the account's ``aws/secretsmanager``."""


class AwsSecretsManager(OneOf):
    """AWS Secrets Manager, read with the tenant's own role."""

    ONE_OF = ("role_arn_template", "reader_roles")

    region: AwsRegion
    """Region the secrets lie in."""
    role_arn_template: Annotated[str | None, Field(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/.*\{tenant\}.*$")] = None
    """Role of each tenant that is there already; ``{tenant}`` is its name."""
    reader_roles: ReaderRoles | None = None
    """Roles that gpuplane makes."""


class Vault(SpecModel):
    """HashiCorp Vault or OpenBao, read by Kubernetes authentication with the tenant's own Vault role."""

    server: HttpsUrl
    """Address of the server."""
    mount: Annotated[str, Field(pattern=r"^[-a-z0-9_/]+$")] = "secret"
    """Where the key-value engine (version 2) is mounted."""
    role_template: Annotated[str, Field(pattern=f"^{_Template}$")]
    """Vault role of each tenant, whose policy ends at the tenant's paths; ``{tenant}`` is its name."""
    auth_mount: Annotated[str, Field(pattern=r"^[-a-z0-9_/]+$")] = "kubernetes"
    """Where Kubernetes authentication is mounted."""
    namespace: Annotated[str | None, Field(pattern=r"^[-a-zA-Z0-9_/]+$")] = None
    """Namespace of Vault Enterprise."""
    ca_config_map: DnsLabel | None = None
    """ConfigMap in each tenant's namespace whose ``ca.crt`` signed the server's certificate; left out, a public authority did."""
    region: CloudRegion | None = None
    """Region that it stands in; tenants with personal data need to know it."""


class GcpSecretManager(SpecModel):
    """Google Secret Manager, read by Workload Identity with the tenant's own service account."""

    project_id: Annotated[str, Field(pattern=r"^[a-z][-a-z0-9]{4,28}[a-z0-9]$")]
    """Project the secrets are in."""
    location: CloudRegion
    """Region the secrets lie in; they are regional ones, so that they stay there."""
    cluster_name: DnsLabel
    """Name of the GKE cluster."""
    cluster_location: Annotated[str, Field(pattern=r"^[a-z]+(-[a-z0-9]+)+$")]
    """Its region or zone."""
    service_account_template: Annotated[str, Field(pattern=rf"^{_Template}@[-a-z0-9]+\.iam\.gserviceaccount\.com$")]
    """Service account of each tenant, which may read the tenant's secrets alone; ``{tenant}`` is its name."""


class AzureKeyVault(SpecModel):
    """Azure Key Vault, one for each tenant, read by Workload Identity with the tenant's own managed identity."""

    vault_url_template: Annotated[str, Field(pattern=r"^https://[-a-z0-9]*\{tenant\}[-a-z0-9]*\.vault\.azure\.net/?$")]
    """Vault of each tenant; ``{tenant}`` is its name."""
    tenant_id: Uuid
    """Directory (Microsoft Entra tenant)."""
    client_ids: Annotated[dict[DnsLabel, Uuid], Field(min_length=1)]
    """Client id of each tenant's managed identity, by the tenant's name."""
    region: CloudRegion | None = None
    """Region that the vaults are in; tenants with personal data need to know it."""


class KubernetesSecrets(SpecModel):
    """Secrets of another namespace of the same cluster, one for each tenant: for clusters without a store of their own."""

    namespace_template: Annotated[str, Field(pattern=r"^[-a-z0-9]*\{tenant\}[-a-z0-9]*$")]
    """Namespace of each tenant's Secrets, in which a Role lets the tenant's reader account get them; ``{tenant}`` is its name."""


class SecretStore(OneOf):
    """A secret store that tenants may refer to (External Secrets Operator)."""

    ONE_OF = ("aws_secrets_manager", "vault", "gcp_secret_manager", "azure_key_vault", "kubernetes")

    aws_secrets_manager: AwsSecretsManager | None = None
    vault: Vault | None = None
    gcp_secret_manager: GcpSecretManager | None = None
    azure_key_vault: AzureKeyVault | None = None
    kubernetes: KubernetesSecrets | None = None

    def region(self, cluster: str | None) -> str | None:
        """Where the values lie, None where nothing says so; ``cluster`` is the cluster's own region."""
        if self.kubernetes is not None:
            return cluster
        if self.gcp_secret_manager is not None:
            return self.gcp_secret_manager.location
        found = self.aws_secrets_manager or self.vault or self.azure_key_vault
        return found.region if found is not None else None
