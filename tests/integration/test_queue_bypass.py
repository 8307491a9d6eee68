"""Every way round the queue that we know, tried on the real API server with the real Kueue: refused, and its repaired twin is not."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from kubernetes import client, dynamic
from kubernetes.client.exceptions import ApiException

from gpuplane.components.queue_admission import GPU_POLICY, gpu_policy
from tests.integration.cluster import Cluster, wait_for
from tests.integration.extra_crds import install_crds, is_served

pytestmark = pytest.mark.integration

NAMESPACE, QUEUE, TENANT = "bypass", "kueue.x-k8s.io/queue-name", "gpuplane.dev/tenant"
API = "admissionregistration.k8s.io/v1"
CONTROLLER = "system:kube-controller-manager"


def _container(gpus: int = 1, part: str = "limits", resource: str = "nvidia.com/gpu") -> dict[str, Any]:
    return {"name": "main", "image": "example.com/a", "resources": {part: {resource: str(gpus)}} if gpus else {}}


def _template(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": list(containers) or [_container()], **spec}}


def _body(api: str, kind: str, spec: dict[str, Any], queue: bool = False, **meta: Any) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "spec": spec, "metadata": {
        "name": "x", "namespace": NAMESPACE, "labels": {"app": "x", **({QUEUE: "gpu"} if queue else {})}, **meta}}


def _apps(kind: str, queue: bool = False) -> dict[str, Any]:
    extra = {"serviceName": "x"} if kind == "StatefulSet" else {}
    return _body("apps/v1", kind, {"selector": {"matchLabels": {"app": "x"}}, "template": _template(), **extra}, queue)


def _job(queue: bool = False) -> dict[str, Any]:
    return _body("batch/v1", "Job", {"template": _template(restartPolicy="Never")}, queue)


def _cron(queue: bool = False) -> dict[str, Any]:
    return _body("batch/v1", "CronJob", {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": _job()["spec"]}}, queue)


def _pod(queue: bool = False, **spec: Any) -> dict[str, Any]:
    return _body("v1", "Pod", {**_template()["spec"], **spec}, queue)


def _ray(kind: str, queue: bool = False) -> dict[str, Any]:
    cluster = {"headGroupSpec": {"rayStartParams": {}, "template": _template(_container(0))}, "workerGroupSpecs": [
        {"groupName": "gpus", "replicas": 1, "minReplicas": 1, "maxReplicas": 1, "rayStartParams": {}, "template": _template()}]}
    spec = {"RayCluster": cluster, "RayJob": {"entrypoint": "python train.py", "shutdownAfterJobFinishes": True, "rayClusterSpec": cluster},
            "RayService": {"rayClusterConfig": cluster}}
    return _body("ray.io/v1", kind, spec[kind], queue)


def _train_job(queue: bool = False) -> dict[str, Any]:
    return _body("trainer.kubeflow.org/v1alpha1", "TrainJob", {"runtimeRef": {"name": "torch"}, "trainer": {"numNodes": 2}}, queue)


def _job_set(queue: bool = False) -> dict[str, Any]:
    return _body("jobset.x-k8s.io/v1alpha2", "JobSet", {"replicatedJobs": [{"name": "a", "template": {"spec": _job()["spec"]}}]}, queue)


MAKERS: dict[str, Callable[[bool], dict[str, Any]]] = {
    **{kind: partial(_ray, kind) for kind in ("RayCluster", "RayJob", "RayService")}, "TrainJob": _train_job, "JobSet": _job_set}
"""Kinds whose controllers make pods out of sight."""
JOB_SETS = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "jobsets.jobset.x-k8s.io"}, "spec": {
    "group": "jobset.x-k8s.io", "scope": "Namespaced", "names": {"kind": "JobSet", "plural": "jobsets", "singular": "jobset", "listKind": "JobSetList"},
    "versions": [{"name": "v1alpha2", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
        "type": "object", "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}}}]}}
"""Stands for JobSet's own definition: what is judged is the policy, which looks at kind and label."""

OWNER = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "x", "uid": "00000000-0000-4000-8000-000000000001", "controller": True}
CLAIM = [{"name": "gpu", "resourceClaimTemplateName": "gpu"}]
INIT = {"initContainers": [{**_container(), "name": "init"}], "containers": [_container(0)]}

