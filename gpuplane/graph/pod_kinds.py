"""Kinds whose pods an admission policy of the API server can find: where the pod specs stand, kind by kind.

:func:`gpuplane.graph.pod_templates.pod_templates` walks any object; an expression of the API server cannot walk, so it needs the paths.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PodKind:
    """One kind.

    Attributes:
        group, resource, kind: as the API server names it.
        paths: where its pod specs stand; ``[*]`` is every item of a list, ``{*}`` every value of a map.
        whole: whether what is written there is all that the pods get; else an operator adds to it (a ServingRuntime's container).
    """

    group: str
    resource: str
    kind: str
    paths: tuple[str, ...]
    whole: bool = True


_TEMPLATE = ("spec.template.spec",)
_REPLICA_JOBS = (("pytorchjobs", "PyTorchJob", "pytorchReplicaSpecs"), ("tfjobs", "TFJob", "tfReplicaSpecs"),
                 ("mpijobs", "MPIJob", "mpiReplicaSpecs"))


def _ray(prefix: str) -> tuple[str, ...]:
    return (f"{prefix}.headGroupSpec.template.spec", f"{prefix}.workerGroupSpecs[*].template.spec")


POD_KINDS = (
    PodKind("", "pods", "Pod", ("spec",)),
    PodKind("", "replicationcontrollers", "ReplicationController", _TEMPLATE),
    PodKind("apps", "daemonsets", "DaemonSet", _TEMPLATE),
    PodKind("apps", "deployments", "Deployment", _TEMPLATE),
    PodKind("apps", "replicasets", "ReplicaSet", _TEMPLATE),
    PodKind("apps", "statefulsets", "StatefulSet", _TEMPLATE),
    PodKind("batch", "cronjobs", "CronJob", ("spec.jobTemplate.spec.template.spec",)),
    PodKind("batch", "jobs", "Job", _TEMPLATE),
    PodKind("batch.volcano.sh", "jobs", "Job", ("spec.tasks[*].template.spec",)),
    PodKind("jobset.x-k8s.io", "jobsets", "JobSet", ("spec.replicatedJobs[*].template.spec.template.spec",)),
    *(PodKind("kubeflow.org", resource, kind, (f"spec.{field}{{*}}.template.spec",)) for resource, kind, field in _REPLICA_JOBS),
    PodKind("leaderworkerset.x-k8s.io", "leaderworkersets", "LeaderWorkerSet",
            ("spec.leaderWorkerTemplate.leaderTemplate.spec", "spec.leaderWorkerTemplate.workerTemplate.spec")),
    PodKind("ray.io", "rayclusters", "RayCluster", _ray("spec")),
    PodKind("ray.io", "rayjobs", "RayJob", _ray("spec.rayClusterSpec")),
    PodKind("ray.io", "rayservices", "RayService", _ray("spec.rayClusterConfig")),
    PodKind("serving.kserve.io", "inferenceservices", "InferenceService",
            ("spec.predictor", "spec.predictor.workerSpec", "spec.transformer", "spec.explainer"), whole=False),
    PodKind("serving.kserve.io", "llminferenceservices", "LLMInferenceService",
            ("spec.template", "spec.worker", "spec.prefill.template", "spec.prefill.worker", "spec.router.scheduler.template"),
            whole=False),
    PodKind("serving.kserve.io", "servingruntimes", "ServingRuntime", ("spec", "spec.workerSpec"), whole=False),
)
"""Pods come first: whatever makes them, they pass there last. Cluster-scoped templates are left to the pods."""
