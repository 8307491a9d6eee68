"""Pods are found in every kind, with paths that a reader can follow."""

import pytest

from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.pod_templates import pod_templates
from gpuplane.graph.resource_view import Unknown
from gpuplane.graph.serving_runtimes import effective_templates

C = "{containers: [{name: c, image: i}]}"
KINDS = {
    "Pod": ("v1", f"spec: {C}", ["spec.containers[0]"]),
    "Deployment": ("apps/v1", f"spec: {{template: {{spec: {C}}}}}", ["spec.template.spec.containers[0]"]),
    "StatefulSet": ("apps/v1", f"spec: {{template: {{spec: {C}}}}}", ["spec.template.spec.containers[0]"]),
    "DaemonSet": ("apps/v1", f"spec: {{template: {{spec: {C}}}}}", ["spec.template.spec.containers[0]"]),
    "ReplicationController": ("v1", f"spec: {{template: {{spec: {C}}}}}", ["spec.template.spec.containers[0]"]),
    "PodTemplate": ("v1", f"template: {{spec: {C}}}", ["template.spec.containers[0]"]),
    "CronJob": ("batch/v1", f"spec: {{jobTemplate: {{spec: {{template: {{spec: {C}}}}}}}}}", ["spec.jobTemplate.spec.template.spec.containers[0]"]),
    "ServingRuntime": ("serving.kserve.io/v1alpha1", "spec: {containers: [{name: c}], workerSpec: {containers: [{name: w}]}}",
                       ["spec.containers[0]", "spec.workerSpec.containers[0]"]),
    "LLMInferenceService": (
        "serving.kserve.io/v1alpha2",
        f"spec: {{template: {C}, worker: {C}, prefill: {{template: {C}, worker: {C}}}, router: {{scheduler: {{template: {C}}}}}}}",
        ["spec.template.containers[0]", "spec.worker.containers[0]", "spec.prefill.template.containers[0]",
         "spec.prefill.worker.containers[0]", "spec.router.scheduler.template.containers[0]"]),
    "LeaderWorkerSet": ("leaderworkerset.x-k8s.io/v1",
                        f"spec: {{leaderWorkerTemplate: {{leaderTemplate: {{spec: {C}}}, workerTemplate: {{spec: {C}}}}}}}",
                        ["spec.leaderWorkerTemplate.leaderTemplate.spec.containers[0]",
                         "spec.leaderWorkerTemplate.workerTemplate.spec.containers[0]"]),
    "JobSet": ("jobset.x-k8s.io/v1alpha2", f"spec: {{replicatedJobs: [{{template: {{spec: {{template: {{spec: {C}}}}}}}}}]}}",
               ["spec.replicatedJobs[0].template.spec.template.spec.containers[0]"]),
    "RayService": ("ray.io/v1", (f"spec: {{rayClusterConfig: {{headGroupSpec: {{template: {{spec: {C}}}}}, workerGroupSpecs: [{{template: "
                                f"{{spec: {C}}}}}]}}}}"),
                   ["spec.rayClusterConfig.headGroupSpec.template.spec.containers[0]",
                    "spec.rayClusterConfig.workerGroupSpecs[0].template.spec.containers[0]"]),
    "Job": ("batch.volcano.sh/v1alpha1", f"spec: {{tasks: [{{template: {{spec: {C}}}}}]}}", ["spec.tasks[0].template.spec.containers[0]"]),
    "TrainJob": ("trainer.kubeflow.org/v1alpha1", "spec: {trainer: {image: i, resourcesPerNode: {limits: {nvidia.com/gpu: 8}}}}", ["spec.trainer"]),
    "Workflow": ("argoproj.io/v1alpha1", "spec: {templates: [{container: {image: i}}, {script: {image: i}}]}",
                 ["spec.templates[0].container", "spec.templates[1].script"]),
    "Something": ("example.com/v1", f"spec: {{deep: [{{er: {C}}}]}}", ["spec.deep[0].er.containers[0]"]),
    "CustomResourceDefinition": ("apiextensions.k8s.io/v1", f"spec: {C}", []),
    "ClusterPolicy": ("kyverno.io/v1", f"spec: {{rules: [{{validate: {{pattern: {{spec: {C}}}}}}}]}}", []),
    "ConfigMap": ("v1", "data: {containers: text}", []),
}


@pytest.mark.parametrize(("kind", "version", "body", "paths"), [(kind, *rest) for kind, rest in KINDS.items()], ids=KINDS)
def test_containers_are_found_in_every_kind(kind: str, version: str, body: str, paths: list[str]) -> None:
    (view,) = views_of_text(f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x}}\n{body}\n")

    assert [container.path for template in pod_templates(view) for container in template.containers] == paths


def _service(predictor: str, extra: str = "") -> str:
    return ("apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: chat, namespace: a, labels: {l: own}}\n"
            f"spec: {{predictor: {predictor}{extra}}}\n")


