"""GPU pods without a queue are refused by the API server itself, so no workload walks round the quotas.

Kueue only looks at what bears its label. This ValidatingAdmissionPolicy demands the label in tenants'
namespaces. Pods of a queued Job do not bear it: they pass when the Job controller makes them, and the Job
itself is held to the label.
"""

from __future__ import annotations

from typing import Any

import pulumi

from gpuplane.components.kubernetes_object import KubernetesObject, child_options, metadata
from gpuplane.spec.vocabulary import GPU_PREFIX, QUEUE_NAME, TENANT

POLICY_NAME = "gpuplane-gpu-needs-queue"
_JOB_CONTROLLER = "system:serviceaccount:kube-system:job-controller"


class QueueAdmission(pulumi.ComponentResource):
    """The policy and its binding to every namespace that has a tenant."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gpuplane:index:QueueAdmission", name, {}, opts)
        child = child_options(self, opts)
        policy = KubernetesObject("policy", {
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": metadata(POLICY_NAME), "spec": _spec()}, child)
        KubernetesObject("binding", {
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": metadata(POLICY_NAME),
            "spec": {"policyName": POLICY_NAME, "validationActions": ["Deny"], "matchResources": {
                "namespaceSelector": {"matchExpressions": [{"key": TENANT, "operator": "Exists"}]}}}},
            pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[policy])))
        self.register_outputs({"name": POLICY_NAME})


def _spec() -> dict[str, Any]:
    kinds = (("", "pods"), ("batch", "jobs"))
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [
            {"apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE"], "resources": [resource]} for group, resource in kinds]},
        "variables": [
            {"name": "pod", "expression": "object.kind == 'Pod' ? object.spec : object.spec.template.spec"},
            {"name": "containers", "expression": "variables.pod.containers + (has(variables.pod.initContainers) ? "
                                                 "variables.pod.initContainers : [])"},
            {"name": "asksForGpu", "expression": "variables.containers.exists(c, has(c.resources) && ("
                                                 f"{_asks('limits')} || {_asks('requests')}))"},
            {"name": "hasQueue", "expression": f"has(object.metadata.labels) && '{QUEUE_NAME}' in object.metadata.labels && "
                                               f"object.metadata.labels['{QUEUE_NAME}'] != ''"},
            {"name": "madeByJob", "expression": f"object.kind == 'Pod' && request.userInfo.username == '{_JOB_CONTROLLER}'"},
        ],
        "validations": [{
            "expression": "!variables.asksForGpu || variables.hasQueue || variables.madeByJob",
            "message": f"GPUs are shared through queues: set the label {QUEUE_NAME} to a LocalQueue of this namespace.",
            "reason": "Forbidden"}],
    }


def _asks(part: str) -> str:
    return f"has(c.resources.{part}) && c.resources.{part}.exists(r, r.startsWith('{GPU_PREFIX}'))"
