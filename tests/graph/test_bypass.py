"""Ways round a rule: each kind is found with its proof, its repaired twin is not, and taking a guard out of a real environment opens one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gpuplane.graph.bypass import audit
from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from tests.planning.wish import valid
from tests.stacks.test_queue_objects import views

WEBHOOK = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: guard}
webhooks: [{name: guard.example.com, failurePolicy: FAIL, objectSelector: OBJECTS}]
"""
BINDING = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: guard}
spec: {failurePolicy: FAIL}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: guard}
spec: {policyName: NAME, validationActions: [ACTION]}
"""
ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: KIND
metadata: {name: ops, namespace: support}
rules: [{apiGroups: ["GROUP"], resources: [RESOURCE], verbs: [VERB]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: ops, namespace: support}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: KIND, name: ops}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: SUBJECT}]
"""
APPLICATION = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: platform, namespace: argocd}
spec:
  project: PROJECT
  source: {repoURL: "https://git.example.com/platform", path: prod, targetRevision: REVISION}
  syncPolicy: {syncOptions: [OPTION]}
"""
SCALER = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: support, labels: {LABEL: gpu}}
spec: {template: {spec: {containers: [{name: a, image: a, resources: {limits: {nvidia.com/gpu: 1}}}]}}}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: gpu, namespace: support}
spec: {clusterQueue: support}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: chat, namespace: support}
spec: {scaleTargetRef: {kind: Deployment, name: TARGET}, maxReplicas: 9}
"""
SPACE = """
apiVersion: v1
kind: Namespace
metadata: {name: support, labels: {gpuplane.dev/tenant: support, pod-security.kubernetes.io/enforce: restricted, LABEL: "x"}}
"""
GOOD: Mapping[str, Mapping[str, str]] = {
    WEBHOOK: {"FAIL": "Fail", "OBJECTS": "{}"},
    BINDING: {"FAIL": "Fail", "NAME": "guard", "ACTION": "Deny"},
    ROLE: {"KIND": "Role", "GROUP": "", "RESOURCE": "pods", "VERB": "create", "SUBJECT": "support"},
    APPLICATION: {"PROJECT": "platform", "REVISION": "v1.2.3", "OPTION": "CreateNamespace=false"},
    SCALER: {"LABEL": "kueue.x-k8s.io/queue-name", "TARGET": "chat"},
    SPACE: {"LABEL": "team"},
}
CASES = {
    "a webhook that fails open": (WEBHOOK, {"FAIL": "Ignore"}, "enforcement that lets pass", "is skipped when it does not answer"),
    "a webhook for volunteers": (WEBHOOK, {"OBJECTS": "{matchLabels: {scan: 'on'}}"}, "opt-out label", "label scan=on"),
    "a webhook that a label switches off": (WEBHOOK, {"OBJECTS": "{matchExpressions: [{key: skip, operator: DoesNotExist}]}"},
                                            "opt-out label", "label skip DoesNotExist"),
    "a policy that fails open": (BINDING, {"FAIL": "Ignore"}, "enforcement that lets pass", "cannot judge"),
    "a policy without a binding": (BINDING, {"NAME": "other"}, "enforcement that lets pass", "in force nowhere"),
    "a policy that warns": (BINDING, {"ACTION": "Warn"}, "enforcement that lets pass", "refuses nothing"),
    "a namespace that Gatekeeper skips": (SPACE, {"LABEL": "admission.gatekeeper.sh/ignore"}, "opt-out label", "leaves the namespace alone"),
    "who may edit the quota": (ROLE, {"RESOURCE": "resourcequotas", "VERB": "patch"}, "right to edit what enforces", "the namespace's quota"),
    "who may open the network": (ROLE, {"GROUP": "networking.k8s.io", "RESOURCE": "networkpolicies", "VERB": "delete"},
                                 "right to edit what enforces", "network isolation"),
    "who may admit himself": (ROLE, {"GROUP": "kueue.x-k8s.io", "RESOURCE": "workloads/status", "VERB": "'*'"},
                              "right to edit what enforces", "admits it"),
    "who may raise the most replicas": (ROLE, {"GROUP": "autoscaling", "RESOURCE": "horizontalpodautoscalers", "VERB": "update"},
                                        "right to edit what enforces", "most replicas"),
    "an application of no project": (APPLICATION, {"PROJECT": "default"}, "delivery without a gate", "is in project default"),
    "an application that follows a branch": (APPLICATION, {"REVISION": "main"}, "delivery without a gate", "follows main"),
    "an application that skips validation": (APPLICATION, {"OPTION": "Validate=false"}, "delivery without a gate", "Validate=false"),
    "an autoscaler past the queue": (SCALER, {"LABEL": "queue"}, "autoscaling", "that no queue counts"),
    "an autoscaler of a stranger": (SCALER, {"TARGET": "other"}, "autoscaling", "which nobody has judged"),
}


def _audit(template: str, changes: Mapping[str, str]) -> list[Any]:
    text = template
    for word, value in {**GOOD[template], **changes}.items():
        text = text.replace(word, value)
    return [way for way in audit(PlannedGraph(views_of_text(text))) if way.kind != "open namespace"]


@pytest.mark.parametrize(("template", "changes", "kind", "words"), CASES.values(), ids=CASES)
def test_a_way_round_is_found_with_its_proof(template: str, changes: Mapping[str, str], kind: str, words: str) -> None:
    found = [way for way in _audit(template, changes) if way.kind == kind and words in way.message]

    assert len(found) == 1
    assert str(found[0].view) in found[0].proof[0]
    assert found[0].remedy.endswith(".")


@pytest.mark.parametrize("template", GOOD, ids=["webhook", "policy", "role", "application", "autoscaler", "namespace"])
def test_the_repaired_twin_is_none(template: str) -> None:
    assert _audit(template, {}) == []


def test_rights_of_kubernetes_own_roles_are_known() -> None:
    (binding,) = (view for view in views_of_text(ROLE.replace("KIND", "ClusterRole").replace("name: ops}\nsubjects", "name: admin}\nsubjects")
                                                 .replace("SUBJECT", "support").replace("GROUP", "").replace("RESOURCE", "pods").replace("VERB", "get"))
                  if view.kind == "RoleBinding")

    assert {way.message.split(" in namespace")[0].rpartition(" ")[2] for way in audit(PlannedGraph([binding]))} == {
        "networkpolicies", "horizontalpodautoscalers", "rolebindings", "deployments/scale"}


@pytest.fixture(scope="module")
def rendered() -> list[ResourceView]:
    return views(valid().put("tenants/acme spec.access", {"groups": {"acme-admins": "operator", "acme-viewers": "viewer"}}))


def _without(kind: str) -> Callable[[ResourceView], bool]:
    return lambda view: view.kind != kind


def test_a_tenant_of_gpuplane_has_no_way_round(rendered: list[ResourceView]) -> None:
    assert [way.message for way in audit(PlannedGraph(rendered)) if way.severity == "high"] == []


@pytest.mark.parametrize(("kind", "words"), [
    ("ResourceQuota", "no ResourceQuota"), ("NetworkPolicy", "no NetworkPolicy that denies by default"),
    ("ValidatingAdmissionPolicyBinding", "no admission policy"), ("ValidatingAdmissionPolicyBinding", "in force nowhere")])
def test_taking_a_guard_away_opens_a_way(rendered: list[ResourceView], kind: str, words: str) -> None:
    found = [way.message for way in audit(PlannedGraph(filter(_without(kind), rendered))) if way.severity == "high"]

    assert any(words in message for message in found)
