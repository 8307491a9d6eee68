"""Each generated admission policy, put to the examples of its rule on the real API server: failing ones are denied, passing ones admitted."""

from __future__ import annotations

import copy
import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

import pytest
import yaml
from kubernetes import dynamic
from kubernetes.client.exceptions import ApiException

from gpuplane.components.queue_admission import policy_objects
from gpuplane.graph.manifests import views_of_text
from gpuplane.graph.planned_graph import PlannedGraph
from gpuplane.graph.resource_view import ResourceView
from gpuplane.policies.admission_policies import AdmissionPolicy, admission_policies
from gpuplane.policies.registry import all_rules
from gpuplane.policies.rule import Example, Rule
from gpuplane.spec.exemptions import Exemption, ObjectSelector
from gpuplane.spec.vocabulary import TENANT
from tests.integration.admission_objects import completed, has_policed_kind, plain, projected_pods
from tests.integration.cluster import Cluster, wait_for

pytestmark = pytest.mark.integration

DAY = date(2026, 11, 21)
RULES = [rule for rule in all_rules() if rule.admission]
_KEPT = ("default", "kube-system")
REFUSED_ANYWAY = {"WS-12": "`hostUsers` must be false to use `Unmasked`"}
"""What newer API servers refuse by themselves, before any policy is asked."""


def _objects(policies: Iterable[AdmissionPolicy]) -> list[dict[str, Any]]:
    """What the platform's component gives the API server for policies."""
    return [body for policy in policies for body in policy_objects(policy.name, policy.spec, policy.actions, policy.namespaces)]


class Door:
    """The API server with one rule's policies in force, and namespaces as the examples have them."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self._spaces = cluster, dict[str, dict[str, Any]]()

    def namespace(self, example: Example, view: ResourceView, tenants: bool) -> dict[str, Any]:
        """A namespace with what the example's own Namespace says, for a tenant or not; it is there."""
        if not tenants and view.namespace in ("", *_KEPT):
            return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": view.namespace or "default"}}
        said = next((plain(each)["metadata"] for each in views_of_text(example.yaml)
                     if each.kind == "Namespace" and each.name == view.namespace), {})
        labels = {**(said.get("labels") or {}), **({TENANT: "support"} if tenants else {})}
        labels = {key: value for key, value in labels.items() if "pod-security" not in key}
        key = json.dumps([labels, said.get("annotations")], sort_keys=True)
        if key not in self._spaces:
            name = f"door-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {
                "name": name, "labels": labels, "annotations": said.get("annotations") or {}}}
            if self.cluster.get("v1", "Namespace", name) is None:
                self.cluster.create(body)
            wait_for(lambda: self.cluster.get("v1", "ServiceAccount", "default", name) is not None, f"{name} has its account")
            self._spaces[key] = body
        return self._spaces[key]

    def refusal(self, body: dict[str, Any], namespace: str) -> str:
        """Why the object is refused; empty where it is not. Ephemeral containers come as they do in life: to a pod that is there."""
        body = copy.deepcopy(body)
        ephemeral = body["spec"].pop("ephemeralContainers", None) if body["kind"] == "Pod" else None
        body["metadata"].update({"namespace": namespace} if namespace else {"name": f"{body['metadata']['name']}-asked"})
        return self._create(body, dry_run="All") if ephemeral is None else self._with_debugger(body, ephemeral)

    def _create(self, body: dict[str, Any], **options: Any) -> str:
        if body["kind"] == "Pod" and body["spec"].get("serviceAccountName"):
            self._account(body["spec"]["serviceAccountName"], body["metadata"]["namespace"])
        try:
            kind = self.cluster.kind(body["apiVersion"], body["kind"])
            kind.create(body=body, **({"namespace": body["metadata"]["namespace"]} if "namespace" in body["metadata"] else {}), **options)
        except (ApiException, dynamic.exceptions.DynamicApiError) as error:
            return str(error.body)
        return ""

    def _account(self, name: str, namespace: str) -> None:
        if self.cluster.get("v1", "ServiceAccount", name, namespace) is None:
            self.cluster.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}})

    def _with_debugger(self, body: dict[str, Any], ephemeral: list[dict[str, Any]]) -> str:
        body["metadata"]["name"] = f"debugged-{time.monotonic_ns()}"
        if said := self._create(body):
            return said
        try:
            self.cluster.core.patch_namespaced_pod_ephemeralcontainers(
                body["metadata"]["name"], body["metadata"]["namespace"], {"spec": {"ephemeralContainers": ephemeral}}, dry_run="All")
        except ApiException as error:
            return str(error.body)
        finally:
            self.cluster.core.delete_namespaced_pod(body["metadata"]["name"], body["metadata"]["namespace"], grace_period_seconds=0)
        return ""


