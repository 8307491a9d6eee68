"""Operators, flavors, runtimes, admission and monitoring."""

from __future__ import annotations

import json
from typing import Any

import yaml

from gpuplane.catalog.runtimes import shipped_runtimes
from gpuplane.components import (
    gpu_operator,
    gpu_quotas,
    kserve,
    kueue,
    model_storage,
    monitoring,
    queue_admission,
    serving_runtime,
)
from gpuplane.components.existing_node_pool import ExistingNodePool, ExistingNodePoolArgs
from gpuplane.components.gpu_quotas import CohortArgs, FlavorArgs, GpuQuotas, GpuQuotasArgs, TaintArgs
from gpuplane.components.resource_groups import QuotaArgs
from tests.components.recorded import one, record

OPERATOR = gpu_operator.GpuOperatorArgs(
    version="v26.7.0", mig_layouts={"a100-mig": {"1g.10gb": 7}}, time_slicing={"dev": 4},
    tolerations=(TaintArgs("nvidia.com/gpu", "present", "NoSchedule"),) * 2)


def test_the_gpu_operator_is_pinned_and_states_mig_layouts_and_time_slicing() -> None:
    release = one(record(lambda: gpu_operator.GpuOperator("gpu-operator", OPERATOR)), "Release")
    values = release.props["values"]

    mig = yaml.safe_load(values["migManager"]["config"]["data"]["config.yaml"])
    plugin = yaml.safe_load(values["devicePlugin"]["config"]["data"]["dev"])
    assert release.props["version"] == "v26.7.0"
    assert mig["mig-configs"]["a100-mig"] == [{"devices": "all", "mig-enabled": True, "mig-devices": {"1g.10gb": 7}}]
    assert "all-disabled" in mig["mig-configs"]
    assert plugin["sharing"]["timeSlicing"]["resources"] == [{"name": "nvidia.com/gpu", "replicas": 4}]
    assert plugin["sharing"]["timeSlicing"]["failRequestsGreaterThanOne"] is True
    assert len(values["daemonsets"]["tolerations"]) == 1


def test_kueue_is_configured_whole_and_looks_only_at_tenants_namespaces() -> None:
    release = one(record(lambda: kueue.Kueue("kueue", kueue.KueueArgs("0.19.2"))), "Release")
    configuration = yaml.safe_load(release.props["values"]["managerConfig"]["controllerManagerConfigYaml"])

    assert release.props["chart"] == "oci://registry.k8s.io/kueue/charts/kueue"
    assert configuration["managedJobsNamespaceSelector"] == {"matchExpressions": [{"key": "gpuplane.dev/tenant", "operator": "Exists"}]}
    assert {"pod", "deployment", "batch/job"} <= set(configuration["integrations"]["frameworks"])
    assert configuration["manageJobsWithoutQueueName"] is False


def test_kserve_installs_its_crds_first_and_in_standard_mode() -> None:
    views = record(lambda: kserve.KServe("kserve", kserve.KServeArgs("v0.20.0")))
    crds, controller = one(views, "Release", "kserve-crd"), one(views, "Release", "kserve")

    assert crds.urn in controller.dependencies
    assert controller.props["values"]["kserve"]["controller"]["deploymentMode"] == "Standard"


def test_a_flavor_says_its_capacity_and_taints() -> None:
    args = GpuQuotasArgs({"h100": FlavorArgs({"pool": "h100"}, (TaintArgs("nvidia.com/gpu", "present", "NoSchedule"),),
                                             {"nvidia.com/gpu": 8}, max_nodes=2, usd_per_node_hour="31.5")}, {
                             "child": CohortArgs("root", {"h100": {"nvidia.com/gpu": QuotaArgs(2, 4, None)}}, "1500m"), "root": CohortArgs()})

    views = record(lambda: GpuQuotas("gpu-quotas", args))
    flavor = one(views, "ResourceFlavor")

    assert json.loads(flavor.annotations["gpuplane.dev/devices-per-node"]) == {"nvidia.com/gpu": 8}
    assert flavor.annotations["gpuplane.dev/max-nodes"] == "2"
    assert flavor.props["spec"]["nodeTaints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    assert one(views, "Cohort", "child").props["spec"] == {
        "parentName": "root", "fairSharing": {"weight": "1500m"},
        "resourceGroups": [{"coveredResources": ["nvidia.com/gpu"], "flavors": [
            {"name": "h100", "resources": [{"name": "nvidia.com/gpu", "nominalQuota": "2", "borrowingLimit": "4"}]}]}]}
    assert one(views, "Cohort", "root").props["spec"] == {}


