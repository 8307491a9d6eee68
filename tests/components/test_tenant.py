"""A tenant's namespace, limits, access and borders."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from gpuplane.components.tenant import Tenant, TenantArgs
from gpuplane.components.tenant_network import EgressArgs, TenantNetworkArgs
from gpuplane.components.tenant_queue import QuotaArgs, TenantQueueArgs
from gpuplane.components.tenant_secrets import AwsStoreArgs, RemoteArgs, SecretArgs, TenantSecretsArgs
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
    views = _tenant(replace(ACME, admins=("acme-admins",), viewers=("acme-viewers",)))
    roles = [view for view in views if view.kind == "Role"]

    platform = {"secrets", "networkpolicies", "resourcequotas", "limitranges", "roles", "rolebindings", "localqueues", "namespaces"}
    writable = {resource for role in roles for rule in role.props["rules"] if "create" in rule["verbs"] for resource in rule["resources"]}
    readable = {resource for role in roles for rule in role.props["rules"] for resource in rule["resources"]}
    assert len(roles) == 2
    assert not writable & platform
    assert not readable & {"secrets", "*", "pods/exec"}


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


@pytest.mark.parametrize("kind", ["NetworkPolicy", "ResourceQuota", "LimitRange"])
def test_children_wait_for_the_namespace(kind: str) -> None:
    views = _tenant(ACME)
    namespace = one(views, "Namespace")

    assert all(namespace.urn in view.dependencies for view in views if view.kind == kind)
