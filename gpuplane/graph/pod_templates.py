"""Every pod that an object would make, in whatever kind it is written: the one place that knows where pods hide.

Rules about containers hold for a KServe predictor and a Ray worker as much as for a Deployment, so they all
read :func:`pod_templates` and no rule lists kinds of its own. Kinds that nobody taught this module are walked.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from gpuplane.graph.resource_view import SCALARS, ResourceView, Unknown, items, lookup, mapping, told

Steps = tuple[str | int, ...]
Role = Literal["container", "init", "ephemeral"]

KSERVE_GROUP = "serving.kserve.io"
KSERVE_CONTAINER = "kserve-container"
"""Name that KServe gives a model's container, and finds it by in a ServingRuntime."""
FRAMEWORKS = ("model", "sklearn", "xgboost", "tensorflow", "pytorch", "triton", "onnx", "huggingface", "pmml", "lightgbm",
              "paddle", "art")
"""Fields of an InferenceService's component that are a Container (``pkg/apis/serving/v1beta1`` of KServe v0.20)."""
TEMPLATE_KINDS = frozenset({
    "ServingRuntime", "ClusterServingRuntime", "PodTemplate", "LLMInferenceServiceConfig", "TrainingRuntime",
    "ClusterTrainingRuntime", "SandboxTemplate", "WorkflowTemplate", "ClusterWorkflowTemplate"})
"""Kinds that run nothing by themselves: other objects are made from them."""

_ROLES: Mapping[str, Role] = {"containers": "container", "initContainers": "init", "ephemeralContainers": "ephemeral"}
_CONTAINER_FIELDS = ("name", "image", "securityContext", "resources", "command", "args", "env", "envFrom", "ports",
                     "volumeMounts")
_COMPONENTS = ("predictor", "transformer", "explainer")
_CARRIERS = frozenset({
    *_COMPONENTS, "spec", "template", "podTemplate", "jobTemplate", "workerSpec", "worker", "prefill", "leaderWorkerTemplate",
    "leaderTemplate", "workerTemplate", "replicatedJobs", "headGroupSpec", "workerGroupSpecs", "rayClusterSpec",
    "rayClusterConfig", "tasks", "canary"})
"""Fields below which pods stand: where one is unknown, so are the pods."""
_POD_KINDS = frozenset({
    "Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob", "InferenceService",
    "LLMInferenceService", "LeaderWorkerSet", "JobSet", "RayCluster", "RayJob", "RayService", "TrainJob", "Workflow"})
_NO_PODS = ("apiextensions.k8s.io", "kyverno.io", "policies.kyverno.io", "templates.gatekeeper.sh", "constraints.gatekeeper.sh",
            "admissionregistration.k8s.io", "admission.k8s.io", "networking.k8s.io", "policy", "rbac.authorization.k8s.io",
            "scheduling.k8s.io", "storage.k8s.io")
"""API groups whose objects hold no pods, or schemas, patterns and requests that look like pods."""
_WITHOUT_PODS = frozenset({
    *(("", kind) for kind in ("ConfigMap", "Endpoints", "LimitRange", "Namespace", "PersistentVolume", "PersistentVolumeClaim",
                              "ResourceQuota", "Secret", "Service", "ServiceAccount")),
    *(("monitoring.coreos.com", kind) for kind in ("PrometheusRule", "PodMonitor", "ServiceMonitor")),
    *(("kueue.x-k8s.io", kind) for kind in ("ClusterQueue", "Cohort", "LocalQueue", "ResourceFlavor", "Topology", "WorkloadPriorityClass")),
    *(("external-secrets.io", kind) for kind in ("ClusterSecretStore", "ExternalSecret", "SecretStore"))})
"""Kinds, with their API group, that hold no pods in groups of which others do."""
_PATCHED_KINDS = ("Prometheus", "Alertmanager", "ThanosRuler", "PrometheusAgent")
"""Kinds whose containers may be patches of what their operator makes."""
_OF_A_WORKFLOW = ("securityContext", "serviceAccountName", "automountServiceAccountToken", "hostNetwork")
_SKIPPED = frozenset({*_ROLES, "podTemplateOverrides", "podSpecOverrides", "runtimePatches", "status"})
"""Fields below which no pods of their own stand: containers, and what overrides other objects' pods."""
_BESIDE = _SKIPPED | {"affinity", "dnsConfig", "nodeSelector", "securityContext", "tolerations", "topologySpreadConstraints", "volumes"}
"""Those of a PodSpec."""
_BESIDE_A_MODEL = _BESIDE | frozenset(FRAMEWORKS)
"""Those of an InferenceService's component."""


