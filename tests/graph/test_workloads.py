"""How many GPUs a workload takes at least and at most, by kind."""

import pytest

from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.workloads import Workload, devices_of, gpu_workloads

G = "{containers: [{name: c, image: i, resources: {limits: {nvidia.com/gpu: 2}}}]}"


def _workloads(text: str) -> list[Workload]:
    return list(gpu_workloads(PlannedGraph(views_of_text(text))))


def _object(version: str, kind: str, spec: str, meta: str = "name: x, namespace: n") -> str:
    return f"apiVersion: {version}\nkind: {kind}\nmetadata: {{{meta}}}\nspec: {spec}\n---\n"


SERVICE = ("serving.kserve.io/v1beta1", "InferenceService")
STANDARD = "name: x, namespace: n, annotations: {serving.kserve.io/deploymentMode: Standard}"
HPA = _object("autoscaling/v2", "HorizontalPodAutoscaler", "{scaleTargetRef: {kind: Deployment, name: x}, minReplicas: 2, maxReplicas: 6}")
KEDA = _object("keda.sh/v1alpha1", "ScaledObject", "{scaleTargetRef: {name: x}}")

SCALES = {
    "a Pod": (_object("v1", "Pod", G), [(1, 1, 0)]),
    "a Deployment's defaults": (_object("apps/v1", "Deployment", f"{{template: {{spec: {G}}}}}"), [(1, 1, 1)]),
    "a Deployment's surge in per cent": (_object(
        "apps/v1", "Deployment", f"{{replicas: 10, strategy: {{rollingUpdate: {{maxSurge: 15%}}}}, template: {{spec: {G}}}}}"), [(10, 10, 2)]),
    "a Deployment that is recreated": (_object("apps/v1", "Deployment", f"{{replicas: 3, strategy: {{type: Recreate}}, template: {{spec: {G}}}}}"),
                                       [(3, 3, 0)]),
    "an HPA's bounds": (_object("apps/v1", "Deployment", f"{{replicas: 1, template: {{spec: {G}}}}}") + HPA, [(2, 6, 2)]),
    "KEDA's defaults": (_object("apps/v1", "Deployment", f"{{replicas: 1, strategy: {{type: Recreate}}, template: {{spec: {G}}}}}") + KEDA,
                        [(0, 100, 0)]),
    "a StatefulSet": (_object("apps/v1", "StatefulSet", f"{{replicas: 3, template: {{spec: {G}}}}}"), [(3, 3, 0)]),
    "a DaemonSet has no maximum": (_object("apps/v1", "DaemonSet", f"{{template: {{spec: {G}}}}}"), [(1, None, 0)]),
    "a Job's parallelism": (_object("batch/v1", "Job", f"{{parallelism: 4, template: {{spec: {G}}}}}"), [(4, 4, 0)]),
    "a JobSet multiplies": (_object("jobset.x-k8s.io/v1alpha2", "JobSet",
                                    f"{{replicatedJobs: [{{replicas: 2, template: {{spec: {{parallelism: 3, template: {{spec: {G}}}}}}}}}]}}"),
                            [(6, 6, 0)]),
    "a Ray worker group": (_object("ray.io/v1", "RayCluster",
                                   f"{{workerGroupSpecs: [{{minReplicas: 1, maxReplicas: 4, numOfHosts: 2, template: {{spec: {G}}}}}]}}"),
                           [(2, 8, 0)]),
    "a LeaderWorkerSet": (_object("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", f"{{replicas: 2, leaderWorkerTemplate: {{size: 4, leaderTemplate: "
                                  f"{{spec: {G}}}, workerTemplate: {{spec: {G}}}}}}}"), [(2, 2, 0), (6, 6, 0)]),
    "a LeaderWorkerSet of workers alone": (_object("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet",
                                                   f"{{replicas: 2, leaderWorkerTemplate: {{size: 4, workerTemplate: {{spec: {G}}}}}}}"), [(8, 8, 0)]),
    "an InferenceService": (_object(*SERVICE, f"{{predictor: {{minReplicas: 2, maxReplicas: 5, {G[1:-1]}}}}}", STANDARD), [(2, 5, 2)]),
    "an InferenceService without a maximum": (_object(*SERVICE, f"{{predictor: {{minReplicas: 3, {G[1:-1]}}}}}", STANDARD), [(3, 3, 1)]),
    "an InferenceService from zero": (_object(*SERVICE, f"{{predictor: {{minReplicas: 0, {G[1:-1]}}}}}", STANDARD), [(1, 1, 1)]),
    "an InferenceService on Knative": (_object(*SERVICE, f"{{predictor: {{{G[1:-1]}}}}}"), [(1, None, 0)]),
    "an InferenceService that is stopped": (_object(*SERVICE, f"{{predictor: {{maxReplicas: 2, {G[1:-1]}}}}}",
                                                    STANDARD[:-1] + ', serving.kserve.io/stop: "true"}'), [(0, 2, 1)]),
    "an LLMInferenceService": (_object("serving.kserve.io/v1alpha2", "LLMInferenceService",
                                       f"{{scaling: {{minReplicas: 1, maxReplicas: 4}}, template: {G}}}"), [(1, 4, 1)]),
    "a group of data parallel nodes": (_object("serving.kserve.io/v1alpha2", "LLMInferenceService",
                                               f"{{replicas: 2, parallelism: {{data: 8, dataLocal: 4}}, template: {G}, worker: {G}}}"),
                                       [(2, 2, 0), (2, 2, 0)]),
    "a runtime runs nothing": (_object("serving.kserve.io/v1alpha1", "ServingRuntime", G), []),
}


@pytest.mark.parametrize(("text", "scales"), SCALES.values(), ids=SCALES)
def test_pods_at_least_at_most_and_while_rolling_out(text: str, scales: list[tuple[int, int | None, int]]) -> None:
    found = _workloads(text)

    assert [(each.scale.minimum, each.scale.maximum, each.scale.surge) for each in found] == scales
    assert all(each.devices == {"nvidia.com/gpu": 2} and each.unknown == () for each in found)


def test_an_autoscaler_of_kserves_deployment_counts() -> None:
    hpa = HPA.replace("name: x}", "name: x-predictor}", 1)
    (found,) = _workloads(_object(*SERVICE, f"{{predictor: {{minReplicas: 1, maxReplicas: 2, {G[1:-1]}}}}}", STANDARD) + hpa)

    assert (found.scale.minimum, found.scale.maximum) == (2, 6)


def test_containers_add_up_and_the_greediest_init_container_counts_alone() -> None:
    def container(name: str, gpus: int, extra: str = "") -> str:
        return f"{{name: {name}, resources: {{requests: {{nvidia.com/gpu: {gpus}}}}}{extra}}}"

    (found,) = _workloads(_object("v1", "Pod", f"{{containers: [{container('a', 1)}, {container('b', 2)}], initContainers: "
                                  f"[{container('i', 5)}, {container('j', 4)}, {container('s', 1, ', restartPolicy: Always')}]}}"))

    assert devices_of(found.template) == {"nvidia.com/gpu": 5}


@pytest.mark.parametrize("count", ["many", "-1", "1.5", "true"])
def test_a_count_that_is_no_count_is_unknown(count: str) -> None:
    (found,) = _workloads(_object("apps/v1", "StatefulSet", f"{{replicas: {count}, template: {{spec: {G}}}}}"))

    assert found.unknown == ("spec.replicas",)


def test_pods_without_gpus_are_no_gpu_workloads() -> None:
    assert _workloads(_object("v1", "Pod", "{containers: [{name: c, resources: {limits: {cpu: 1}}}]}")) == []
