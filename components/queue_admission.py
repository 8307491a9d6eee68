"""What the API server itself refuses in tenants' namespaces, so that nothing walks round queues and borders.

Kueue only looks at what bears its label. A GPU is an extended resource of any container, or a claim of DRA; it is asked for by a pod, by a
template of a built-in kind, or by a kind whose controller makes pods out of sight (JobSet, RayCluster, …), which needs the label always.
Kueue also leaves alone what another managed workload owns, and an owner is only a field that anybody can write: people may not set it. Pods
of a queued Job do not bear the label: they pass when a controller makes them for an owner of a kind that cannot be there without it. And a
pod that waits is held by a gate that anybody could take away: people may not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, child_options, metadata
from gpuplane.spec.kserve_names import PICKER_ACCOUNT_SUFFIX, PICKER_COMPONENT
from gpuplane.spec.vocabulary import BY_CONTROLLER, GPU_PREFIX, MODEL_SERVER_ACCOUNT, QUEUE_NAME, TENANT

GPU_POLICY = "gpuplane-gpu-needs-queue"
BORDER_POLICY = "gpuplane-tenant-borders"
ACCELERATORS = (GPU_PREFIX, "google.com/tpu")
"""Prefixes of the extended resources that are shared through queues."""
OPAQUE = (("jobset.x-k8s.io", "jobsets", "JobSet"), ("leaderworkerset.x-k8s.io", "leaderworkersets", "LeaderWorkerSet"),
          ("ray.io", "rayclusters", "RayCluster"), ("ray.io", "rayjobs", "RayJob"), ("ray.io", "rayservices", "RayService"),
          ("trainer.kubeflow.org", "trainjobs", "TrainJob"))
"""Group, resource and kind of what makes pods out of sight; Kueue queues all of them."""
_TEMPLATED = (("apps", ("daemonsets", "deployments", "replicasets", "statefulsets")), ("batch", ("cronjobs", "jobs")),
              ("", ("replicationcontrollers",)))
_API = "admissionregistration.k8s.io/v1"
_WRITES = ("CREATE", "UPDATE")
TENANTS_NAMESPACES: Mapping[str, Any] = {"matchExpressions": [{"key": TENANT, "operator": "Exists"}]}
"""Selector of the namespaces that have a tenant."""


class QueueAdmission(pulumi.ComponentResource):
    """Two policies and their bindings to every namespace that has a tenant.

    Args:
        volcano_nodes: labels of the nodes of each pool that Volcano shares out; pods that Volcano makes there need no queue of Kueue.
    """

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None, volcano_nodes: tuple[Mapping[str, str], ...] = ()) -> None:
        super().__init__("gpuplane:index:QueueAdmission", name, {}, opts)
        child = child_options(self, opts)
        for policy, spec in ((GPU_POLICY, gpu_policy(volcano_nodes)), (BORDER_POLICY, _border_spec())):
            register_policy(policy, spec, child)
        self.register_outputs({"names": [GPU_POLICY, BORDER_POLICY]})


def register_policy(name: str, spec: Mapping[str, Any], options: pulumi.ResourceOptions, actions: Sequence[str] = ("Deny",),
                    namespaces: Mapping[str, Any] = TENANTS_NAMESPACES) -> None:
    """Register a ValidatingAdmissionPolicy and its binding to namespaces: to every one that has a tenant, unless others are named."""
    policy, binding = policy_objects(name, spec, actions, namespaces)
    made = KubernetesObject(name, policy, options)
    KubernetesObject(name, binding, pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[made])))


def policy_objects(name: str, spec: Mapping[str, Any], actions: Sequence[str],
                   namespaces: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A policy and its binding, as the API server gets them."""
    return ({"apiVersion": _API, "kind": "ValidatingAdmissionPolicy", "metadata": metadata(name), "spec": spec},
            {"apiVersion": _API, "kind": "ValidatingAdmissionPolicyBinding", "metadata": metadata(name),
             "spec": {"policyName": name, "validationActions": list(actions), "matchResources": {"namespaceSelector": namespaces}}})


def resource_rule(group: str, resources: tuple[str, ...], operations: tuple[str, ...] = _WRITES) -> dict[str, Any]:
    """A rule of ``matchConstraints``."""
    return {"apiGroups": [group], "apiVersions": ["*"], "operations": list(operations), "resources": list(resources)}


def on_nodes(pod: str, pools: tuple[Mapping[str, str], ...]) -> str:
    """CEL: whether a pod spec selects the nodes of one of the pools."""
    selected = [" && ".join(f"'{key}' in {pod}.nodeSelector && {pod}.nodeSelector['{key}'] == '{value}'"
                            for key, value in sorted(labels.items())) for labels in pools]
    return f"has({pod}.nodeSelector) && ({' || '.join(f'({each})' for each in selected)})" if selected else "false"


def gpu_policy(volcano_nodes: tuple[Mapping[str, str], ...] = ()) -> dict[str, Any]:
    """The ValidatingAdmissionPolicy that leads GPU workloads through queues."""
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [
            resource_rule("", ("pods",)), *(resource_rule(group, resources) for group, resources in _TEMPLATED),
            *(resource_rule(group, (resource,)) for group, resource, _ in OPAQUE)]},
        "variables": [{"name": name, "expression": expression} for name, expression in _variables(volcano_nodes)],
        "validations": [{"expression": expression, "reason": "Forbidden", "message": message}
                        for message, expression in _VALIDATIONS.items()],
    }