@pytest.fixture(scope="module")
def door(cluster: Cluster) -> Door:
    return Door(cluster)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_policy_says_what_its_rule_says(door: Door, rule: Rule) -> None:
    objects = _objects(admission_policies("Deny", (), DAY, only_warn=(), rules=[rule]))
    for body in objects:
        if body["kind"].endswith("Binding"):
            body["spec"]["validationActions"] = ["Deny"]  # advice too: what is asked is whether it is seen
    for body in objects:
        door.cluster.create(json.loads(json.dumps(body)))
    try:
        cases = [(example, *asked) for example in (*rule.FAILS, *rule.PASSES) for asked in _asked(door, rule, example)]
        wanted = [_broken(rule, body, namespace) for _, body, namespace in cases]
        seen = [(body, namespace["metadata"]["name"]) for (example, body, namespace), broken in zip(cases, wanted, strict=True)
                if broken and not _unseen(rule, example)]
        wait_for(lambda: any(f"[{rule.id}]" in door.refusal(*each) for each in seen), f"{rule.id} is in force: {door.refusal(*seen[0])}", 20)
        for (example, body, namespace), broken in zip(cases, wanted, strict=True):
            said = door.refusal(body, namespace["metadata"]["name"])
            assert _denies(rule, said) == (broken and not _unseen(rule, example)), (example.title, body["kind"], said)
            assert broken or said == "" or "AlreadyExists" in said, (example.title, body["kind"], said)
    finally:
        for body in reversed(objects):
            door.cluster.delete(body)
        wait_for(lambda: not any(f"[{rule.id}]" in door.refusal(*each) for each in seen), f"{rule.id} is no longer in force", 20)


def _unseen(rule: Rule, example: Example) -> bool:
    return any(example.title in part.beyond for part in rule.admission)


def _denies(rule: Rule, refusal: str) -> bool:
    """Whether the rule's policy refuses, or Kubernetes itself what the rule forbids."""
    return f"[{rule.id}]" in refusal or (rule.id in REFUSED_ANYWAY and REFUSED_ANYWAY[rule.id] in refusal)


def _broken(rule: Rule, body: dict[str, Any], namespace: dict[str, Any]) -> bool:
    """What the rule says before apply about this very object in this very namespace."""
    meta = {**body["metadata"], **({} if body["kind"] == "Namespace" else {"namespace": namespace["metadata"]["name"]})}
    views = views_of_text(yaml.safe_dump_all([{**body, "metadata": meta}, *([] if body["kind"] == "Namespace" else [namespace])]))
    return any(finding.kind == body["kind"] for finding in rule.check(PlannedGraph(views)))


def _asked(door: Door, rule: Rule, example: Example) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every object of an example that the rule's policies look at, as it is and as the pods that it would make; with its namespace."""
    resources = {resource for part in rule.admission for _, resource in part.resources}
    whole = all(part.whole for part in rule.admission)
    tenants = rule.admission[0].namespaces == "tenants"
    for view in views_of_text(example.yaml):
        if view.kind == "Namespace":
            if "namespaces" in resources and TENANT in view.labels:
                yield plain(view), {"metadata": {"name": ""}}
        elif view.is_kubernetes:
            home = door.namespace(example, view, tenants)
            if (has_policed_kind(view) and _served(door, view) and not (whole and view.group == "serving.kserve.io")) or (
                    f"{view.kind.lower()}s" in resources):
                yield completed(plain(view)), home
            if not _runtime_decides(view, whole):
                yield from ((pod, home) for pod in projected_pods(view))