@dataclass(frozen=True)
class PodContainer:
    """One container.

    Attributes:
        path: dotted path in the object, e.g. ``spec.predictor.model``.
        name: its name; empty where it has none.
        role: ``container``, ``init`` or ``ephemeral``.
        spec: the Container.
    """

    path: str
    name: str
    role: Role
    spec: Mapping[str, Any]

    @cached_property
    def line(self) -> tuple[str, ...]:
        """Command and arguments, split where a shell would split them."""
        found: list[str] = []
        for item in [*items(self.spec.get("command")), *items(self.spec.get("args"))]:
            if not isinstance(item, (str, int, float)):
                continue
            try:
                found += shlex.split(str(item)) if any(space in str(item) for space in " \n\t") else [str(item)]
            except ValueError:  # a quote that is never closed
                found += str(item).split()
        return tuple(found)

    @cached_property
    def variables(self) -> tuple[tuple[str, Any, Any], ...]:
        """Name of each environment variable in ``env``, its value, and where else it comes from (``valueFrom``)."""
        return tuple((str(lookup(item, "name")), lookup(item, "value"), lookup(item, "valueFrom")) for item in items(self.spec.get("env")))

    @cached_property
    def flags(self) -> Mapping[str, str]:
        """Flags by name (hyphens, no dashes in front) with their last value; ``true`` for one without."""
        found: dict[str, str] = {}
        for word, after in zip(self.line, [*self.line[1:], ""], strict=False):  # an empty line has no next word either
            if word.startswith("--") and len(word) > 2:
                name, equals, value = word[2:].partition("=")
                found[name.replace("_", "-")] = value if equals else after if after and not after.startswith("-") else "true"
        return found


@dataclass(frozen=True)
class PodTemplate:
    """The pods of one part of an object.

    Attributes:
        path, steps: where the pod spec stands, dotted and step by step.
        labels, annotations: what the pods bear.
        spec: the PodSpec; for a KServe component with the component's own fields in it.
        containers: all of them, also init and ephemeral ones.
        unknown: paths whose containers only apply can know.
    """

    path: str
    steps: Steps
    labels: Mapping[str, Any]
    annotations: Mapping[str, Any]
    spec: Mapping[str, Any]
    containers: tuple[PodContainer, ...]
    unknown: tuple[str, ...] = ()


def pod_templates(view: ResourceView) -> tuple[PodTemplate, ...]:
    """Every pod template of an object, in the order it is written; none for schemas and policies about pods."""
    if not view.is_kubernetes or (group := view.group) in _NO_PODS or (group, view.kind) in _WITHOUT_PODS:
        return ()
    found: list[PodTemplate] = []
    _walk(view, view.props, (), view.group != "argoproj.io" and view.kind != "TrainJob", found)
    return tuple(found)


def is_patch(view: ResourceView, container: PodContainer) -> bool:
    """Whether a container is only some fields that another object's container gets: a TrainJob's trainer, a patch for an operator."""
    if view.kind == "TrainJob":
        return container.path == "spec.trainer"
    return view.kind in _PATCHED_KINDS and "image" not in container.spec


def dotted(steps: Steps) -> str:
    """``("spec", "tasks", 0)`` as ``spec.tasks[0]``."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _walk(view: ResourceView, value: Any, steps: Steps, plain: bool, found: list[PodTemplate]) -> None:
    """``plain``: containers stand only in the lists that a PodSpec has, and in KServe's components."""
    if type(value) is dict or isinstance(value, Mapping):
        component, skipped = _is_component(view, steps), _SKIPPED
        if (not plain or component or not _ROLES.keys().isdisjoint(value)) and (here := tuple(_here(view, value, steps))):
            found += here
            skipped = _BESIDE_A_MODEL if component else _BESIDE
        for key, item in value.items():
            if type(item) not in SCALARS and key not in skipped and not (key == "metadata" and not steps):
                _walk(view, item, (*steps, key), plain, found)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            if type(item) not in SCALARS:
                _walk(view, item, (*steps, index), plain, found)
    elif isinstance(value, Unknown) and steps[-1] in _CARRIERS and (len(steps) > 1 or view.kind in _POD_KINDS):
        found.append(PodTemplate(dotted(steps), steps, {}, {}, {}, (), (dotted(steps),)))


