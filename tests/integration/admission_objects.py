"""Examples of rules as a real API server takes them: completed to valid objects, and the pods that each would make."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from gpuplane.graph.pod_kinds import POD_KINDS
from gpuplane.graph.pod_templates import PodTemplate, pod_templates
from gpuplane.graph.resource_view import ResourceView

_POD_FIELDS = ("hostPID", "hostIPC", "hostNetwork", "hostUsers", "securityContext", "volumes", "serviceAccountName", "shareProcessNamespace",
               "os", "tolerations", "automountServiceAccountToken", "resources")
_CONTAINER_FIELDS = ("image", "command", "args", "env", "ports", "resources", "securityContext", "livenessProbe", "readinessProbe",
                     "startupProbe", "lifecycle", "volumeMounts", "restartPolicy")
_IMAGE = f"registry.example.com/any:v1@sha256:{'0' * 64}"
_ROLES = {"container": "containers", "init": "initContainers", "ephemeral": "ephemeralContainers"}
_MARKED = {(kind.group, kind.kind) for kind in POD_KINDS}


def plain(view: ResourceView) -> dict[str, Any]:
    """A copy of the object that can be changed."""
    return copy.deepcopy(_thawed(view.props))


def has_policed_kind(view: ResourceView) -> bool:
    """Whether admission policies look at the pods of this kind."""
    return (view.group, view.kind) in _MARKED


def projected_pods(view: ResourceView) -> Iterator[dict[str, Any]]:
    """A Pod for each pod template of an object, as its controller would make it; without what only the controller adds."""
    for template in pod_templates(view) if view.kind != "Pod" and not view.kind.endswith("ServingRuntime") else ():
        if "logger" in template.spec:
            continue  # KServe's agent is the controller's, and nothing of it stands in the pod before
        yield completed({"apiVersion": "v1", "kind": "Pod", "spec": _pod_spec(template), "metadata": {
            "name": view.name, "labels": dict(template.labels), "annotations": dict(template.annotations)}})


def _pod_spec(template: PodTemplate) -> dict[str, Any]:
    spec: dict[str, Any] = {name: _thawed(template.spec[name]) for name in _POD_FIELDS if name in template.spec}
    for container in template.containers:
        fields = {name: _thawed(container.spec[name]) for name in _CONTAINER_FIELDS if name in container.spec}
        spec.setdefault(_ROLES[container.role], []).append({"name": container.name, **fields})
    return spec


def completed(body: dict[str, Any]) -> dict[str, Any]:
    """The object with what the API server asks for and no rule looks at; ephemeral containers stay where they are."""
    spec = body.setdefault("spec", {}) if body["kind"] not in ("Secret", "ConfigMap", "Namespace", "ServiceAccount") else {}
    kind = body["kind"]
    if kind == "Pod":
        _complete_pod(spec)
    elif kind == "CronJob":
        spec.setdefault("schedule", "0 0 1 1 *")
        _complete_pod(spec["jobTemplate"]["spec"]["template"]["spec"], restartPolicy="Never")
    elif kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"):
        _complete_template(kind, spec)
    elif kind == "RayCluster":
        for group in (spec.setdefault("headGroupSpec", {}), *spec.get("workerGroupSpecs", ())):
            group.setdefault("rayStartParams", {})
            _complete_pod(group.setdefault("template", {}).setdefault("spec", {}))
    elif kind == "HorizontalPodAutoscaler":
        spec.setdefault("scaleTargetRef", {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"})
    return body


def _complete_template(kind: str, spec: dict[str, Any]) -> None:
    if kind != "Job":
        spec["selector"] = {"matchLabels": {"app": "x"}}
        spec["template"].setdefault("metadata", {}).setdefault("labels", {})["app"] = "x"
    _complete_pod(spec["template"]["spec"], **({"restartPolicy": "Never"} if kind == "Job" else {}))


def _complete_pod(spec: dict[str, Any], **fields: Any) -> None:
    spec.update(fields)
    if not spec.get("containers"):
        spec["containers"] = [{"name": "main"}]
    for role in _ROLES.values():
        for index, container in enumerate(spec.get(role) or ()):
            container["name"] = container.get("name") or f"{role.lower()}-{index}"
            container.setdefault("image", _IMAGE)
            _complete_handlers(container)
    context = spec.get("securityContext") or {}
    if (context.get("windowsOptions") or {}).get("hostProcess"):
        spec["hostNetwork"] = True
    names = {volume["name"] for volume in spec.get("volumes") or ()}
    for container in spec["containers"]:
        container["volumeMounts"] = [mount for mount in container.get("volumeMounts") or () if mount["name"] in names]


def _complete_handlers(container: dict[str, Any]) -> None:
    lifecycle = container.get("lifecycle") or {}
    for handler in (*(container.get(name) for name in ("livenessProbe", "readinessProbe", "startupProbe")), *lifecycle.values()):
        for action in ("httpGet", "tcpSocket"):
            if handler and action in handler:
                handler[action].setdefault("port", 80)


def _thawed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _thawed(item) for key, item in value.items()}
    return [_thawed(item) for item in value] if isinstance(value, (list, tuple)) else value