def _runtime_decides(view: ResourceView, whole: bool) -> bool:
    """Whether what is asked for can come from a ServingRuntime."""
    return whole and view.kind == "InferenceService" and bool(view.get("spec", "predictor", "model", "runtime"))


def _served(door: Door, view: ResourceView) -> bool:
    try:
        door.cluster.kind(view.api_version, view.kind)
    except dynamic.exceptions.ResourceNotFoundError:
        return False
    return True


def test_an_exemption_opens_the_door_for_its_object_and_no_other(door: Door) -> None:
    space = door.namespace(RULES[0].PASSES[0], views_of_text("apiVersion: v1\nkind: Pod\nmetadata: {name: x}")[0], True)["metadata"]["name"]
    exemption = Exemption(rule="WS-01", resource=ObjectSelector(kind="Deployment", name="driver", namespace=space), owner="ops@example.com",
                          reason="until the image has the driver", approval="change 7", expires="2026-12-31")
    rule = next(rule for rule in RULES if rule.id == "WS-01")
    objects = _objects(admission_policies("Deny", [exemption], DAY, rules=[rule]))
    for kind in ("ReplicaSet", "Deployment"):  # Kueue's webhook looks the owner of a pod up
        door.cluster.create({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "driver-5bd48cf7bf", "namespace": space}, "spec": {
            "replicas": 0, "selector": {"matchLabels": {"app": kind}}, "template": {
                "metadata": {"labels": {"app": kind}}, "spec": {"containers": [{"name": "a", "image": "a"}]}}}})
    for body in objects:
        door.cluster.create(json.loads(json.dumps(body)))
    spec = {"containers": [{"name": "a", "image": "a", "securityContext": {"privileged": True}}]}
    deployment = completed({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "driver"}, "spec": {"template": {"spec": spec}}})
    pod = completed({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "driver"}, "spec": copy.deepcopy(spec)})

    def named(body: dict[str, Any], name: str, **meta: Any) -> dict[str, Any]:
        return {**body, "metadata": {"name": name, **meta}}

    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "driver-5bd48cf7bf", "uid": "00000000-0000-4000-8000-000000000001",
             "controller": True}
    try:
        wait_for(lambda: "[WS-01]" in door.refusal(named(deployment, "driver-more"), space), "WS-01 is in force", 20)
        assert door.refusal(deployment, space) == ""
        assert "[WS-01]" in door.refusal(pod, space)
        assert "[WS-01]" in door.refusal(named(pod, "x", ownerReferences=[owner]), space)
        door.cluster.api.set_default_header("Impersonate-User", "system:kube-controller-manager")
        door.cluster.api.set_default_header("Impersonate-Group", "system:masters")
        assert door.refusal(named(pod, "x", ownerReferences=[owner]), space) == ""
        assert "[WS-01]" in door.refusal(named(pod, "x", ownerReferences=[{**owner, "kind": "Deployment"}]), space)
    finally:
        for header in ("Impersonate-User", "Impersonate-Group"):
            door.cluster.api.default_headers.pop(header, None)
        for body in reversed(objects):
            door.cluster.delete(body)
        wait_for(lambda: "[WS-01]" not in door.refusal(pod, space), "WS-01 is no longer in force", 20)


def test_no_expression_is_doubted_by_the_api_server(door: Door) -> None:
    objects = [body for body in _objects(admission_policies("Deny", (), DAY)) if not body["kind"].endswith("Binding")]
    for body in objects:
        door.cluster.create(json.loads(json.dumps(body)))  # a syntax error, or a function that is not there, is refused here
    try:
        assert len(door.cluster.list("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy")) >= len(objects)
    finally:
        for body in objects:
            door.cluster.delete(body)