_OWNER = "has(object.metadata.ownerReferences) && object.metadata.ownerReferences.exists(o, has(o.controller) && o.controller{and_})"
_QUEUED_KINDS = ["batch/Job", *(f"{group}/{kind}" for group, _, kind in OPAQUE)]


def _variables(volcano_nodes: tuple[Mapping[str, str], ...]) -> tuple[tuple[str, str], ...]:
    asks = " || ".join(f"r.startsWith('{prefix}')" for prefix in ACCELERATORS)
    parts = " || ".join(f"(has(c.resources.{part}) && c.resources.{part}.exists(r, {asks}))" for part in ("limits", "requests"))
    owner_kind = "o.apiVersion.split('/')[0] + '/' + o.kind"
    volcano = _OWNER.format(and_=f" && {owner_kind} == 'batch.volcano.sh/Job'")
    return (
        ("opaque", f"object.kind in {[kind for _, _, kind in OPAQUE]}"),
        ("pod", ("object.kind == 'Pod' ? object.spec : "
                 "(object.kind == 'CronJob' ? object.spec.jobTemplate.spec.template.spec : object.spec.template.spec)")),
        ("containers", "variables.pod.containers + (has(variables.pod.initContainers) ? variables.pod.initContainers : [])"),
        ("claims", "!variables.opaque && has(variables.pod.resourceClaims) && variables.pod.resourceClaims.size() > 0"),
        ("asksForGpu", f"variables.opaque || variables.claims || variables.containers.exists(c, has(c.resources) && ({parts}))"),
        ("hasQueue", (f"has(object.metadata.labels) && '{QUEUE_NAME}' in object.metadata.labels && "
                      f"object.metadata.labels['{QUEUE_NAME}'] != ''")),
        ("byController", BY_CONTROLLER),
        # Deployments and the like are made by controllers too (KServe's, Argo CD's): their pods are looked at.
        ("template", "object.kind in ['CronJob', 'DaemonSet', 'Deployment', 'ReplicaSet', 'ReplicationController', 'StatefulSet']"),
        ("ownedByQueued", f"variables.byController && {_OWNER.format(and_=f' && {owner_kind} in {_QUEUED_KINDS}')}"),
        ("ofVolcano", f"object.kind == 'Pod' && variables.byController && {volcano} && {on_nodes('object.spec', volcano_nodes)}"
         if volcano_nodes else "false"),
        ("gates", "object.kind == 'Pod' && has(object.spec.schedulingGates) ? object.spec.schedulingGates.map(g, g.name) : []"),
        ("gatesBefore", ("request.operation == 'UPDATE' && object.kind == 'Pod' && has(oldObject.spec.schedulingGates) ? "
                         "oldObject.spec.schedulingGates.map(g, g.name) : []")),
    )


_VALIDATIONS = {
    f"GPUs are shared through queues: set the label {QUEUE_NAME} to a LocalQueue of this namespace.":
        "!variables.asksForGpu || variables.hasQueue || variables.ownedByQueued || variables.ofVolcano || "
        "(variables.template && variables.byController)",
    "Only controllers own GPU workloads: remove metadata.ownerReferences.":
        f"!variables.asksForGpu || variables.byController || request.operation == 'UPDATE' || !({_OWNER.format(and_='')})",
    "Kueue opens the scheduling gates of waiting pods: leave spec.schedulingGates as it is.":
        "variables.byController || variables.gatesBefore.all(g, !g.startsWith('kueue.x-k8s.io/') || g in variables.gates)",
    "Devices are claimed through templates, each pod its own: a shared ResourceClaim is counted once, however many pods use it.":
        "!variables.claims || variables.pod.resourceClaims.all(c, has(c.resourceClaimTemplateName))",
}
"""What is said to what does not hold."""


_PICKS = (f"has(object.metadata.labels) && object.metadata.labels[?'app.kubernetes.io/component'].orValue('') == '{PICKER_COMPONENT}' && "
          "has(object.spec.serviceAccountName) && object.spec.serviceAccountName == "
          f"object.metadata.labels[?'app.kubernetes.io/name'].orValue('') + '{PICKER_ACCOUNT_SUFFIX}'")
"""CEL: the endpoint picker of an LLMInferenceService, whose account KServe makes: it reads pods and pools, and no secrets."""


def _border_spec() -> dict[str, Any]:
    account = "has(object.spec.serviceAccountName) ? object.spec.serviceAccountName : 'default'"
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [resource_rule("", ("services",)), resource_rule("", ("pods",), ("CREATE",))]},
        "validations": [
            {"expression": "object.kind != 'Service' || !has(object.spec.externalIPs) || object.spec.externalIPs.size() == 0",
             "reason": "Forbidden", "message": "A Service with externalIPs can take other tenants' traffic (CVE-2020-8554)."},
            {"expression": "object.kind != 'Service' || !has(object.spec.type) || object.spec.type != 'ExternalName'",
             "reason": "Forbidden", "message": "A Service of type ExternalName leads round the allow-listed egress."},
            {"expression": f"object.kind != 'Pod' || ({account}) in ['default', '{MODEL_SERVER_ACCOUNT}'] || ({_PICKS})",
             "reason": "Forbidden",
             "message": f"Pods run as the service account {MODEL_SERVER_ACCOUNT} or default; others read the tenant's secret store."},
        ],
    }
