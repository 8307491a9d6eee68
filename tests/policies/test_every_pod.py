"""The workload rules hold for every pod of every kind: wherever its template stands, init and ephemeral containers too."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView, Unknown
from gpuplane.policies.finding import Verdict
from gpuplane.policies.registry import all_rules
from gpuplane.spec.policies import Policies

RULES = {rule.id: rule for rule in all_rules() if rule.id.startswith("WS-")}
BAD_CONTAINER = {
    "name": "bad", "image": "bad", "ports": [{"containerPort": 80, "hostPort": 80}],
    "livenessProbe": {"httpGet": {"port": 80, "host": "example.com"}},
    "securityContext": {
        "privileged": True, "allowPrivilegeEscalation": True, "runAsNonRoot": False, "runAsUser": 0, "capabilities": {"add": ["NET_ADMIN"]},
        "seccompProfile": {"type": "Unconfined"}, "procMount": "Unmasked", "seLinuxOptions": {"type": "spc_t"},
        "windowsOptions": {"hostProcess": True}}}
GOOD_CONTAINER = {
    "name": "good", "image": "good", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
    "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}}
GOOD_POD = {"serviceAccountName": "server", "automountServiceAccountToken": False, "containers": [GOOD_CONTAINER],
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}}
BAD_POD = {"hostNetwork": True, "shareProcessNamespace": True, "containers": [GOOD_CONTAINER, BAD_CONTAINER],
           "securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]},
           "volumes": [{"name": "docker", "hostPath": {"path": "/run/docker.sock"}}]}

Pod = Mapping[str, Any]
KINDS: dict[tuple[str, str], Callable[[Pod], Any]] = {
    ("v1", "Pod"): lambda pod: pod,
    ("v1", "PodTemplate"): lambda pod: None,
    ("apps/v1", "Deployment"): lambda pod: {"template": {"spec": pod}},
    ("batch/v1", "CronJob"): lambda pod: {"jobTemplate": {"spec": {"template": {"spec": pod}}}},
    ("jobset.x-k8s.io/v1alpha2", "JobSet"): lambda pod: {"replicatedJobs": [{"name": "a", "template": {"spec": {"template": {"spec": pod}}}}]},
    ("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet"): lambda pod: {"leaderWorkerTemplate": {"workerTemplate": {"spec": pod}}},
    ("ray.io/v1", "RayCluster"): lambda pod: {"workerGroupSpecs": [{"groupName": "a", "template": {"spec": pod}}]},
    ("ray.io/v1", "RayJob"): lambda pod: {"rayClusterSpec": {"headGroupSpec": {"template": {"spec": pod}}}},
    ("serving.kserve.io/v1beta1", "InferenceService"): lambda pod: {"predictor": pod},
    ("serving.kserve.io/v1alpha2", "LLMInferenceService"): lambda pod: {"template": pod},
    ("argoproj.io/v1alpha1", "Workflow"): lambda pod: {
        "templates": [{"name": "a", "container": pod["containers"][-1], "sidecars": pod["containers"][:-1]}],
        **{key: value for key, value in pod.items() if key != "containers"}},
    ("argoproj.io/v1alpha1", "CronWorkflow"): lambda pod: {"workflowSpec": {
        "templates": [{"name": "a", "containerSet": {"containers": pod["containers"]}}],
        **{key: value for key, value in pod.items() if key != "containers"}}},
    ("example.com/v1", "Unheard"): lambda pod: {"deep": [{"down": {"template": {"spec": pod}}}]},
}


def _object(api_version: str, kind: str, pod: Pod) -> ResourceView:
    spec = KINDS[api_version, kind](pod)
    body = {"template": {"spec": pod}} if spec is None else {"spec": spec}
    return ResourceView(urn="urn:x", api_version=api_version, kind=kind, name="x", namespace="support", props={
        "apiVersion": api_version, "kind": kind, "metadata": {"name": "x", "namespace": "support"}, **body})


def _found(rule: str, view: ResourceView, parameters: Policies | None = None) -> list[tuple[Verdict, str]]:
    graph = PlannedGraph([view], parameters=parameters or Policies())
    return [(finding.verdict, finding.field) for finding in RULES[rule].check(graph)]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("api_version", "kind"), KINDS)
def test_a_pod_is_judged_wherever_it_stands(api_version: str, kind: str, rule: str) -> None:
    if (rule, api_version.partition("/")[0]) != ("WS-22", "argoproj.io"):  # a workflow has no such field
        assert Verdict.FAIL in [verdict for verdict, _ in _found(rule, _object(api_version, kind, BAD_POD))]
    assert _found(rule, _object(api_version, kind, GOOD_POD)) == []


@pytest.mark.parametrize("rule", sorted(set(RULES) - {"WS-02", "WS-03", "WS-13", "WS-15", "WS-18", "WS-19", "WS-20", "WS-21", "WS-22"}))
@pytest.mark.parametrize("role", ["initContainers", "ephemeralContainers"])
def test_init_and_ephemeral_containers_are_judged_as_others_are(rule: str, role: str) -> None:
    found = _found(rule, _object("v1", "Pod", {**GOOD_POD, role: [BAD_CONTAINER]}))

    assert found
    assert all(field.startswith(f"spec.{role}[0]") for _, field in found)


HIDDEN: list[tuple[str, tuple[str, ...]]] = [
    ("WS-02", ("hostPID",)), ("WS-03", ("volumes",)), ("WS-04", ("containers", "ports")), ("WS-15", ("volumes",)),
    ("WS-18", ("automountServiceAccountToken",)), ("WS-19", ("serviceAccountName",)), ("WS-21", ("volumes",)),
    ("WS-22", ("shareProcessNamespace",)),
    *((f"WS-{number}", ("securityContext",)) for number in ("06", "07", "10", "13", "14", "17")),
    *((f"WS-{number}", ("containers", "securityContext")) for number in ("01", "05", "06", "07", "08", "09", "10", "11", "12", "14", "17"))]


@pytest.mark.parametrize(("rule", "path"), HIDDEN, ids=[f"{rule} {'.'.join(path)}" for rule, path in HIDDEN])
def test_what_only_apply_can_know_is_unknown(rule: str, path: tuple[str, ...]) -> None:
    hidden = Unknown("urn:y", path[-1])
    pod = {**GOOD_POD, "containers": [{**GOOD_CONTAINER, path[-1]: hidden}]} if path[0] == "containers" else {**GOOD_POD, path[0]: hidden}

    assert {verdict for verdict, _ in _found(rule, _object("v1", "Pod", pod))} == {Verdict.UNKNOWN}


@pytest.mark.parametrize(("kind", "namespace", "path", "allowed"), [
    ("DaemonSet", "agents", "/var/log", True), ("DaemonSet", "agents", "/var/log/", False), ("DaemonSet", "agents", "/var", False),
    ("Deployment", "agents", "/var/log", False), ("DaemonSet", "support", "/var/log", False)])
def test_a_path_of_the_node_is_for_the_platforms_daemonsets(kind: str, namespace: str, path: str, allowed: bool) -> None:
    tenant = ResourceView(urn="ns", api_version="v1", kind="Namespace", name="support", props={
        "metadata": {"name": "support", "labels": {"gpuplane.dev/tenant": "support"}}})
    agent = ResourceView(urn="agent", api_version="apps/v1", kind=kind, name="agent", namespace=namespace, props={"spec": {"template": {"spec": {
        "containers": [GOOD_CONTAINER], "volumes": [{"name": "logs", "hostPath": {"path": path}}]}}}})
    graph = PlannedGraph([tenant, agent], parameters=Policies(platform_host_paths=("/var/log",)))

    assert [finding.verdict for finding in RULES["WS-03"].check(graph)] == ([] if allowed else [Verdict.FAIL])


@pytest.mark.parametrize(("path", "holds"), [
    ("/", True), ("/run", True), ("/var/run/", True), ("/run/containerd", True), ("/run/crio/crio.sock", True), ("/any/where.sock", True),
    ("/var", False), ("/var/lib/kubelet", False), ("/run/udev", False), ("/var/runner", False)])
def test_a_directory_with_a_runtimes_socket_is_the_socket(path: str, holds: bool) -> None:
    pod = {**GOOD_POD, "volumes": [{"name": "v", "hostPath": {"path": path}}]}

    assert bool(_found("WS-21", _object("v1", "Pod", pod))) is holds
