"""What the API server itself refuses in tenants' namespaces, so that nothing walks round queues and borders.

Kueue only looks at what bears its label: GPU pods and Jobs without it are refused, also when a Job gets its GPUs or loses its label
by a later change. Kueue also leaves alone what another managed workload owns, and an owner is only a field that anybody can write:
people may not set it on GPU workloads. Pods of a queued Job do not bear the label: they pass when the Job controller makes them.
"""

from __future__ import annotations

from typing import Any

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, child_options, metadata
from gpuplane.spec.vocabulary import GPU_PREFIX, MODEL_SERVER_ACCOUNT, QUEUE_NAME, TENANT

GPU_POLICY = "gpuplane-gpu-needs-queue"
BORDER_POLICY = "gpuplane-tenant-borders"
_API = "admissionregistration.k8s.io/v1"
_CONTROLLERS = ("system:kube-controller-manager", "system:serviceaccount:kube-system:job-controller")


class QueueAdmission(pulumi.ComponentResource):
    """Two policies and their bindings to every namespace that has a tenant."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:QueueAdmission", name, {}, opts)
        child = child_options(self, opts)
        for policy, spec in ((GPU_POLICY, _gpu_spec()), (BORDER_POLICY, _border_spec())):
            made = KubernetesObject(policy, {
                "apiVersion": _API, "kind": "ValidatingAdmissionPolicy", "metadata": metadata(policy), "spec": spec}, child)
            KubernetesObject(policy, {
                "apiVersion": _API, "kind": "ValidatingAdmissionPolicyBinding", "metadata": metadata(policy),
                "spec": {"policyName": policy, "validationActions": ["Deny"], "matchResources": {
                    "namespaceSelector": {"matchExpressions": [{"key": TENANT, "operator": "Exists"}]}}}},
                pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[made])))
        self.register_outputs({"names": [GPU_POLICY, BORDER_POLICY]})


def _resource_rule(group: str, resource: str, operations: tuple[str, ...]) -> dict[str, Any]:
    return {"apiGroups": [group], "apiVersions": ["*"], "operations": list(operations), "resources": [resource]}


def _gpu_spec() -> dict[str, Any]:
    owners = "has(object.metadata.ownerReferences) && object.metadata.ownerReferences.exists(o, has(o.controller) && o.controller)"
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [
            _resource_rule("", "pods", ("CREATE",)), _resource_rule("batch", "jobs", ("CREATE", "UPDATE"))]},
        "variables": [
            {"name": "pod", "expression": "object.kind == 'Pod' ? object.spec : object.spec.template.spec"},
            {"name": "containers", "expression": "variables.pod.containers + (has(variables.pod.initContainers) ? "
                                                 "variables.pod.initContainers : [])"},
            {"name": "asksForGpu", "expression": "variables.containers.exists(c, has(c.resources) && ("
                                                 f"{_asks('limits')} || {_asks('requests')}))"},
            {"name": "hasQueue", "expression": f"has(object.metadata.labels) && '{QUEUE_NAME}' in object.metadata.labels && "
                                               f"object.metadata.labels['{QUEUE_NAME}'] != ''"},
            {"name": "madeByJob", "expression": f"object.kind == 'Pod' && request.userInfo.username in {list(_CONTROLLERS)}"},
            {"name": "byController", "expression":
                "request.userInfo.username == 'system:kube-controller-manager' || "
                "(request.userInfo.username.startsWith('system:serviceaccount:') && "
                "!request.userInfo.username.startsWith('system:serviceaccount:' + request.namespace + ':'))"},
        ],
        "validations": [
            {"expression": "!variables.asksForGpu || variables.hasQueue || variables.madeByJob", "reason": "Forbidden",
             "message": f"GPUs are shared through queues: set the label {QUEUE_NAME} to a LocalQueue of this namespace."},
            {"expression": f"!variables.asksForGpu || variables.byController || request.operation == 'UPDATE' || !({owners})",
             "reason": "Forbidden",
             "message": "Only controllers own GPU workloads: remove metadata.ownerReferences."},
        ],
    }


def _border_spec() -> dict[str, Any]:
    account = "has(object.spec.serviceAccountName) ? object.spec.serviceAccountName : 'default'"
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [
            _resource_rule("", "services", ("CREATE", "UPDATE")), _resource_rule("", "pods", ("CREATE",))]},
        "validations": [
            {"expression": "object.kind != 'Service' || !has(object.spec.externalIPs) || object.spec.externalIPs.size() == 0",
             "reason": "Forbidden", "message": "A Service with externalIPs can take other tenants' traffic (CVE-2020-8554)."},
            {"expression": "object.kind != 'Service' || !has(object.spec.type) || object.spec.type != 'ExternalName'",
             "reason": "Forbidden", "message": "A Service of type ExternalName leads round the allow-listed egress."},
            {"expression": f"object.kind != 'Pod' || ({account}) in ['default', '{MODEL_SERVER_ACCOUNT}']", "reason": "Forbidden",
             "message": f"Pods run as the service account {MODEL_SERVER_ACCOUNT} or default; others read the tenant's secret store."},
        ],
    }


def _asks(part: str) -> str:
    return f"has(c.resources.{part}) && c.resources.{part}.exists(r, r.startsWith('{GPU_PREFIX}'))"