BYPASSES: dict[str, tuple[dict[str, Any], str]] = {
    "a pod": (_pod(), "set the label"),
    "a pod that only requests": (_pod(containers=[{**_container(), "resources": {"requests": {"nvidia.com/gpu": "1"}, "limits": {"nvidia.com/gpu": "1"}}}]), "set the label"),
    "a mig device": (_pod(containers=[_container(resource="nvidia.com/mig-1g.10gb")]), "set the label"),
    "a tpu": (_pod(containers=[_container(resource="google.com/tpu")]), "set the label"),
    "an init container": (_pod(**INIT), "set the label"),
    "the second container": (_pod(containers=[_container(0), {**_container(), "name": "second"}]), "set the label"),
    "a claim by template": (_pod(containers=[_container(0)], resourceClaims=CLAIM), "set the label"),
    "a shared claim, queued": (_pod(True, containers=[_container(0)], resourceClaims=[{"name": "gpu", "resourceClaimName": "gpu"}]), "counted once"),
    "an empty queue name": ({**_pod(), "metadata": {**_pod()["metadata"], "labels": {QUEUE: ""}}}, ""),
    "a job": (_job(), "set the label"),
    "a cron job": (_cron(), "set the label"),
    "a replication controller": (_body("v1", "ReplicationController", {"selector": {"app": "x"}, "template": _template()}), "set the label"),
    **{f"a {kind}": (_apps(kind), "set the label") for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")},
    "a pod with an owner": ({**_pod(True), "metadata": {**_pod(True)["metadata"], "ownerReferences": [OWNER]}}, "Only controllers own"),
    "a pod on a node of its choice": (_pod(True, nodeName="gpuplane-h100-0"), "nodeName"),
}
ALLOWED: dict[str, dict[str, Any]] = {
    "a queued pod": _pod(True), "a queued job": _job(True), "a pod without a gpu": _pod(containers=[_container(0)]),
    "a queued init container": _pod(True, **INIT), "a queued claim": _pod(True, containers=[_container(0)], resourceClaims=CLAIM),
    **{f"a queued {kind}": _apps(kind, True) for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")},
}


@pytest.fixture(scope="module")
def policed(cluster: Cluster) -> Iterator[Cluster]:
    """A tenant's namespace with a LocalQueue that admits nothing, and the policy, in force."""
    policy = {"apiVersion": API, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": GPU_POLICY}, "spec": gpu_policy()}
    binding = {"apiVersion": API, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": GPU_POLICY}, "spec": {
        "policyName": GPU_POLICY, "validationActions": ["Deny"],
        "matchResources": {"namespaceSelector": {"matchExpressions": [{"key": TENANT, "operator": "Exists"}]}}}}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": {TENANT: NAMESPACE}}}
    queue = {"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "LocalQueue", "metadata": {"name": "gpu", "namespace": NAMESPACE},
             "spec": {"clusterQueue": "nowhere"}}
    made = [space, queue, policy, binding]
    for body in made:
        cluster.create(body)
    wait_for(lambda: "set the label" in _refusal(cluster, _pod()), "the policy is in force")
    yield cluster
    cluster.delete(*reversed(made))


def _refusal(cluster: Cluster, body: dict[str, Any], **options: Any) -> str:
    """Why a dry-run create is refused; empty where it is not."""
    try:
        cluster.kind(body["apiVersion"], body["kind"]).create(body=copy.deepcopy(body), namespace=NAMESPACE, dry_run="All", **options)
    except (ApiException, dynamic.exceptions.DynamicApiError) as error:
        return str(error.body)
    return ""


@pytest.mark.parametrize(("body", "words"), BYPASSES.values(), ids=BYPASSES)
def test_a_way_round_the_queue_is_refused(policed: Cluster, body: dict[str, Any], words: str) -> None:
    refusal = _refusal(policed, body)
    assert refusal
    assert words in refusal


@pytest.fixture(scope="module")
def with_makers(policed: Cluster) -> Cluster:
    """The same with the definitions of what makes pods out of sight."""
    install_crds(policed, "kuberay.yaml", "trainer.yaml")
    api = client.ApiextensionsV1Api(policed.api)
    if JOB_SETS["metadata"]["name"] not in {one.metadata.name for one in api.list_custom_resource_definition().items}:  # type: ignore[index]
        api.create_custom_resource_definition(JOB_SETS)
    for make in MAKERS.values():
        wait_for(lambda make=make: is_served(make(False)["apiVersion"], make(False)["kind"]), "its kind is served")  # type: ignore[misc]
    return Cluster()


@pytest.mark.parametrize("kind", MAKERS)
def test_what_makes_pods_out_of_sight_needs_a_queue(with_makers: Cluster, kind: str) -> None:
    assert "set the label" in _refusal(with_makers, MAKERS[kind](False))
    assert _refusal(with_makers, MAKERS[kind](True)) == ""


@pytest.mark.parametrize("body", ALLOWED.values(), ids=ALLOWED)
def test_what_is_queued_or_has_no_gpu_passes(policed: Cluster, body: dict[str, Any]) -> None:
    assert _refusal(policed, body) == ""


def test_the_policy_has_no_expression_that_the_api_server_doubts(policed: Cluster) -> None:
    status = (policed.get(API, "ValidatingAdmissionPolicy", GPU_POLICY) or {})["status"]
    warnings = (status.get("typeChecking") or {}).get("expressionWarnings") or []
    assert [one for one in warnings if "undeclared" in one["warning"] or "ERROR: <input>:1:1: Syntax" in one["warning"]] == []


def test_a_daemonsets_pods_do_not_pass_because_a_controller_makes_them(policed: Cluster) -> None:
    policed.api.set_default_header("Impersonate-User", CONTROLLER)
    policed.api.set_default_header("Impersonate-Group", "system:masters")
    try:
        of_daemonset = {**_pod(), "metadata": {**_pod()["metadata"], "ownerReferences": [OWNER]}}
        of_job = {**_pod(), "metadata": {**_pod()["metadata"], "ownerReferences": [{**OWNER, "apiVersion": "batch/v1", "kind": "Job"}]}}
        assert "set the label" in _refusal(policed, of_daemonset)
        assert "set the label" in _refusal(policed, _pod())
        assert "set the label" not in _refusal(policed, of_job)  # Kueue itself looks for the Job, which is not there
    finally:
        del policed.api.default_headers["Impersonate-User"], policed.api.default_headers["Impersonate-Group"]


def test_a_waiting_pod_keeps_its_gate_and_its_queue(policed: Cluster) -> None:
    policed.create(_pod(True))
    pods = policed.kind("v1", "Pod")
    try:
        held = policed.get("v1", "Pod", "x", NAMESPACE) or {}
        assert {"name": "kueue.x-k8s.io/admission"} in held["spec"]["schedulingGates"]
        for patch, words in (({"spec": {"schedulingGates": None}}, "Kueue opens the scheduling gates"), ({"metadata": {"labels": {QUEUE: None}}}, "")):
            with pytest.raises((ApiException, dynamic.exceptions.DynamicApiError)) as refused:
                pods.patch(name="x", namespace=NAMESPACE, body=patch, content_type="application/merge-patch+json")
            assert words in str(refused.value.body)
        pods.patch(name="x", namespace=NAMESPACE, body={"metadata": {"labels": {"note": "mine"}}}, content_type="application/merge-patch+json")
    finally:
        policed.kind("v1", "Pod").patch(name="x", namespace=NAMESPACE, body={"metadata": {"finalizers": None}},
                                        content_type="application/merge-patch+json")
        policed.delete(_pod(True))


def test_an_ephemeral_container_cannot_ask_for_a_gpu(policed: Cluster) -> None:
    body = _pod(True, containers=[_container(0)])
    body["metadata"]["labels"].pop(QUEUE)
    policed.create(body)
    try:
        patch = {"spec": {"ephemeralContainers": [{**_container(), "name": "debug"}]}}
        with pytest.raises(ApiException) as refused:
            policed.core.patch_namespaced_pod_ephemeralcontainers("x", NAMESPACE, patch)
        assert "resources" in str(refused.value.body)
    finally:
        policed.delete(body)
