"""A tenant's namespace, limits, access and borders."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from gpuplane.components.secret_stores import (
    AwsStoreArgs,
    AzureStoreArgs,
    GcpStoreArgs,
    KubernetesStoreArgs,
    StoreArgs,
    VaultStoreArgs,
)
from gpuplane.components.tenant import Tenant, TenantArgs
from gpuplane.components.tenant_access import AccessArgs, BreakGlassArgs
from gpuplane.components.tenant_network import EgressArgs, TenantNetworkArgs
from gpuplane.components.tenant_queue import QuotaArgs, TenantQueueArgs
from gpuplane.components.tenant_secrets import RemoteArgs, SecretArgs, TenantSecretsArgs
from gpuplane.graph.resource_view import ResourceView
from tests.components.recorded import one, record

ACME = TenantArgs(name="acme", data_classification="internal", environment="test", budget_usd_per_month=Decimal(1000),
                  allowed_model_sources=("hf://Qwen/", "s3://models/"))


def _tenant(args: TenantArgs) -> list[ResourceView]:
    return record(lambda: Tenant(args.name, args))


def test_the_namespace_says_who_it_is_and_enforces_the_restricted_standard() -> None:
    namespace = one(_tenant(ACME), "Namespace")

    assert namespace.name == "acme"
    assert namespace.labels["gpuplane.dev/tenant"] == "acme"
    assert namespace.labels["gpuplane.dev/data-classification"] == "internal"
    assert {namespace.labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")} == {"restricted"}
    assert namespace.annotations["gpuplane.dev/monthly-budget-usd"] == "1000"
    assert namespace.annotations["gpuplane.dev/allowed-model-sources"] == "hf://Qwen/,s3://models/"


def test_a_bare_tenant_denies_all_traffic_but_its_own_and_dns() -> None:
    policies = {view.name: view.props["spec"] for view in _tenant(ACME) if view.kind == "NetworkPolicy"}

    assert sorted(policies) == ["allow-dns", "allow-own-namespace", "default-deny"]
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_every_way_through_the_border_is_a_policy_of_its_own() -> None:
    network = TenantNetworkArgs(gateway_namespace="gateway-system", monitoring_namespace="monitoring", egress=(
        EgressArgs("models", (443,), cidr="10.0.0.0/16"), EgressArgs("proxy", (3128,), namespace="egress-proxy")))

    policies = {view.name: view.props["spec"] for view in _tenant(replace(ACME, network=network)) if view.kind == "NetworkPolicy"}

    assert policies["egress-models"]["egress"] == [
        {"to": [{"ipBlock": {"cidr": "10.0.0.0/16"}}], "ports": [{"port": 443, "protocol": "TCP"}]}]
    assert policies["egress-proxy"]["egress"][0]["to"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "egress-proxy"}}}]
    assert policies["allow-gateway"]["policyTypes"] == ["Ingress"]
    assert {"allow-gateway", "allow-monitoring"} <= policies.keys()


def test_the_quota_forbids_foreign_gpus_and_node_ports() -> None:
    hard = one(_tenant(replace(ACME, device_ceilings={"nvidia.com/gpu": 32, "nvidia.com/mig-1g.10gb": 0})), "ResourceQuota").props["spec"]["hard"]

    assert hard["requests.nvidia.com/mig-1g.10gb"] == "0"
    assert hard["requests.nvidia.com/gpu"] == "32"
    assert hard["services.nodeports"] == "0"
    assert not any(key.startswith("limits.nvidia.com") for key in hard)


def test_no_role_reads_secrets_or_changes_the_platforms_objects() -> None:
    access = AccessArgs(viewers=("acme-viewers",), developers=("acme-developers",), operators=("acme-operators",), shell=True)
    views = _tenant(replace(ACME, access=access))
    roles = [view for view in views if view.kind == "Role"]

    platform = {"secrets", "networkpolicies", "resourcequotas", "limitranges", "roles", "rolebindings", "localqueues", "namespaces"}
    writable = {resource for role in roles for rule in role.props["rules"] if "create" in rule["verbs"] for resource in rule["resources"]}
    readable = {resource for role in roles for rule in role.props["rules"] for resource in rule["resources"]}
    shells = {role.name for role in roles for rule in role.props["rules"] if "pods/exec" in rule["resources"]}
    verbs = {verb for role in roles for rule in role.props["rules"] for verb in rule["verbs"]}
    assert sorted(role.name for role in roles) == ["tenant-developer", "tenant-operator", "tenant-viewer"]
    assert not writable & platform
    assert not readable & {"secrets", "*"}
    assert not verbs & {"*", "escalate", "bind", "impersonate"}
    assert shells == {"tenant-operator"}


def test_operators_have_a_shell_only_where_it_is_allowed() -> None:
    views = _tenant(replace(ACME, access=AccessArgs(operators=("acme-operators",))))

    assert not [view for view in views if view.kind == "Role" and "pods/exec" in str(view.props)]


def test_access_for_an_emergency_says_why_who_and_until_when() -> None:
    emergency = BreakGlassArgs("acme-operators", "answers stopped after the update", "security@example.com", "2026-11-22")
    views = _tenant(replace(ACME, access=AccessArgs(break_glass=(emergency,))))
    bindings = [view for view in views if view.kind == "RoleBinding"]

    assert [view.props["roleRef"]["name"] for view in bindings] == ["tenant-break-glass"]
    assert bindings[0].annotations == {
        "gpuplane.dev/break-glass-reason": "answers stopped after the update",
        "gpuplane.dev/break-glass-approver": "security@example.com", "gpuplane.dev/break-glass-expires": "2026-11-22"}


def test_without_groups_there_are_no_roles() -> None:
    assert not [view for view in _tenant(ACME) if view.kind in ("Role", "RoleBinding")]


def test_the_queue_takes_only_the_tenants_own_namespace() -> None:
    queue = TenantQueueArgs({"h100": {"nvidia.com/gpu": QuotaArgs(4, 2, 1), "cpu": QuotaArgs(40, 20, 10)},
                             "mig": {"nvidia.com/mig-1g.10gb": QuotaArgs(7, 0, 7)}}, cohort="shared")

    spec = one(_tenant(replace(ACME, queue=queue)), "ClusterQueue").props["spec"]

    group = spec["resourceGroups"][0]
    assert spec["namespaceSelector"] == {"matchLabels": {"gpuplane.dev/tenant": "acme"}}
    assert group["coveredResources"] == ["cpu", "nvidia.com/gpu", "nvidia.com/mig-1g.10gb"]
    assert [[one["name"] for one in flavor["resources"]] for flavor in group["flavors"]] == [group["coveredResources"]] * 2
    assert group["flavors"][1]["resources"][1] == {"name": "nvidia.com/gpu", "nominalQuota": "0", "borrowingLimit": "0", "lendingLimit": "0"}


def test_without_a_cohort_no_limits_are_written_for_the_webhook_refuses_them() -> None:
    queue = TenantQueueArgs({"h100": {"nvidia.com/gpu": QuotaArgs(4, 0, 4)}})

    spec = one(_tenant(replace(ACME, queue=queue)), "ClusterQueue").props["spec"]

    assert spec["resourceGroups"][0]["flavors"][0]["resources"] == [{"name": "nvidia.com/gpu", "nominalQuota": "4"}]
    assert spec["preemption"]["reclaimWithinCohort"] == "Never"
    assert "cohortName" not in spec


def test_secrets_are_references_read_with_the_tenants_own_role() -> None:
    secrets = TenantSecretsArgs({"aws": AwsStoreArgs("eu-central-1", "arn:aws:iam::111122223333:role/acme")}, (
        SecretArgs("hf-token", "aws", {"HF_TOKEN": RemoteArgs("acme/hf", "token")}),))

    views = _tenant(replace(ACME, secrets=secrets))

    external = one(views, "ExternalSecret")
    assert external.props["spec"]["data"] == [{"secretKey": "HF_TOKEN", "remoteRef": {"key": "acme/hf", "property": "token"}}]
    assert external.props["spec"]["secretStoreRef"] == {"name": "aws", "kind": "SecretStore"}
    assert one(views, "ServiceAccount", "aws-reader").annotations["eks.amazonaws.com/role-arn"].endswith("role/acme")
    assert not [view for view in views if view.kind == "Secret"]


STORES = {
    "aws": (AwsStoreArgs("eu-central-1", "arn:aws:iam::111122223333:role/acme"), ("aws", "auth", "jwt", "serviceAccountRef", "name")),
    "vault": (VaultStoreArgs("https://vault.example.com", "secret", "acme"), ("vault", "auth", "kubernetes", "serviceAccountRef", "name")),
    "gcp": (GcpStoreArgs("ml-platform", "europe-west4", "gpu", "europe-west4", "acme@ml-platform.iam.gserviceaccount.com"),
            ("gcpsm", "auth", "workloadIdentity", "serviceAccountRef", "name")),
    "azure": (AzureStoreArgs("https://acme.vault.azure.net", "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"),
              ("azurekv", "serviceAccountRef", "name")),
    "kubernetes": (KubernetesStoreArgs("acme-secrets"), ("kubernetes", "auth", "serviceAccount", "name")),
}


@pytest.mark.parametrize(("kind", "store", "account"), [(kind, *found) for kind, found in STORES.items()], ids=STORES)
def test_every_kind_of_store_is_read_by_an_account_of_the_tenants_own(kind: str, store: StoreArgs, account: tuple[str, ...]) -> None:
    secrets = TenantSecretsArgs({kind: store}, (SecretArgs("hub", kind, {"token": RemoteArgs("acme/hub")}, 90),))

    views = _tenant(replace(ACME, secrets=secrets))

    assert one(views, "SecretStore").get("spec", "provider", *account) == f"{kind}-reader"
    assert one(views, "SecretStore").get("spec", "provider", account[0]) is not None
    assert one(views, "ServiceAccount", f"{kind}-reader").annotations == store.annotations
    assert one(views, "ExternalSecret").get("spec", "refreshInterval") == "1m30s"
    assert "secretRef" not in str(one(views, "SecretStore").props)  # no key that would have to lie somewhere, too


@pytest.mark.parametrize("kind", ["NetworkPolicy", "ResourceQuota", "LimitRange"])
def test_children_wait_for_the_namespace(kind: str) -> None:
    views = _tenant(ACME)
    namespace = one(views, "Namespace")

    assert all(namespace.urn in view.dependencies for view in views if view.kind == kind)