def _here(view: ResourceView, value: Mapping[str, Any], steps: Steps) -> Iterator[PodTemplate]:
    """The template that a mapping is, if it is one."""
    found = tuple(_containers(view, value, steps))
    keys = (*_ROLES, *FRAMEWORKS) if _is_component(view, steps) else _ROLES
    unknown = tuple(dotted((*steps, *at)) for at in _places(value, keys) if isinstance(lookup(value, *at), Unknown))
    if found or unknown or _is_component(view, steps):
        labels, annotations = (_worn(view, steps, what) for what in ("labels", "annotations"))
        yield PodTemplate(dotted(steps), steps, labels, annotations, _pod_spec(view, value, steps), found, unknown)


def _pod_spec(view: ResourceView, value: Mapping[str, Any], steps: Steps) -> Mapping[str, Any]:
    """The PodSpec; a template of an Argo workflow with what the workflow says for all of its pods (WorkflowSpec, Argo Workflows v3)."""
    if view.group != "argoproj.io" or "templates" not in steps:
        return value
    template = value if steps[-1] != "containerSet" else mapping(lookup(view.props, *steps[:-1]))
    workflow = mapping(lookup(view.props, *steps[:steps.index("templates")]))
    inherited = {key: source[key] for source in (workflow, template) for key in _OF_A_WORKFLOW if source.get(key) is not None}
    lists = [source.get("volumes") for source in (template, workflow)]
    hidden = next((volumes for volumes in lists if isinstance(volumes, Unknown)), None)
    return {**value, **inherited, "volumes": hidden if hidden is not None else [item for volumes in lists for item in items(volumes)]}


def _places(value: Mapping[str, Any], keys: Iterable[str]) -> Iterator[Steps]:
    """Where containers stand: the fields, and each element of one that is a list."""
    for key in keys:
        yield (key,)
        yield from ((key, index) for index in range(len(items(value.get(key)))))


def _containers(view: ResourceView, spec: Mapping[str, Any], steps: Steps) -> Iterator[PodContainer]:
    roles = {**_ROLES, "sidecars": _ROLES["containers"]} if view.group == "argoproj.io" else _ROLES
    for key, role in roles.items():
        for index, item in enumerate(items(spec.get(key))):
            if isinstance(item, Mapping) and any(field in item for field in _CONTAINER_FIELDS):
                yield PodContainer(dotted((*steps, key, index)), str(told(item, "name") or ""), role, item)
    for key, item in _single_containers(view, spec, steps):
        yield PodContainer(dotted((*steps, key)), str(told(item, "name") or _implied_name(view, key)), "container", item)


def _single_containers(view: ResourceView, spec: Mapping[str, Any], steps: Steps) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Fields that are one Container: KServe's frameworks, Argo's container and script, Kubeflow's trainer."""
    keys: tuple[str, ...] = ()
    if _is_component(view, steps):
        keys = FRAMEWORKS
    elif view.group == "argoproj.io":
        keys = ("container", "script")
    for key in keys:
        if isinstance(spec.get(key), Mapping):
            yield key, spec[key]
    trainer = spec.get("trainer")
    if view.kind == "TrainJob" and isinstance(trainer, Mapping):
        yield "trainer", {**trainer, "resources": trainer.get("resourcesPerNode")}


def _implied_name(view: ResourceView, key: str) -> str:
    return KSERVE_CONTAINER if view.group == KSERVE_GROUP else key


def _is_component(view: ResourceView, steps: Steps) -> bool:
    """Whether an InferenceService's component (or a canary of one) stands here: it is a pod even with nothing in it."""
    if not steps or steps[-1] not in _COMPONENTS or not (len(steps) == 2 or steps[1] == "canary"):
        return False
    return view.kind == "InferenceService" and view.group == KSERVE_GROUP


def _worn(view: ResourceView, steps: Steps, what: str) -> Mapping[str, Any]:
    """Labels or annotations of the pods: of the template's metadata, and what KServe hands down from the object."""
    if view.group == KSERVE_GROUP:
        own = mapping(view.get("metadata", what))
        return {**own, **mapping(view.get("spec", what)), **mapping(view.get(*steps, what))}
    parent = lookup(view.props, *steps[:-1]) if steps and steps[-1] == "spec" else None
    return mapping(lookup(parent, "metadata", what))