def test_a_priority_class_carries_its_value_beside_no_spec() -> None:
    views = record(lambda: GpuQuotas("gpu-quotas", GpuQuotasArgs({})))
    values = {view.name: view.props["value"] for view in views if view.kind == "WorkloadPriorityClass"}

    assert values["gpuplane-critical"] > values["gpuplane-standard"] > values["gpuplane-batch"]
    assert values == {gpu_quotas.priority_class(name): value for name, (value, _) in gpu_quotas.PRIORITIES.items()}


def test_runtimes_drop_all_rights_and_have_no_server_type() -> None:
    for name, row in shipped_runtimes().items():
        runtime = serving_runtime.manifest(serving_runtime.ServingRuntimeArgs(name, row, "image@sha256:" + "a" * 64))
        container = runtime["spec"]["containers"][0]

        assert container["name"] == "kserve-container"
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert "serving.kserve.io/server-type" not in json.dumps(runtime)


def test_the_charts_that_keep_models_on_nodes_come_only_where_they_do() -> None:
    def releases(local_models: bool) -> dict[str, Any]:
        views = record(lambda: kserve.KServe("kserve", kserve.KServeArgs("v0.20.0", local_models=local_models)))
        return {view.props["chart"].rpartition("/")[2]: view.props["values"] for view in views if view.kind == "Release"}

    assert set(releases(False)) == {"kserve-crd", "kserve-resources"}
    found = releases(True)
    assert set(found) == {"kserve-crd", "kserve-resources", "kserve-localmodel-crd", "kserve-localmodel-resources"}
    assert found["kserve-resources"]["kserve"]["localmodel"] == {"enabled": True}
    assert found["kserve-localmodel-resources"]["kserve"]["createSharedResources"] is False
    assert found["kserve-localmodel-resources"]["kserve"]["localmodel"]["agent"]["tolerations"] == [{"operator": "Exists"}]


def test_the_download_container_is_held_to_the_restricted_standard() -> None:
    container = model_storage.manifest(model_storage.ModelStorageArgs("docker.io/kserve/storage-initializer:v0.20.0"))["spec"]["container"]

    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["runAsNonRoot"] is True
    assert container["resources"]["limits"]["memory"] == "4Gi"


def test_the_admission_policy_binds_every_tenants_namespace_and_denies() -> None:
    views = record(lambda: queue_admission.QueueAdmission("queue-admission"))

    for policy in (queue_admission.GPU_POLICY, queue_admission.BORDER_POLICY):
        binding = one(views, "ValidatingAdmissionPolicyBinding", policy).props["spec"]
        assert one(views, "ValidatingAdmissionPolicy", policy).props["spec"]["failurePolicy"] == "Fail"
        assert binding["validationActions"] == ["Deny"]
        assert binding["matchResources"]["namespaceSelector"] == {"matchExpressions": [{"key": "gpuplane.dev/tenant", "operator": "Exists"}]}


def test_monitors_bear_the_labels_that_prometheus_selects_by() -> None:
    views = record(lambda: monitoring.Monitoring("monitoring", monitoring.MonitoringArgs("obs", {"release": "kps"})))

    for kind in ("PodMonitor", "ServiceMonitor", "PrometheusRule"):
        assert one(views, kind).labels == {"release": "kps"}
        assert one(views, kind).namespace == "obs"


def test_model_servers_are_scraped_once_and_named_by_tenant_and_service() -> None:
    views = record(lambda: monitoring.Monitoring("monitoring", monitoring.MonitoringArgs("obs")))
    http, triton = one(views, "PodMonitor").props["spec"]["podMetricsEndpoints"]

    assert (http["portNumber"], triton["portNumber"]) == (8080, 8002)
    assert [rule["action"] for rule in http["relabelings"] if "action" in rule] == ["drop"]
    for endpoint in (http, triton):
        assert [rule["targetLabel"] for rule in endpoint["relabelings"] if "targetLabel" in rule] == ["tenant", "service"]


def test_existing_nodes_are_a_fact_and_create_nothing() -> None:
    views = record(lambda: ExistingNodePool("h100", ExistingNodePoolArgs("h100", {"a": "b"}, 2)))

    assert [view.custom for view in views] == [False]
    assert views[0].props == {"maxNodes": 2, "nodeLabels": {"a": "b"}, "pool": "h100"}
