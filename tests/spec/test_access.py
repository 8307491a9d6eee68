"""People in a tenant's namespace, and the stores that its secrets lie in: what is refused, with its place and words."""

import pytest

from tests.spec.wish import Wish

ENV, TENANT_FILE = "environment.yaml", "tenants/acme.yaml"
STORE = """      aws_secrets_manager:
        region: eu-central-1
        role_arn_template: "arn:aws:iam::111122223333:role/{tenant}"
"""
GLASS = """  access:
    break_glass:
      - {group: oncall, reason: answers stopped, approver: security@example.com, expires: 2026-11-22}
"""
AZURE = """      azure_key_vault:
        vault_url_template: https://ml-{tenant}.vault.azure.net
        tenant_id: 00000000-0000-0000-0000-000000000001
        client_ids: {%s: 00000000-0000-0000-0000-000000000002}
"""
STORES = {
    "vault": "      vault: {server: 'https://vault.example.com:8200', role_template: 'ml-{tenant}', ca_config_map: vault-ca}\n",
    "gcp": "      gcp_secret_manager: {project_id: ml-platform, location: europe-west4, cluster_name: gpu, cluster_location: europe-west4,\n"
           "        service_account_template: 'secrets-{tenant}@ml-platform.iam.gserviceaccount.com'}\n",
    "azure": AZURE % "acme",
    "kubernetes": "      kubernetes: {namespace_template: 'secrets-{tenant}'}\n",
}


@pytest.mark.parametrize("store", STORES.values(), ids=STORES)
def test_every_kind_of_store_is_accepted(wish: Wish, store: str) -> None:
    assert wish.change(ENV, STORE, store).errors() == ()


BAD_STORES = {
    "none": ("      {}\n", "exactly one of aws_secrets_manager, vault, gcp_secret_manager, azure_key_vault, kubernetes is needed"),
    "two": (STORE + STORES["kubernetes"], "exactly one of"),
    "Vault without TLS": ("      vault: {server: 'http://vault.example.com', role_template: '{tenant}'}\n", "http://vault.example.com"),
    "one role for everybody": ("      vault: {server: 'https://vault.example.com', role_template: ml}\n", "role_template"),
    "one namespace for everybody": ("      kubernetes: {namespace_template: secrets}\n", "namespace_template"),
    "one vault for everybody": (AZURE.replace("ml-{tenant}", "ml") % "acme", "vault_url_template"),
    "no identity for the tenant": (AZURE % "beta", 'store "vault-a" has no identity for this tenant; it has those of: beta.'),
}


@pytest.mark.parametrize(("store", "message"), BAD_STORES.values(), ids=BAD_STORES)
def test_a_store_that_is_not_one_tenants_own_is_refused(wish: Wish, store: str, message: str) -> None:
    assert message in str(wish.change(ENV, STORE, store).error())


def test_roles_and_access_for_an_emergency_are_accepted(wish: Wish) -> None:
    wish.files[TENANT_FILE] += GLASS + "    groups: {oncall: operator, 'oidc:ml': developer, everybody: viewer}\n"

    assert wish.errors() == ()


BAD_ACCESS = {
    "no such role": ("  access:\n    groups: {ml: admin}\n", "developer"),
    "everybody": ("  access:\n    groups: {'system:authenticated': viewer}\n", "system:authenticated is a group of Kubernetes itself"),
    "a field of before": ("  access:\n    admins: [ml]\n", "access.groups"),
    "an emergency without a reason": (GLASS.replace("reason: answers stopped, ", ""), "reason"),
    "an emergency without an approver": (GLASS.replace("approver: security@example.com, ", ""), "approver"),
    "an emergency without an end": (GLASS.replace(", expires: 2026-11-22", ""), "expires"),
    "a day that is none": (GLASS.replace("2026-11-22", "2026-02-30"), "there is no such day"),
}


@pytest.mark.parametrize(("access", "message"), BAD_ACCESS.values(), ids=BAD_ACCESS)
def test_access_that_is_too_much_or_says_too_little_is_refused(wish: Wish, access: str, message: str) -> None:
    wish.files[TENANT_FILE] += access

    assert message in str(wish.error())