def test_every_component_of_an_inference_service_is_a_pod() -> None:
    (view,) = views_of_text(_service(
        "{model: {image: m}, initContainers: [{name: i}], workerSpec: {containers: [{name: w}]}}",
        ", transformer: {containers: [{name: t}]}, explainer: {art: {image: e}}, canary: [{trafficPercent: 5, predictor: {sklearn: {image: s}}}]"))

    templates = pod_templates(view)

    assert [template.path for template in templates] == [
        "spec.predictor", "spec.predictor.workerSpec", "spec.transformer", "spec.explainer", "spec.canary[0].predictor"]
    assert [(each.path, each.name, each.role) for each in templates[0].containers] == [
        ("spec.predictor.initContainers[0]", "i", "init"), ("spec.predictor.model", "kserve-container", "container")]
    assert templates[0].labels["l"] == "own"


def test_a_predictor_with_nothing_in_it_is_still_a_pod() -> None:
    assert [template.path for template in pod_templates(views_of_text(_service("{}"))[0])] == ["spec.predictor"]


def test_roles_and_labels_of_a_deployment() -> None:
    (view,) = views_of_text("""
apiVersion: apps/v1
kind: Deployment
metadata: {name: x, labels: {app: not-the-pods}}
spec:
  template:
    metadata: {labels: {app: pods}, annotations: {a: b}}
    spec: {containers: [{name: c}], initContainers: [{name: i}], ephemeralContainers: [{name: e}]}
""")

    (template,) = pod_templates(view)

    assert [(each.name, each.role) for each in template.containers] == [("c", "container"), ("i", "init"), ("e", "ephemeral")]
    assert (template.labels, template.annotations) == ({"app": "pods"}, {"a": "b"})


def test_a_component_of_ours_that_bears_a_kinds_name_has_no_pods() -> None:
    from gpuplane.graph.resource_view import ResourceView

    assert pod_templates(ResourceView(urn="u", type="gpuplane:index:InferenceService", kind="InferenceService",
                                      props={"predictor": {"model": {"image": "x"}}})) == ()


RUNTIME = """
apiVersion: serving.kserve.io/v1alpha1
kind: %s
metadata: {name: vllm, namespace: %s}
spec:
  nodeSelector: {a: runtime, b: runtime}
  containers:
    - name: kserve-container
      image: runtime
      args: [--port=8080]
      env: [{name: A, value: runtime}, {name: B, value: runtime}]
      resources: {requests: {cpu: 1, memory: 2Gi}, limits: {memory: 2Gi}}
    - {name: sidecar, image: side}
---
"""
MODEL = ("{nodeSelector: {a: own}, model: {runtime: vllm, args: [--max-model-len=1], env: [{name: A, value: own}], "
         "resources: {requests: {memory: 9Gi}, limits: {nvidia.com/gpu: 1}}}}")


def _effective(text: str) -> tuple[PlannedGraph, list[object]]:
    graph = PlannedGraph(views_of_text(text))
    (view,) = graph.objects("InferenceService")
    return graph, list(effective_templates(graph, view))


@pytest.mark.parametrize("kind", ["ServingRuntime", "ClusterServingRuntime"])
def test_a_model_is_merged_over_its_runtime(kind: str) -> None:
    graph = PlannedGraph(views_of_text(RUNTIME % (kind, "a") + _service(MODEL)))

    (template,) = effective_templates(graph, graph.objects("InferenceService")[0])
    model = next(each for each in template.containers if each.name == "kserve-container")

    assert model.path == "spec.predictor.model"
    assert model.spec["args"] == ["--port=8080", "--max-model-len=1"]
    assert model.spec["resources"] == {"requests": {"cpu": 1, "memory": "9Gi"}, "limits": {"memory": "2Gi", "nvidia.com/gpu": 1}}
    assert [(each["name"], each["value"]) for each in model.spec["env"]] == [("A", "own"), ("B", "runtime")]
    assert template.spec["nodeSelector"] == {"a": "own", "b": "runtime"}
    assert {each.name for each in template.containers} == {"kserve-container", "sidecar"}


def test_a_runtime_of_another_namespace_or_none_merges_nothing() -> None:
    for text in (RUNTIME % ("ServingRuntime", "elsewhere"), ""):
        graph = PlannedGraph(views_of_text(text + _service(MODEL)))
        (template,) = effective_templates(graph, graph.objects("InferenceService")[0])

        assert [each.spec.get("image") for each in template.containers] == [None]


def test_unknown_containers_are_told_and_not_dropped() -> None:
    from dataclasses import replace

    (view,) = views_of_text(_service("{}"))
    hidden = replace(view, props={**view.props, "spec": {"predictor": {"model": Unknown("u", "p")}}})

    assert [template.unknown for template in pod_templates(hidden)] == [("spec.predictor.model",)]
